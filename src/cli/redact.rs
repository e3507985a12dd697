//! `mcpgw redact --pii NAME`: stdin to stdout, byte for byte but for what is redacted.
//!
//! With `mode = "token"` the whole of stdin is one session.
//!
//! A stream: what is read is written as soon as it is decided, and memory stays bounded.

use std::io::{self, Read};

use super::arguments::{Redact, RedactDirection};
use super::configuration;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use super::subject;
use crate::pii::{Direction, Redactor};

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

pub(super) fn run(arguments: &Redact, output: &Output) -> Outcome {
    let configuration = configuration::load(&arguments.config.all(), output)?;
    let (name, table) = subject::filter(&configuration.snapshot, &arguments.pii)?;
    let direction = match arguments.direction {
        RedactDirection::Request => Direction::Request,
        RedactDirection::Response => Direction::Response,
    };
    let redactor = Redactor::alone(name, table, direction).map_err(Failure::new)?;
    let mut redaction = if arguments.json {
        redactor.message()
    } else {
        redactor.text()
    };
    let mut stdin = io::stdin().lock();
    let mut piece = vec![0; PIECE];
    let mut out = Vec::with_capacity(2 * PIECE);
    loop {
        let length = match stdin.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::new(format_args!("stdin cannot be read: {error}"))),
        };
        redaction.push(&piece[..length], &mut out);
        output.data(&out)?;
        out.clear();
    }
    redaction.finish(&mut out);
    output.data(&out)?;
    Ok(Exit::Fine)
}

//! `mcpgw validate [PATH]`: all findings of all files at once. Starts no program, opens no connection, reads no secret.

use super::arguments::{FindingsFormat, Validate};
use super::exit::{Exit, Outcome};
use super::output::Output;
use crate::compile::{self, Settings};
use crate::diag::{self, Format};

pub(super) fn run(arguments: &Validate, output: &Output) -> Outcome {
    let settings = Settings {
        locked: arguments.locked,
        ..Settings::default()
    };
    let compiled = compile::validate(&arguments.paths.all(), &settings);
    let format = match arguments.format {
        FindingsFormat::Github => Format::Github,
        FindingsFormat::Human => Format::Human {
            color: output.is_stdout_colored(),
            width: output.width().unwrap_or(100).min(120),
        },
        FindingsFormat::Json => Format::Json,
        FindingsFormat::Sarif => Format::Sarif,
    };
    output.data(diag::render(&compiled.findings, &compiled.sources, format))?;
    Ok(if compiled.findings.has_errors() {
        Exit::Error
    } else {
        Exit::Fine
    })
}

//! Lines with a bound: what is longer is skipped, not kept.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The longest message taken; the tools need some hundred bytes.
pub(super) const LONGEST: usize = 1024 * 1024;

pub(super) enum Line {
    /// Never empty.
    Text(Vec<u8>),
    TooLong,
    End,
}

pub(super) async fn next(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Line> {
    loop {
        let mut line = Vec::new();
        let mut too_long = false;
        let ended = loop {
            let buffer = input.fill_buf().await?;
            if buffer.is_empty() {
                break true;
            }
            let end = memchr::memchr(b'\n', buffer);
            let taken = end.unwrap_or(buffer.len());
            if line.len() + taken > LONGEST {
                too_long = true;
                line.clear();
            } else if !too_long {
                line.extend_from_slice(&buffer[..taken]);
            }
            input.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                break false;
            }
        };
        match (too_long, line.trim_ascii().is_empty(), ended) {
            (true, ..) => return Ok(Line::TooLong),
            (_, false, _) => return Ok(Line::Text(line)),
            (_, true, true) => return Ok(Line::End),
            (_, true, false) => {}
        }
    }
}

//! UTF-8 checked in chunks cut anywhere, also within a character.

use crate::mcp::json::Problem;

/// The beginning of a character whose end has not come in.
#[derive(Clone, Debug, Default)]
pub(super) struct Utf8 {
    begun: [u8; 4],
    len: usize,
}

impl Utf8 {
    pub(super) fn feed(&mut self, mut chunk: &[u8]) -> Result<(), Problem> {
        while self.len > 0 {
            let Some((byte, rest)) = chunk.split_first() else {
                return Ok(());
            };
            chunk = rest;
            self.begun[self.len] = *byte; // four bytes are a character or an error, so there is room
            self.len += 1;
            match std::str::from_utf8(&self.begun[..self.len]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(Problem::Utf8),
            }
        }
        let Err(error) = simdutf8::compat::from_utf8(chunk) else {
            return Ok(());
        };
        if error.error_len().is_some() {
            return Err(Problem::Utf8);
        }
        let tail = &chunk[error.valid_up_to()..];
        self.begun[..tail.len()].copy_from_slice(tail);
        self.len = tail.len();
        Ok(())
    }
}

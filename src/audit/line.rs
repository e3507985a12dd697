//! One line before it is chained: its members, in the order in which they were written.

use std::time::Duration;

use jiff::Timestamp;

use crate::mcp::json::quote;

/// A payload that is longer, in bytes, is recorded by its length.
pub const MAX_PAYLOAD: usize = 16 << 10;

/// The members of a JSON object between those that chain it. Never holds a line break.
#[derive(Clone, Debug)]
pub struct Line(Vec<u8>);

impl Line {
    /// `event` says what the line is about.
    pub fn new(event: &str, time: Timestamp) -> Self {
        let mut members = Vec::with_capacity(512);
        members.extend_from_slice(format!("\"time\":\"{time:.6}\",\"event\":\"{event}\"").as_bytes());
        Self(members)
    }

    /// Members for several lines.
    pub fn part() -> Self {
        Self(Vec::with_capacity(256))
    }

    /// The members of a part.
    #[must_use]
    pub fn with(mut self, part: &Self) -> Self {
        self.0.extend_from_slice(&part.0);
        self
    }

    #[must_use]
    pub fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        self.0.extend_from_slice(quote(value).as_bytes());
        self
    }

    #[must_use]
    pub fn number(mut self, key: &str, value: u64) -> Self {
        self.key(key);
        self.0.extend_from_slice(value.to_string().as_bytes());
        self
    }

    /// With microseconds behind the point.
    #[must_use]
    pub fn milliseconds(mut self, key: &str, time: Duration) -> Self {
        self.key(key);
        let micros = time.as_micros();
        self.0
            .extend_from_slice(format!("{}.{:03}", micros / 1000, micros % 1000).as_bytes());
        self
    }

    /// `json` is one JSON value in pieces. A line break in it stands between tokens, where a space is as good.
    #[must_use]
    pub fn json<'a>(mut self, key: &str, json: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.key(key);
        let start = self.0.len();
        for piece in json {
            self.0.extend_from_slice(piece);
        }
        let value = &mut self.0[start..];
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &value[at..]) {
            at += found;
            value[at] = b' ';
        }
        self
    }

    pub(super) fn members(&self) -> &[u8] {
        &self.0
    }

    /// Keys are ours: nothing in them needs an escape.
    fn key(&mut self, key: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_it_holds() {
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        let line = Line::new("call", time)
            .text("tool", "a\"b\nc")
            .number("bytes", 7)
            .json("arguments", [&b"{\n  \"a\": [1,\r\n2"[..], b"]\n}"]);
        let text = String::from_utf8(line.members().to_vec()).unwrap();
        assert_eq!(
            text,
            r#""time":"2023-11-14T22:13:20.000000Z","event":"call","tool":"a\"b\nc","bytes":7,"arguments":{   "a": [1,  2] }"#
        );
    }
}

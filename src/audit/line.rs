//! One line before it is chained: its members, in the order in which they were written.
//!
//! Two of them are written for each call, so everything goes straight into one buffer.

use std::fmt::{self, Write as _};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::mcp::json::{write_escaped, write_string};

/// A payload that is longer, in bytes, is recorded by its length.
pub const MAX_PAYLOAD: usize = 16 << 10;

/// What a line has besides payloads, in bytes; longer ones grow.
const USUAL: usize = 640;

/// The members of a JSON object between those that chain it. Never holds a line break.
#[derive(Clone, Debug)]
pub struct Line(Vec<u8>);

impl Line {
    /// `event` says what the line is about.
    pub fn new(event: &str, time: Timestamp) -> Self {
        Self::with_room(event, time, 0)
    }

    /// With room for payloads of so many bytes.
    pub fn with_room(event: &str, time: Timestamp, payloads: usize) -> Self {
        let mut line = Self(Vec::with_capacity(USUAL + payloads));
        line.0.extend_from_slice(b"\"time\":\"");
        put_time(&mut line.0, time);
        line.0.extend_from_slice(b"\",\"event\":\"");
        line.0.extend_from_slice(event.as_bytes());
        line.0.push(b'"');
        line
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
        write_string(&mut self.0, value);
        self
    }

    /// What it displays as.
    #[must_use]
    pub fn display(mut self, key: &str, value: impl fmt::Display) -> Self {
        struct Quoted<'a>(&'a mut Vec<u8>);
        impl fmt::Write for Quoted<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                write_escaped(self.0, text);
                Ok(())
            }
        }
        self.key(key);
        self.0.push(b'"');
        // Only a value that cannot display itself fails here, and what it gave until then stands.
        let _cut = write!(Quoted(&mut self.0), "{value}");
        self.0.push(b'"');
        self
    }

    #[must_use]
    pub fn number(mut self, key: &str, value: u64) -> Self {
        self.key(key);
        put_number(&mut self.0, value);
        self
    }

    /// With microseconds behind the point.
    #[must_use]
    pub fn milliseconds(mut self, key: &str, time: Duration) -> Self {
        self.key(key);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        put_number(&mut self.0, micros / 1000);
        self.0.push(b'.');
        put_digits::<3>(&mut self.0, micros % 1000);
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
        self.flatten(start);
        self
    }

    /// The same, looked at as it stands here: where `change` gives another value, that one is recorded.
    #[must_use]
    pub fn changed_json<'a>(
        mut self,
        key: &str,
        json: impl IntoIterator<Item = &'a [u8]>,
        change: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Self {
        self.key(key);
        let start = self.0.len();
        for piece in json {
            self.0.extend_from_slice(piece);
        }
        if let Some(changed) = change(&self.0[start..]) {
            self.0.truncate(start);
            self.0.extend_from_slice(&changed);
        }
        self.flatten(start);
        self
    }

    pub(super) fn members(&self) -> &[u8] {
        &self.0
    }

    fn flatten(&mut self, start: usize) {
        let value = &mut self.0[start..];
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &value[at..]) {
            at += found;
            value[at] = b' ';
        }
    }

    /// Keys are ours: nothing in them needs an escape.
    fn key(&mut self, key: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

/// In decimal digits.
pub(super) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = digit(value);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// The last `N` decimal digits, zeros in front.
fn put_digits<const N: usize>(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [b'0'; N];
    for place in digits.iter_mut().rev() {
        *place = digit(value);
        value /= 10;
    }
    out.extend_from_slice(&digits);
}

fn digit(value: u64) -> u8 {
    b"0123456789"[(value % 10) as usize]
}

/// RFC 3339, in UTC, with microseconds: as jiff's `{:.6}` for all years from 0 to 9999, in a tenth of the time.
fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    let civil = Offset::UTC.to_datetime(time);
    let part = |value: i32| u64::try_from(value).unwrap_or(0);
    put_digits::<4>(out, part(civil.year().into()));
    for (before, value) in [
        (b'-', civil.month()),
        (b'-', civil.day()),
        (b'T', civil.hour()),
        (b':', civil.minute()),
        (b':', civil.second()),
    ] {
        out.push(before);
        put_digits::<2>(out, part(value.into()));
    }
    out.push(b'.');
    put_digits::<6>(out, part(civil.subsec_nanosecond() / 1000));
    out.push(b'Z');
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

    #[test]
    fn times_are_as_jiff_writes_them() {
        for nanos in [
            0,
            1_700_000_000_123_456_789,
            951_782_400_000_001_000,
            4_102_444_799_999_999_999,
        ] {
            let time = Timestamp::from_nanosecond(nanos).unwrap();
            let mut out = Vec::new();
            put_time(&mut out, time);
            let read: Timestamp = String::from_utf8(out.clone()).unwrap().parse().unwrap();
            assert_eq!(read.as_microsecond(), time.as_microsecond());
            assert_eq!(out.len(), "2023-11-14T22:13:20.000000Z".len());
        }
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 7, 10, 4_711, u64::MAX] {
            let line = Line::part().number("n", number).display("d", number);
            assert_eq!(line.members(), format!(r#","n":{number},"d":"{number}""#).as_bytes());
        }
        let line = Line::part()
            .milliseconds("t", Duration::from_micros(12_034))
            .display("d", "a\"b");
        assert_eq!(line.members(), br#","t":12.034,"d":"a\"b""#);
    }
}

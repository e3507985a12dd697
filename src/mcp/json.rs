//! A JSON value read whole, for the few places that must look at all of it: arguments that rules judge, definitions
//! that a lock compares.
//!
//! Strict, as what is checked must be what everybody else reads: UTF-8, one value, no duplicate keys, no lone surrogates,
//! numbers kept as written. Depth and number of values are bounded.

use std::collections::BTreeMap;
use std::fmt;

/// A value. Objects are ordered by key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Json {
    Null,
    Boolean(bool),
    /// As written; a valid JSON number.
    Number(Box<str>),
    String(Box<str>),
    Array(Vec<Json>),
    Object(BTreeMap<Box<str>, Json>),
}

/// Why bytes are not a value, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JsonError {
    /// In bytes from the start.
    pub offset: usize,
    /// Without the text of the value, which may be somebody's secret; a duplicate key is not named either.
    pub message: &'static str,
}

/// Deeper than any schema in the wild, and safe on a thread's stack.
const MAX_DEPTH: usize = 100;
/// About 10 MiB in memory besides the strings.
const MAX_VALUES: usize = 200_000;

impl Json {
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let mut reader = Reader {
            bytes,
            at: 0,
            values: 0,
        };
        let value = reader.value(0)?;
        reader.skip_space();
        if reader.at == bytes.len() {
            Ok(value)
        } else {
            Err(reader.error("there is something after the value"))
        }
    }

    /// A member of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for JsonError {}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl Reader<'_> {
    fn error(&self, message: &'static str) -> JsonError {
        JsonError {
            offset: self.at,
            message,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.skip_space();
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.error("there are too many values"));
        }
        if depth > MAX_DEPTH {
            return Err(self.error("it is nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b't') => self.word(b"true", Json::Boolean(true)),
            Some(b'f') => self.word(b"false", Json::Boolean(false)),
            Some(b'n') => self.word(b"null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error("a JSON value is expected")),
            None => Err(self.error("it ends too early")),
        }
    }

    fn word(&mut self, word: &[u8], value: Json) -> Result<Json, JsonError> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(self.error("a JSON value is expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        let mut members = BTreeMap::new();
        self.at += 1;
        self.skip_space();
        if self.takes(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in quotes is expected"));
            }
            let key = self.string()?;
            if members.contains_key(&key) {
                return Err(JsonError {
                    offset: start,
                    message: "a key stands twice in one object",
                });
            }
            self.skip_space();
            if !self.takes(b':') {
                return Err(self.error("`:` is expected"));
            }
            let value = self.value(depth + 1)?;
            members.insert(key, value);
            self.skip_space();
            if self.takes(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.takes(b',') {
                return Err(self.error("`,` or `}` is expected"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, JsonError> {
        let mut elements = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.takes(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.skip_space();
            if self.takes(b']') {
                return Ok(Json::Array(elements));
            }
            if !self.takes(b',') {
                return Err(self.error("`,` or `]` is expected"));
            }
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Finds the end here and leaves escapes, UTF-8 and surrogates to `serde_json`.
    fn string(&mut self) -> Result<Box<str>, JsonError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(self.error("it ends inside a string")),
            }
        }
        self.at += 1;
        let span = self.bytes.get(start..self.at).unwrap_or_default();
        serde_json::from_slice(span).map_err(|_| JsonError {
            offset: start,
            message: "a string is not valid JSON (UTF-8, escapes, control characters)",
        })
    }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`, RFC 8259 section 6.
    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') && self.digits() == 0 {
            return Err(self.error("a digit is expected"));
        }
        if self.takes(b'.') && self.digits() == 0 {
            return Err(self.error("a digit is expected"));
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _sign = self.takes(b'+') || self.takes(b'-');
            if self.digits() == 0 {
                return Err(self.error("a digit is expected"));
            }
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| self.error("a number is not ASCII"))?;
        Ok(Json::Number(text.into()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (usize, &'static str) {
        let error = Json::parse(text.as_bytes()).unwrap_err();
        (error.offset, error.message)
    }

    #[test]
    fn values_are_read_and_numbers_kept_as_written() {
        let json = Json::parse(br#" {"b":[1.0,-0,12345678901234567890e3,true,null],"a":"\u00e9\n"} "#).unwrap();
        assert_eq!(json.get("a").unwrap().as_str(), Some("é\n"));
        let Some(Json::Array(elements)) = json.get("b") else {
            panic!()
        };
        assert_eq!(elements[0], Json::Number("1.0".into()));
        assert_eq!(elements[2], Json::Number("12345678901234567890e3".into()));
        assert_eq!(elements[3].as_bool(), Some(true));
    }

    #[test]
    fn a_duplicate_key_is_refused_at_any_depth_and_however_it_is_written() {
        assert_eq!(error(r#"{"a":1,"a":2}"#), (7, "a key stands twice in one object"));
        assert_eq!(error(r#"[{"x":{"a":1,"\u0061":2}}]"#).0, 13);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in [
            "",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "+1",
            "1e",
            ".5",
            "nul",
            "NaN",
            "\"a",
            "\"a\\",
            "1 2",
            "\"\\ud800\"",
            "\"\t\"",
            "{\"a\":1,}",
            "\u{feff}1",
        ] {
            assert!(Json::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(error(&nested(MAX_DEPTH + 2)).1, "it is nested too deeply");
        assert_eq!(error(&"[".repeat(1_000_000)).1, "it is nested too deeply");
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(error(&many).1, "there are too many values");
    }

    proptest::proptest! {
        #[test]
        fn what_serde_json_writes_is_read_alike(text in "\\PC*", number: i64, other: f64) {
            let written = serde_json::json!({ "a": [text, number], "b": other.is_finite().then_some(other) }).to_string();
            let json = Json::parse(written.as_bytes()).unwrap();
            let Some(Json::Array(elements)) = json.get("a") else { panic!() };
            proptest::prop_assert_eq!(elements[0].as_str(), Some(&*text));
            proptest::prop_assert_eq!(&elements[1], &Json::Number(number.to_string().into()));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Json::parse(&bytes);
        }
    }
}

//! A JSON value read whole, for the few places that must look at all of it: arguments that rules judge, definitions
//! that a lock compares.
//!
//! Strict, as what is checked must be what everybody else reads: UTF-8, one value, no duplicate keys, no lone surrogates,
//! numbers kept as written. Depth and number of values are bounded.

use std::collections::BTreeMap;

use crate::mcp::json::scan::Scanner;
use crate::mcp::json::{JsonError, Problem, Span, string};

/// A value. Objects are ordered by key.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Json {
    Null,
    Boolean(bool),
    /// As written; a valid JSON number.
    Number(Box<str>),
    String(Box<str>),
    Array(Vec<Json>),
    Object(BTreeMap<Box<str>, Json>),
}

/// About 10 MiB in memory besides the strings.
const MAX_VALUES: usize = 200_000;

impl Json {
    /// Errors do not show the text of the value, which may be somebody's secret; a duplicate key is not named either.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let mut tree = Tree {
            bytes,
            scanner: Scanner::new(bytes)?,
            values: 0,
        };
        let value = tree.value(0)?;
        tree.scanner.end()?;
        Ok(value)
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

struct Tree<'a> {
    bytes: &'a [u8],
    scanner: Scanner<'a>,
    values: usize,
}

impl Tree<'_> {
    /// Recurses once per level, at most [`MAX_DEPTH`] times: the scanner is asked about the depth first.
    fn value(&mut self, depth: u32) -> Result<Json, JsonError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.scanner.fail(Problem::TooMany));
        }
        match self.scanner.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            _ => self.leaf(depth),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Json, JsonError> {
        self.scanner.open(b'{', depth)?;
        let mut members = BTreeMap::new();
        while let Some(key) = self.scanner.key(members.is_empty())? {
            let text = self.text(key)?;
            let value = self.value(depth + 1)?;
            if members.insert(text, value).is_some() {
                return Err(JsonError::new(key.start, Problem::DuplicateKey));
            }
        }
        Ok(Json::Object(members))
    }

    fn array(&mut self, depth: u32) -> Result<Json, JsonError> {
        self.scanner.open(b'[', depth)?;
        let mut elements = Vec::new();
        while self.scanner.element(elements.is_empty())? {
            elements.push(self.value(depth + 1)?);
        }
        Ok(Json::Array(elements))
    }

    fn leaf(&mut self, depth: u32) -> Result<Json, JsonError> {
        let span = self.scanner.value(depth)?;
        Ok(match span.of(self.bytes) {
            b"null" => Json::Null,
            b"true" => Json::Boolean(true),
            b"false" => Json::Boolean(false),
            [b'"', ..] => Json::String(self.text(span)?),
            number => Json::Number(String::from_utf8_lossy(number).into()),
        })
    }

    fn text(&self, span: Span) -> Result<Box<str>, JsonError> {
        string(self.bytes, span)
            .map(Into::into)
            .ok_or(JsonError::new(span.start, Problem::Surrogate))
    }
}

#[cfg(test)]
mod tests {
    use crate::mcp::json::tree::MAX_VALUES;
    use crate::mcp::json::{Json, MAX_DEPTH, Problem};

    fn error(text: &str) -> (usize, Problem) {
        let error = Json::parse(text.as_bytes()).unwrap_err();
        (error.offset, error.problem)
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
        assert_eq!(error(r#"{"a":1,"a":2}"#), (7, Problem::DuplicateKey));
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
        assert!(Json::parse(nested(MAX_DEPTH as usize).as_bytes()).is_ok());
        assert_eq!(error(&nested(MAX_DEPTH as usize + 1)).1, Problem::TooDeep);
        assert_eq!(error(&"[".repeat(1_000_000)).1, Problem::TooDeep);
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(error(&many).1, Problem::TooMany);
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

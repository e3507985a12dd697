//! What can be wrong with a JSON text, and where.

use std::fmt;

/// A flaw and the offset of the byte at which it showed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JsonError {
    pub offset: usize,
    pub problem: Problem,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    Character,
    Colon,
    Comma,
    Control,
    DuplicateKey,
    End,
    Escape,
    Key,
    NotAnObject,
    NotAResponse,
    Number,
    Surrogate,
    TooDeep,
    TooLong,
    TooMany,
    Trailing,
    Utf8,
}

impl JsonError {
    pub(crate) fn new(offset: usize, problem: Problem) -> Self {
        Self { offset, problem }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.problem, self.offset)
    }
}

impl std::error::Error for JsonError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "expected a value",
            Self::Colon => "expected `:`",
            Self::Comma => "expected `,` or the closing bracket",
            Self::Control => "control character in a string",
            Self::DuplicateKey => "duplicate key",
            Self::End => "unexpected end",
            Self::Escape => "invalid escape in a string",
            Self::Key => "expected a key in quotes",
            Self::NotAnObject => "expected an object",
            Self::NotAResponse => "not a JSON-RPC response",
            Self::Number => "invalid number",
            Self::Surrogate => "half a surrogate pair in a string",
            Self::TooDeep => "nested too deeply",
            Self::TooLong => "key, number or white space too long",
            Self::TooMany => "too many values",
            Self::Trailing => "text after the value",
            Self::Utf8 => "invalid UTF-8",
        })
    }
}

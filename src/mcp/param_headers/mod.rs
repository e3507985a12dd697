//! `Mcp-Param-*`: the arguments of a tool that its schema (`x-mcp-header`) has mirrored into HTTP headers, so that who
//! stands between can route by them (2026-07-28, "Custom Headers from Tool Parameters").
//!
//! A raw tool comes in; what is kept is the way to each mirrored argument. A call is then checked, or its headers made.

mod schema;

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::mcp::header::{decode, encode};
use crate::mcp::json::{Span, find, string};

pub use crate::mcp::param_headers::schema::Invalid;

/// The mirrored parameters of one tool.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ParamHeaders(Vec<Param>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Param {
    header: HeaderName,
    /// Keys from the arguments down to the value.
    path: Box<[Box<str>]>,
}

/// Header and body say different things: -32020.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mismatch {
    pub header: HeaderName,
    pub problem: MismatchProblem,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MismatchProblem {
    /// The argument is written twice.
    Ambiguous,
    /// The header's text differs from the argument, or the argument has no text.
    Different,
    Encoding,
    /// The argument is there, its header is not.
    Missing,
    /// The header stands there twice.
    Repeated,
    /// The header is there, its argument is not.
    Unexpected,
}

/// One argument as found in a body.
enum Argument<'a> {
    Absent,
    /// Raw JSON, never `null`.
    Value(&'a [u8]),
    Ambiguous,
}

impl ParamHeaders {
    /// Reads a tool as its server listed it (checked JSON). An invalid annotation makes the whole tool unusable for
    /// HTTP clients: they must drop it.
    pub fn of(raw_tool: &[u8]) -> Result<Self, Invalid> {
        schema::read(raw_tool).map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the headers that came say what the arguments say. Headers of the prefix that the tool does not name are
    /// not looked at.
    pub fn check(&self, headers: &HeaderMap, body: &[u8], arguments: Option<Span>) -> Result<(), Mismatch> {
        for param in &self.0 {
            let refuse = |problem| {
                Err(Mismatch {
                    header: param.header.clone(),
                    problem,
                })
            };
            let mut values = headers.get_all(&param.header).iter();
            let (first, second) = (values.next(), values.next());
            match (param.argument(body, arguments), first) {
                (Argument::Ambiguous, _) => return refuse(MismatchProblem::Ambiguous),
                (_, Some(_)) if second.is_some() => return refuse(MismatchProblem::Repeated),
                (Argument::Absent, None) => {}
                (Argument::Absent, Some(_)) => return refuse(MismatchProblem::Unexpected),
                (Argument::Value(_), None) => return refuse(MismatchProblem::Missing),
                (Argument::Value(raw), Some(header)) => match decode(header) {
                    Err(_) => return refuse(MismatchProblem::Encoding),
                    Ok(text) if !says(&text, raw) => return refuse(MismatchProblem::Different),
                    Ok(_) => {}
                },
            }
        }
        Ok(())
    }

    /// The headers for a call. An argument without a text (an object, a lone surrogate, one written twice) has none.
    pub fn make(&self, body: &[u8], arguments: Option<Span>) -> Vec<(HeaderName, HeaderValue)> {
        let header = |param: &Param| match param.argument(body, arguments) {
            Argument::Value(raw) => Some((param.header.clone(), encode(&text(raw)?))),
            Argument::Absent | Argument::Ambiguous => None,
        };
        self.0.iter().filter_map(header).collect()
    }
}

impl Param {
    fn argument<'a>(&self, body: &'a [u8], arguments: Option<Span>) -> Argument<'a> {
        let mut at = arguments;
        for key in &self.path {
            let Some(object) = at else { return Argument::Absent };
            match find(body, object, key) {
                Ok(value) => at = value,
                Err(_) => return Argument::Ambiguous,
            }
        }
        match at.map(|value| value.of(body)) {
            None | Some(b"null") => Argument::Absent,
            Some(raw) => Argument::Value(raw),
        }
    }
}

/// The text that a value has in a header.
fn text(raw: &[u8]) -> Option<String> {
    match raw.first()? {
        b'"' => string(
            raw,
            Span {
                start: 0,
                end: raw.len(),
            },
        )
        .map(Into::into),
        b'{' | b'[' => None,
        _ => {
            let text = std::str::from_utf8(raw).ok()?;
            Some(integer(text).map_or_else(|| text.to_owned(), |number| number.to_string()))
        }
    }
}

/// Integers are compared as numbers: 42.0 and 42 are the same value of type `integer`.
fn says(header: &str, raw: &[u8]) -> bool {
    let Some(text) = text(raw) else { return false };
    let is_number = matches!(raw.first(), Some(b'-' | b'0'..=b'9'));
    text == header || is_number && integer(&text).is_some_and(|number| integer(header) == Some(number))
}

/// A whole number that every reader of JSON holds exactly: within ±(2^53 − 1).
fn integer(text: &str) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_991.0;
    if !text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
    {
        return None; // Rust also reads `inf` and `nan`
    }
    let number = text.parse::<f64>().ok()?;
    if number.fract() != 0.0 || number.abs() > LIMIT {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "a whole number within the limit")]
    let whole = number as i64;
    Some(whole)
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header.as_str();
        match self.problem {
            MismatchProblem::Ambiguous => write!(f, "the argument that header `{header}` mirrors stands there twice"),
            MismatchProblem::Different => write!(f, "header `{header}` differs from the argument that it mirrors"),
            MismatchProblem::Encoding => write!(f, "header `{header}` is not validly encoded"),
            MismatchProblem::Missing => write!(f, "header `{header}` is missing"),
            MismatchProblem::Repeated => write!(f, "header `{header}` stands there twice"),
            MismatchProblem::Unexpected => write!(f, "header `{header}` mirrors an argument that is not there"),
        }
    }
}

impl std::error::Error for Mismatch {}

#[cfg(test)]
mod tests;

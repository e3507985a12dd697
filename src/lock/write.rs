//! JSON as a lock writes it: one way only, and nothing in it that a reviewer would not see.

use std::fmt::{self, Write};

use super::definition::{Definition, LockedPrompt, LockedTemplate, LockedTool};
use crate::mcp::Json;
use crate::text::is_unsafe;

/// In one line.
pub(super) struct Compact<'a>(pub(super) &'a Json);

/// Indented by two, as in the file.
pub(super) struct Pretty<'a>(pub(super) &'a Json);

impl fmt::Display for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Json::Array(elements) => {
                f.write_char('[')?;
                for (at, element) in elements.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    Compact(element).fmt(f)?;
                }
                f.write_char(']')
            }
            Json::Object(members) => {
                f.write_char('{')?;
                for (at, (key, value)) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    write_string(f, key)?;
                    f.write_str(": ")?;
                    Compact(value).fmt(f)?;
                }
                f.write_char('}')
            }
            leaf => write_json(f, leaf, 0),
        }
    }
}

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_json(f, self.0, 0)
    }
}

/// The recorded fields as one JSON object: equal definitions are equal texts.
impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        let mut comma = "";
        for (field, value) in &self.fields {
            write!(f, "{comma}\"{field}\": {}", Compact(value))?;
            comma = ", ";
        }
        f.write_char('}')
    }
}

impl fmt::Display for LockedTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for LockedPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for LockedTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(super) fn write_json(f: &mut fmt::Formatter<'_>, json: &Json, depth: usize) -> fmt::Result {
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match json {
        Json::Null => f.write_str("null"),
        Json::Boolean(value) => write!(f, "{value}"),
        Json::Number(text) => f.write_str(text),
        Json::String(text) => write_string(f, text),
        Json::Array(elements) if elements.is_empty() => f.write_str("[]"),
        Json::Object(members) if members.is_empty() => f.write_str("{}"),
        Json::Array(elements) => {
            let mut open = "[\n";
            for element in elements {
                write!(f, "{open}{inner}")?;
                write_json(f, element, depth + 1)?;
                open = ",\n";
            }
            write!(f, "\n{outer}]")
        }
        Json::Object(members) => {
            let mut open = "{\n";
            for (key, value) in members {
                write!(f, "{open}{inner}")?;
                write_string(f, key)?;
                f.write_str(": ")?;
                write_json(f, value, depth + 1)?;
                open = ",\n";
            }
            write!(f, "\n{outer}}}")
        }
    }
}

/// What a reviewer would not see is written as an escape: controls, bidirectional marks, zero-width characters, tags.
pub(super) fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            c if is_unsafe(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

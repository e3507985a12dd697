//! Raw JSON: text in, spans out. Nothing is built, moved or rounded; a span's bytes are the value.
//!
//! What is accepted is RFC 8259 to the letter, at most [`MAX_DEPTH`] deep, UTF-8 throughout. Nothing here recurses.
//! [`check`] (or `envelope::read`) judges a text once; [`members`], [`elements`] and [`string`] then read pieces of it.

mod problem;
pub(crate) mod scan;
mod text;
mod tree;

use std::borrow::Cow;

pub use crate::mcp::json::problem::{JsonError, Problem};
pub use crate::mcp::json::text::{quote, string, write_escaped, write_string};
pub use crate::mcp::json::tree::Json;

use crate::mcp::json::scan::Scanner;

/// Arrays and objects that may stand inside each other.
pub const MAX_DEPTH: u32 = 128;

/// A part of a text, by byte offsets; half open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// One `"key": value` of an object. The key's span includes its quotes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Member {
    pub key: Span,
    pub value: Span,
}

/// Judges one whole text; its value's span comes back, without the white space around it.
pub fn check(bytes: &[u8]) -> Result<Span, JsonError> {
    let mut scanner = Scanner::new(bytes)?;
    let span = scanner.value(0)?;
    scanner.end()?;
    Ok(span)
}

/// The members of an object in a checked text, in order; none where `object` is not one.
pub fn members(bytes: &[u8], object: Span) -> Members<'_> {
    Members(Walk::into(bytes, object, b'{'))
}

/// The elements of an array in a checked text, in order; none where `array` is not one.
pub fn elements(bytes: &[u8], array: Span) -> Elements<'_> {
    Elements(Walk::into(bytes, array, b'['))
}

/// The value of the member `name`, in a checked text. Refuses an object that has it twice, however the keys are
/// written: readers differ on which one counts (RFC 8259 §4).
pub fn find(bytes: &[u8], object: Span, name: &str) -> Result<Option<Span>, JsonError> {
    let mut found = None;
    for member in members(bytes, object) {
        if member.key_str(bytes).as_deref() == Some(name) && found.replace(member.value).is_some() {
            return Err(JsonError::new(member.key.start, Problem::DuplicateKey));
        }
    }
    Ok(found)
}

impl Span {
    /// The bytes of this span in the text it was read from; empty where it does not fit the text.
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl Member {
    /// The key's text, escapes decoded; `None` where it is not text at all (a lone surrogate), so that no name can
    /// ever equal it.
    pub fn key_str(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        string(bytes, self.key)
    }
}

#[derive(Clone, Debug)]
pub struct Members<'a>(Walk<'a>);

#[derive(Clone, Debug)]
pub struct Elements<'a>(Walk<'a>);

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let walk = &mut self.0;
        let first = walk.step()?;
        let key = walk.scanner.key(first).ok().flatten()?;
        let value = walk.scanner.value(0).ok()?;
        walk.open = true;
        Some(Member { key, value })
    }
}

impl Iterator for Elements<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let walk = &mut self.0;
        let first = walk.step()?;
        if !walk.scanner.element(first).ok()? {
            return None;
        }
        let value = walk.scanner.value(0).ok()?;
        walk.open = true;
        Some(value)
    }
}

/// A scanner between the brackets of one container; `open` falls at its end or at the first flaw.
#[derive(Clone, Debug)]
struct Walk<'a> {
    scanner: Scanner<'a>,
    open: bool,
    first: bool,
}

impl<'a> Walk<'a> {
    fn into(bytes: &'a [u8], container: Span, bracket: u8) -> Self {
        let mut scanner = Scanner::within(bytes, container);
        let open = scanner.take(bracket);
        Self {
            scanner,
            open,
            first: true,
        }
    }

    fn step(&mut self) -> Option<bool> {
        std::mem::take(&mut self.open).then(|| std::mem::take(&mut self.first))
    }
}

#[cfg(test)]
pub(crate) mod tests;

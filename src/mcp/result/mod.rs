//! Edits one JSON-RPC response while it streams by.
//!
//! Chunks come in, cut anywhere; slices of them go out, and between them what the rules put in. Every byte is seen once
//! and checked to be JSON; memory is bounded by one key. What is not touched leaves as the bytes it came in.

mod lexer;
mod output;
mod utf8;

use std::borrow::Cow;

use bytes::Bytes;

use crate::mcp::json::{JsonError, Problem, Span, string};
use crate::mcp::result::lexer::{Lexer, Token, TokenKind};
use crate::mcp::result::output::Output;
use crate::mcp::result::utf8::Utf8;

/// What is to change. Without any rule the response is only checked and looked at.
#[derive(Clone, Debug, Default)]
pub struct ResultRules {
    /// Members of `result` to drop.
    pub strip: &'static [&'static str],
    /// `"resultType":"complete"` at the end of `result`, where it has none.
    pub add_result_type: bool,
    /// Members (key, raw value) at the end of a complete `result`, each where it has none: a question back
    /// (`input_required`) must not have cache hints.
    pub add: Vec<(&'static str, &'static str)>,
    /// Drop `structuredContent` that is no object: before 2026-07-28 there was none.
    pub object_structured_content_only: bool,
    /// Of `error.code`: this into that.
    pub map_error_code: Option<(i64, i64)>,
    /// Raw JSON, in place of `id`.
    pub replace_id: Option<Bytes>,
}

/// What the response said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// A tool's own failure: `result.isError`.
    pub is_error: bool,
    /// The code of a JSON-RPC error, as the server gave it; 0 where it is no integer.
    pub error_code: Option<i64>,
    /// `None` where it is absent, which means `complete`.
    pub result_type: Option<String>,
}

#[derive(Debug)]
pub struct ResultEditor {
    rules: ResultRules,
    lexer: Lexer,
    utf8: Utf8,
    output: Output,
    /// A key or a short value, gathered where it may be cut by the end of a chunk.
    gathered: Gathered,
    /// The member at hand of the outermost object, or of the one inside.
    member: Option<Known>,
    section: Section,
    /// Members of [`Known`] that were there, one bit each.
    met: u16,
    /// Whether a member of `result` was let through.
    any_kept: bool,
    /// Held bytes up to and with the comma in front of the member at hand.
    comma: usize,
    /// Bytes of earlier chunks.
    offset: usize,
    seen: Seen,
}

/// Whose members are at hand on the second level.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Section {
    Result,
    Error,
    Other,
}

/// The members that mean something here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Known {
    Id,
    Result,
    Error,
    Method,
    IsError,
    ResultType,
    StructuredContent,
    Code,
}

impl ResultEditor {
    pub fn new(rules: ResultRules) -> Self {
        Self {
            rules,
            lexer: Lexer::new(),
            utf8: Utf8::default(),
            output: Output::default(),
            gathered: Gathered::default(),
            member: None,
            section: Section::Other,
            met: 0,
            any_kept: false,
            comma: 0,
            offset: 0,
            seen: Seen::default(),
        }
    }

    /// Takes the next chunk; what may leave is added to `out`. After an error nothing more may be fed or sent.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "slices of it leave, the rest is let go here"
    )]
    pub fn feed(&mut self, chunk: Bytes, out: &mut Vec<Bytes>) -> Result<(), JsonError> {
        let mut at = 0;
        self.read(&chunk, &mut at, out)
            .map_err(|problem| JsonError::new(self.offset + at, problem))?;
        self.offset += chunk.len();
        Ok(())
    }

    /// The response has ended: it must be whole.
    pub fn finish(mut self) -> Result<Seen, JsonError> {
        let fail = |problem| JsonError::new(self.offset, problem);
        self.lexer.finish().map_err(fail)?;
        if self.has_met(Known::Result) == self.has_met(Known::Error) {
            return Err(fail(Problem::NotAResponse));
        }
        Ok(self.seen)
    }

    fn read(&mut self, chunk: &Bytes, at: &mut usize, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        self.utf8.feed(chunk)?;
        while let Some(token) = self.lexer.next(chunk, at)? {
            self.token(token, chunk, out)?;
        }
        self.gathered.end_chunk(chunk);
        self.output.end_chunk(chunk, out)
    }

    fn token(&mut self, token: Token, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        let Token { kind, depth, at } = token;
        let in_result = depth == 2 && self.section == Section::Result;
        match kind {
            TokenKind::KeyStart if depth == 1 || self.section != Section::Other => self.gathered.start(at),
            TokenKind::KeyEnd if depth == 1 || self.section != Section::Other => self.gathered.end(at, chunk),
            TokenKind::Comma if in_result => self.comma = self.output.held(at)?,
            TokenKind::Value(first) => match depth {
                0 if first != b'{' => return Err(Problem::NotAnObject),
                1 => return self.outer_value(first, at, chunk, out),
                2 if self.section == Section::Result => return self.result_value(first, at, chunk, out),
                2 if self.section == Section::Error => return self.error_value(first, at, chunk, out),
                _ => {}
            },
            TokenKind::ValueEnd => self.value_end(depth, at, chunk, out)?,
            TokenKind::Close => {
                if depth == 1 && self.section == Section::Result {
                    self.result_end(at, chunk, out)?;
                }
                self.value_end(depth, at + 1, chunk, out)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The value of a member of the outermost object begins.
    fn outer_value(&mut self, first: u8, at: usize, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        self.section = Section::Other;
        self.member = match self.gathered.key().as_deref() {
            Some("id") => Some(Known::Id),
            Some("result") => Some(Known::Result),
            Some("error") => Some(Known::Error),
            Some("method") => Some(Known::Method),
            _ => None,
        };
        self.meet()?;
        match self.member {
            Some(Known::Method) => return Err(Problem::NotAResponse),
            Some(Known::Result | Known::Error) if first != b'{' => return Err(Problem::NotAnObject),
            Some(Known::Result) => {
                self.section = Section::Result;
                self.comma = 0;
                self.output.hold(at + 1);
            }
            Some(Known::Error) => {
                self.section = Section::Error;
                self.seen.error_code = Some(0);
            }
            Some(Known::Id) => {
                if let Some(id) = self.rules.replace_id.clone() {
                    self.output.replace(at, id, chunk, out);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The value of a member of `result` begins; what is in front of it is held.
    fn result_value(&mut self, first: u8, at: usize, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        self.output.held(at)?;
        let key = self.gathered.key();
        let key = key.as_deref();
        self.member = match key {
            Some("isError") => Some(Known::IsError),
            Some("resultType") => Some(Known::ResultType),
            Some("structuredContent") => Some(Known::StructuredContent),
            _ => None,
        };
        let added = self.rules.add.iter().position(|(added, _)| Some(*added) == key);
        let unwanted = key.is_some_and(|key| self.rules.strip.contains(&key))
            || (self.member == Some(Known::StructuredContent)
                && self.rules.object_structured_content_only
                && first != b'{');
        self.meet()?;
        match self.member {
            Some(Known::IsError) => self.seen.is_error = first == b't',
            Some(Known::ResultType) => self.gathered.start(at),
            _ => {}
        }
        if unwanted {
            self.output.discard(chunk, out);
            return Ok(());
        }
        if let Some(index) = added {
            self.rules.add.remove(index);
        }
        // The comma belongs to a member that was dropped, where none was kept before this one.
        let without = if self.any_kept { 0 } else { self.comma };
        self.output.keep(without, chunk, out);
        self.any_kept = true;
        Ok(())
    }

    /// The value of a member of `error` begins.
    fn error_value(&mut self, first: u8, at: usize, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        self.member = (self.gathered.key().as_deref() == Some("code")).then_some(Known::Code);
        self.meet()?;
        if self.member == Some(Known::Code) && matches!(first, b'-' | b'0'..=b'9') {
            self.gathered.start(at);
            if self.rules.map_error_code.is_some() {
                self.output.replace(at, Bytes::new(), chunk, out);
            }
        }
        Ok(())
    }

    fn value_end(&mut self, depth: u32, at: usize, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        match (depth, self.section) {
            (1, _) => {
                self.section = Section::Other;
                self.output.resume(at);
            }
            (2, Section::Result) => {
                if self.member.take() == Some(Known::ResultType) {
                    self.gathered.end(at, chunk);
                    self.seen.result_type = Some(self.gathered.key().ok_or(Problem::TooLong)?.into_owned());
                }
                self.comma = 0;
                self.output.hold(at);
            }
            (2, Section::Error) if self.member.take() == Some(Known::Code) && self.gathered.is_open() => {
                self.gathered.end(at, chunk);
                self.error_code(at, chunk, out)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn error_code(&mut self, at: usize, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        let text = self.gathered.text().ok_or(Problem::TooLong)?;
        let code = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        self.seen.error_code = Some(code.unwrap_or(0));
        if let Some((from, to)) = self.rules.map_error_code {
            let text = if code == Some(from) {
                to.to_string().into()
            } else {
                Bytes::copy_from_slice(text)
            };
            self.output.resume(at);
            self.output.insert(at, text, chunk, out);
        }
        Ok(())
    }

    /// At the closing brace of `result`: adds what is missing.
    fn result_end(&mut self, at: usize, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        self.output.held(at)?;
        self.output.keep(0, chunk, out);
        let mut text = String::new();
        let mut add = |key: &str, value: &str| {
            let comma = if self.any_kept || !text.is_empty() { "," } else { "" };
            text.extend([comma, "\"", key, "\":", value]);
        };
        if self.rules.add_result_type && !self.has_met(Known::ResultType) {
            add("resultType", "\"complete\"");
        }
        if self.seen.result_type.as_deref().is_none_or(|kind| kind == "complete") {
            self.rules.add.iter().for_each(|(key, value)| add(key, value));
        }
        if !text.is_empty() {
            self.output.insert(at, text.into(), chunk, out);
        }
        Ok(())
    }

    /// A member that is read may stand there once only: readers differ on which one counts.
    fn meet(&mut self) -> Result<(), Problem> {
        let Some(member) = self.member else { return Ok(()) };
        if self.has_met(member) {
            return Err(Problem::DuplicateKey);
        }
        self.met |= 1 << member as u16;
        Ok(())
    }

    fn has_met(&self, member: Known) -> bool {
        self.met & 1 << member as u16 != 0
    }
}

/// A short piece of the text, put together over chunks.
#[derive(Clone, Debug, Default)]
struct Gathered {
    text: Vec<u8>,
    /// In the chunk at hand: where it goes on, while it is open.
    from: Option<usize>,
}

impl Gathered {
    /// Longer than any text that means something here, each character written as an escape.
    const MAX: usize = 256;

    fn start(&mut self, at: usize) {
        self.text.clear();
        self.from = Some(at);
    }

    fn end(&mut self, at: usize, chunk: &[u8]) {
        if let Some(from) = self.from.take() {
            let room = Self::MAX + 1 - self.text.len().min(Self::MAX + 1);
            self.text.extend_from_slice(&chunk[from..at.min(from + room)]);
        }
    }

    fn end_chunk(&mut self, chunk: &[u8]) {
        if self.is_open() {
            self.end(chunk.len(), chunk);
            self.from = Some(0);
        }
    }

    fn is_open(&self) -> bool {
        self.from.is_some()
    }

    /// `None` where it was too long.
    fn text(&self) -> Option<&[u8]> {
        (self.text.len() <= Self::MAX).then_some(&self.text[..])
    }

    /// The text of a string, escapes decoded.
    fn key(&self) -> Option<Cow<'_, str>> {
        let text = self.text()?;
        let whole = Span {
            start: 0,
            end: text.len(),
        };
        string(text, whole)
    }
}

#[cfg(test)]
mod tests;

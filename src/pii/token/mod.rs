//! Tokens in place of values (`mode = "token"`), and the way back.
//!
//! `[EMAIL_1]` stands for an address that the client never sees; in a later request to a server that may know it, it becomes the address
//! again. What a session was given is remembered with it ([`Memory`]); a client without a session carries the value itself, sealed
//! ([`Seal`]). A token counts for whom it was made and for the table that made it: anything else is a text like any other.

mod letters;
mod literal;
mod memory;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use literal::{Given, Literals};
pub use memory::Memory;

use crate::name::PiiName;

/// The longest value that becomes a token, in bytes. A longer one is masked.
const MAX_VALUE: usize = 128;
/// The longest token, brackets and all: a name of 63 characters and a sealed value.
const MAX_TOKEN: usize = 400;

/// Seals what a token carries. The same at the same place gives the same, so that one person is one token.
pub trait Seal: fmt::Debug + Send + Sync {
    /// `None`: it cannot, and the value is masked.
    fn seal(&self, place: &[u8], bytes: &[u8]) -> Option<Vec<u8>>;

    /// `None`: it was not sealed here, or not for this place.
    fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}

/// The tokens of one caller under one table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokens {
    table: PiiName,
    home: Home,
}

#[derive(Clone, Debug)]
enum Home {
    /// And how many of its tokens count, the first ones.
    Memory(Arc<Memory>, usize),
    /// What seals, and for whom.
    Sealed(Arc<dyn Seal>, Arc<[u8]>),
}

/// What a token stands for.
#[derive(Clone, Eq, Hash, PartialEq)]
struct Value {
    text: Box<str>,
    /// It stood as a number of JSON, and goes back as one.
    is_number: bool,
}

impl Tokens {
    /// Of a session.
    pub fn remembered(memory: Arc<Memory>, table: PiiName) -> Self {
        Self {
            table,
            home: Home::Memory(memory, usize::MAX),
        }
    }

    /// Of a client without one: `owner` says who, and where.
    pub fn sealed(seal: Arc<dyn Seal>, owner: &[&str], table: PiiName) -> Self {
        Self {
            table,
            home: Home::Sealed(seal, place(owner).into()),
        }
    }

    /// Those that there are now: what is judged of a request with them put back stays true while others are made.
    #[must_use]
    pub fn as_of_now(mut self) -> Self {
        if let Home::Memory(memory, known) = &mut self.home {
            *known = memory.len();
        }
        self
    }

    /// `None`: there is no room, or this is no value that could be put back anywhere; it is masked.
    pub(super) fn token(&self, label: &str, value: &[u8], is_number: bool) -> Option<String> {
        let text = std::str::from_utf8(value).ok()?;
        // It is put back as it is into a string of JSON, at whatever depth: so nothing in it may need an escape.
        let is_plain = !text.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'));
        if text.is_empty() || text.len() > MAX_VALUE || !is_plain {
            return None;
        }
        let value = Value {
            text: text.into(),
            is_number,
        };
        match &self.home {
            Home::Memory(memory, _) => memory.token(&self.table, label, value),
            Home::Sealed(seal, owner) => {
                let bytes = [&[u8::from(is_number)], text.as_bytes()].concat();
                let sealed = seal.seal(&self.place(owner, label), &bytes)?;
                Some(format!("[{label}_{}]", letters::write(&sealed)))
            }
        }
    }

    /// `json` with the values in place of tokens, in `spans` of it, in order, and which they are; `None`: there is none.
    pub fn restore(&self, json: &[u8], spans: &[Range<usize>]) -> Option<(Vec<u8>, Given)> {
        let mut given = Given::default();
        let mut out = Vec::new();
        let mut sent = 0;
        for span in spans {
            let mut at = span.start;
            while let Some(open) = memchr::memchr(b'[', &json[at..span.end]) {
                let open = at + open;
                at = open + 1;
                let Some(token) = shaped(&json[open..span.end]) else {
                    continue;
                };
                let Some((label, value)) = self.value(token) else {
                    continue;
                };
                if !given.add(label, &value.text) {
                    continue;
                }
                let mut whole = open..open + token.len();
                if value.is_number && is_whole_string(json, &whole) {
                    whole = whole.start - 1..whole.end + 1;
                }
                out.extend_from_slice(&json[sent..whole.start]);
                out.extend_from_slice(value.text.as_bytes());
                sent = whole.end;
                at = sent;
            }
        }
        (sent > 0).then(|| {
            out.extend_from_slice(&json[sent..]);
            (out, given)
        })
    }

    /// A server was given these. What it may repeat from now on: in a session all that it knows, else this alone.
    pub fn give(&self, given: Given) -> Option<Arc<Literals>> {
        match &self.home {
            Home::Memory(memory, _) => memory.give(&self.table, given),
            Home::Sealed(..) => given.literals().map(Arc::new),
        }
    }

    /// What servers were given in the session so far.
    pub fn given(&self) -> Option<Arc<Literals>> {
        match &self.home {
            Home::Memory(memory, _) => memory.given(&self.table),
            Home::Sealed(..) => None,
        }
    }

    /// With the label of its token.
    fn value<'a>(&self, token: &'a str) -> Option<(&'a str, Value)> {
        let (label, sealed) = token[1..token.len() - 1].rsplit_once('_')?;
        let value = match &self.home {
            Home::Memory(memory, known) => memory.value(&self.table, token, *known)?,
            Home::Sealed(seal, owner) => {
                let bytes = seal.open(&self.place(owner, label), &letters::read(sealed)?)?;
                let (is_number, text) = bytes.split_first()?;
                Value {
                    text: std::str::from_utf8(text).ok()?.into(),
                    is_number: *is_number == 1,
                }
            }
        };
        Some((label, value))
    }

    fn place(&self, owner: &[u8], label: &str) -> Vec<u8> {
        [owner, &place(&[self.table.as_str(), label])].concat()
    }
}

/// Values never show.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(personal)")
    }
}

/// Parts that no other parts give: each with its length before it.
fn place(parts: &[&str]) -> Vec<u8> {
    let length = |part: &str| (part.len() as u64).to_be_bytes();
    parts
        .iter()
        .flat_map(|part| length(part).into_iter().chain(part.bytes()))
        .collect()
}

/// The token that `text` may begin with, by its form.
fn shaped(text: &[u8]) -> Option<&str> {
    let text = &text[..text.len().min(MAX_TOKEN)];
    let end = 1 + text[1..]
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))?;
    let token = text.get(..=end).filter(|token| token.ends_with(b"]"))?;
    std::str::from_utf8(token).ok()
}

/// Whether nothing else is in the string, and the string is a value and no key.
fn is_whole_string(json: &[u8], token: &Range<usize>) -> bool {
    let before = token.start.checked_sub(2).map(|at| &json[at..token.start]);
    let opens = before.is_some_and(|two| two[1] == b'"' && two[0] != b'\\');
    let rest = &json[token.end..];
    let follows = || rest[1..].iter().find(|byte| !byte.is_ascii_whitespace());
    opens && rest.first() == Some(&b'"') && follows() != Some(&b':')
}

#[cfg(test)]
mod tests;

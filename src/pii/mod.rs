//! Personal data in what passes: found, and put out of sight. Pure: bytes in, bytes out.
//!
//! A [`Redactor`] is one direction of a `[pii.*]` table, compiled. What is not redacted comes out byte for byte; what is,
//! as a placeholder of its type. Text and messages may come in pieces, split anywhere: the result is the same, and memory is
//! bounded. Only a redactor makes [`Redacted`], without which `upstream` sends nothing. docs/redaction.md has the rules.

mod counts;
mod cover;
mod custom;
mod detect;
mod fold;
mod join;
mod json;
mod keep;
mod kind;
mod rules;
mod scan;
mod text;
mod token;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;

pub use crate::pii::counts::Counts;
pub use crate::pii::cover::{Cover, both};
pub use crate::pii::custom::PatternError;
pub use crate::pii::kind::Kind;
pub use crate::pii::token::{Given, Literals, Memory, Seal, Tokens};

use crate::name::PiiName;
use crate::pii::detect::Sense;
use crate::pii::json::Json;
use crate::pii::rules::Rules;
use crate::pii::text::{Sink, Stream};
use crate::snapshot::Pii;

/// Messages up to this length are looked at in one piece, in bytes.
const ONE_LOOK: usize = 256 << 10;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// To a server.
    Request,
    /// To a client.
    Response,
}

/// One direction of a `[pii.*]` table, compiled. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    rules: Arc<Rules>,
    tokens: Option<Tokens>,
}

/// A message that a redactor has seen, in pieces that follow one another.
#[derive(Clone, Debug)]
pub struct Redacted {
    pieces: Vec<Bytes>,
    counts: Counts,
}

/// A text or message on its way through a redactor, piece by piece.
#[derive(Debug)]
pub struct Redaction {
    rules: Arc<Rules>,
    tokens: Option<Tokens>,
    form: Form,
    counts: Counts,
}

#[derive(Debug)]
enum Form {
    Text(Box<Stream>),
    Message(Box<Json>),
    /// Nothing is looked for.
    Pass,
}

impl Redactor {
    /// For endpoints and servers without a `pii` table: every byte passes unchanged.
    pub fn none() -> Self {
        Self::default()
    }

    /// What `table` says of `direction`.
    pub fn new(table: &Pii, direction: Direction) -> Result<Self, PatternError> {
        let rules = Arc::new(Rules::new(table, direction)?);
        Ok(Self { rules, tokens: None })
    }

    /// The same with a session of its own, where the table makes tokens: for what belongs to no client.
    pub fn alone(name: &PiiName, table: &Pii, direction: Direction) -> Result<Self, PatternError> {
        let redactor = Self::new(table, direction)?;
        Ok(if table.reversible {
            redactor.with_tokens(Tokens::remembered(Arc::default(), name.clone()))
        } else {
            redactor
        })
    }

    /// The five built-in types.
    pub fn strict() -> Self {
        Self {
            rules: Arc::new(Rules::strict()),
            tokens: None,
        }
    }

    /// The same, and what it finds becomes a token of these; without, a placeholder.
    #[must_use]
    pub fn with_tokens(&self, tokens: Tokens) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            tokens: Some(tokens),
        }
    }

    /// The same, and these values, which a server was given, wherever they stand in what it says.
    #[must_use]
    pub fn knowing(&self, literals: Arc<Literals>) -> Self {
        Self {
            rules: Arc::new(self.rules.knowing(literals)),
            tokens: self.tokens.clone(),
        }
    }

    pub fn is_none(&self) -> bool {
        self.rules.is_empty()
    }

    /// The type as the table names it.
    pub fn name(&self, kind: Kind) -> &str {
        self.rules.name(kind)
    }

    /// Takes a whole JSON message in pieces. In one that is short, or in one piece, neighbouring blocks of text are read as one.
    pub fn redact(&self, mut pieces: Vec<Bytes>) -> Redacted {
        let length = pieces.iter().map(Bytes::len).sum();
        // A look at all of it at once costs less than one that stops at each piece, and the copy with it.
        if pieces.len() > 1 && length <= ONE_LOOK && !self.is_none() {
            pieces = vec![pieces.concat().into()];
        }
        if self.is_none() {
            return Redacted {
                pieces,
                counts: Counts::default(),
            };
        }
        let mut joined = Counts::default();
        if let [whole] = &mut pieces[..]
            && let Some((out, counts)) = join::join(&self.rules, self.tokens.as_ref(), whole)
        {
            (*whole, joined) = (out.into(), counts);
        }
        if matches!(&pieces[..], [whole] if self.is_clean(whole)) {
            return Redacted { pieces, counts: joined };
        }
        let mut message = self.message();
        let mut out = Vec::with_capacity(length);
        for piece in &pieces {
            message.push(piece, &mut out);
        }
        let mut counts = message.finish(&mut out);
        let pieces = if counts.is_empty() { pieces } else { vec![out.into()] };
        counts.extend(&joined);
        Redacted { pieces, counts }
    }

    /// The same for a message in one piece; `None`: it stays as it is.
    pub fn redact_message(&self, whole: &[u8]) -> Option<Vec<u8>> {
        if self.is_none() {
            return None;
        }
        let joined = join::join(&self.rules, self.tokens.as_ref(), whole).map(|(out, _)| out);
        let whole = joined.as_deref().unwrap_or(whole);
        if self.is_clean(whole) {
            return joined;
        }
        let mut message = self.message();
        let mut out = Vec::with_capacity(whole.len());
        message.push(whole, &mut out);
        if message.finish(&mut out).is_empty() {
            joined
        } else {
            Some(out)
        }
    }

    /// Where in a text values stand, in order.
    pub fn find(&self, text: &[u8]) -> Vec<(Range<usize>, Kind)> {
        let mut found = Vec::new();
        text::find(&self.rules, text, |start, end, kind| found.push((start..end, kind)));
        found
    }

    /// One whole text.
    pub fn redact_text(&self, text: &[u8]) -> (Vec<u8>, Counts) {
        let mut counts = Counts::default();
        let mut out = Vec::with_capacity(text.len());
        let mut sink = Sink {
            out: &mut out,
            counts: &mut counts,
            tokens: self.tokens.as_ref(),
        };
        text::whole(&self.rules, text, Sense::Open, &mut sink);
        (out, counts)
    }

    /// The same for a text that comes in pieces.
    pub fn text(&self) -> Redaction {
        self.redaction(|| Form::Text(Box::default()))
    }

    /// The same as [`Redactor::redact`] for a message that comes in pieces.
    pub fn message(&self) -> Redaction {
        self.redaction(|| Form::Message(Box::default()))
    }

    /// A tool or prompt as it is listed: its name stays.
    pub fn redact_listed(&self, item: &Bytes) -> Bytes {
        self.redact_item(item, Json::listed)
    }

    /// A resource or template as it is listed: its address stays.
    pub fn redact_addressed(&self, item: &Bytes) -> Bytes {
        self.redact_item(item, Json::addressed)
    }

    fn redact_item(&self, item: &Bytes, form: impl FnOnce() -> Json) -> Bytes {
        let mut out = Vec::with_capacity(item.len());
        let mut message = self.redaction(|| Form::Message(Box::new(form())));
        message.push(item, &mut out);
        if message.finish(&mut out).is_empty() {
            item.clone()
        } else {
            out.into()
        }
    }

    fn redaction(&self, form: impl FnOnce() -> Form) -> Redaction {
        Redaction {
            rules: Arc::clone(&self.rules),
            tokens: self.tokens.clone(),
            form: if self.is_none() { Form::Pass } else { form() },
            counts: Counts::default(),
        }
    }

    /// A look at the bytes alone, which tells of most messages that nothing is in them: no place where a value could stand, and
    /// nothing that hides one.
    fn is_clean(&self, whole: &[u8]) -> bool {
        memmem::find(whole, b"\"blob\"").is_none() && text::is_clean(&self.rules, whole)
    }
}

impl Redacted {
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    pub fn into_pieces(self) -> Vec<Bytes> {
        self.pieces
    }

    pub fn into_bytes(mut self) -> Bytes {
        match self.pieces.len() {
            0 | 1 => self.pieces.pop().unwrap_or_default(),
            _ => self.pieces.concat().into(),
        }
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// With the values in place of tokens, for a server that may know them, and which they are: `spans` finds where in the message these
    /// may stand, in order.
    #[must_use]
    pub fn restored(self, tokens: &Tokens, spans: impl FnOnce(&[u8]) -> Vec<Range<usize>>) -> (Self, Given) {
        let counts = self.counts.clone();
        let whole = self.into_bytes();
        let (whole, given) = match tokens.restore(&whole, &spans(&whole)) {
            Some((restored, given)) => (restored.into(), given),
            None => (whole, Given::default()),
        };
        let pieces = vec![whole];
        (Self { pieces, counts }, given)
    }

    /// In bytes, of all pieces.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Redaction {
    /// Takes the next piece; what is decided of it and of those before is put at the end of `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut sink = Sink {
            out,
            counts: &mut self.counts,
            tokens: self.tokens.as_ref(),
        };
        match &mut self.form {
            Form::Text(stream) => stream.push(&self.rules, piece, &mut sink),
            Form::Message(json) => json.push(&self.rules, piece, &mut sink),
            Form::Pass => out.extend_from_slice(piece),
        }
    }

    /// The end has come: the rest, and what was found in all.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Counts {
        let mut sink = Sink {
            out,
            counts: &mut self.counts,
            tokens: self.tokens.as_ref(),
        };
        match self.form {
            Form::Text(stream) => stream.finish(&self.rules, &mut sink),
            Form::Message(json) => json.finish(&self.rules, &mut sink),
            Form::Pass => {}
        }
        self.counts
    }
}

#[cfg(test)]
mod tests;

//! A number of JSON on its way through: unchanged, or the string that takes its place.
//!
//! In come the bytes that a number may consist of, as RFC 8259 section 6 has them. What is longer than [`MAX`] is judged by its beginning,
//! so that memory is bounded and the message stays JSON; what is no number is handed back, to be redacted as text.

use crate::pii::detect::Sense;
use crate::pii::kind::Kind;
use crate::pii::rules::{Cursor, Rules};
use crate::pii::text::Sink;

/// In bytes. No value of any type has as many digits, so that beyond it only zeros of a fraction could still be a value's.
const MAX: usize = 40;
/// The same where values are looked for that may stand anywhere in it. What is longer goes as a whole.
const MAX_LITERAL: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Number {
    /// Its beginning, up to [`MAX`] bytes or [`MAX_LITERAL`]; empty once it is judged.
    held: Vec<u8>,
    part: Part,
    judged: Judged,
}

/// Where in the grammar a number stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Part {
    #[default]
    Start,
    Integer,
    Fraction,
    Exponent,
    ExponentDigits,
    /// No number any more.
    Broken,
}

/// What became of the beginning of a long one, and becomes of its rest.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Judged {
    #[default]
    NotYet,
    Hidden,
    Passes,
}

/// Whether `byte` may stand in a number.
pub(super) fn is_part(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

impl Number {
    /// Takes what of `piece` belongs to it, and says how much that is.
    pub(super) fn push(&mut self, rules: &Rules, sense: Sense, piece: &[u8], sink: &mut Sink<'_>) -> usize {
        let max = if rules.literal().is_some() { MAX_LITERAL } else { MAX };
        for (at, byte) in piece.iter().enumerate() {
            if !is_part(*byte) {
                return at;
            }
            self.part = self.part.then(*byte);
            if self.judged == Judged::NotYet {
                if self.held.len() < max {
                    self.held.push(*byte);
                    continue;
                }
                if self.part == Part::Broken || Part::of(&self.held) == Part::Broken {
                    return at;
                }
                self.judge(rules, sense, sink);
            }
            if self.part == Part::Broken {
                return at;
            }
            if self.judged == Judged::Passes {
                sink.out.push(*byte);
            }
        }
        piece.len()
    }

    /// It has ended; `goes_on`: with a byte that a number might have, but not there. Then what is held comes back, to be read as text with
    /// all that follows.
    pub(super) fn end(self, goes_on: bool, rules: &Rules, sense: Sense, sink: &mut Sink<'_>) -> Option<Vec<u8>> {
        if goes_on {
            return Some(self.held);
        }
        self.finish(rules, sense, sink);
        None
    }

    pub(super) fn finish(self, rules: &Rules, sense: Sense, sink: &mut Sink<'_>) {
        if self.judged == Judged::NotYet {
            write(rules, &self.held, sense, sink);
        }
    }

    /// By the beginning: digits behind the zeros of such a long fraction make no other number of it.
    fn judge(&mut self, rules: &Rules, sense: Sense, sink: &mut Sink<'_>) {
        let held = std::mem::take(&mut self.held);
        if let Some(kind) = rules.literal() {
            sink.out.push(b'"');
            sink.mask(rules, kind);
            sink.out.push(b'"');
            self.judged = Judged::Hidden;
            return;
        }
        self.judged = if write(rules, &held, sense, sink) {
            Judged::Hidden
        } else {
            Judged::Passes
        };
    }
}

impl Part {
    fn of(bytes: &[u8]) -> Self {
        bytes.iter().fold(Self::Start, |part, byte| part.then(*byte))
    }

    fn then(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Start, b'-') | (Self::Start | Self::Integer, b'0'..=b'9') => Self::Integer,
            (Self::Integer, b'.') | (Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Integer | Self::Fraction, b'e' | b'E') => Self::Exponent,
            (Self::Exponent, b'+' | b'-' | b'0'..=b'9') | (Self::ExponentDigits, b'0'..=b'9') => Self::ExponentDigits,
            _ => Self::Broken,
        }
    }
}

/// Writes a number, or the string that takes its place: then true.
fn write(rules: &Rules, raw: &[u8], sense: Sense, sink: &mut Sink<'_>) -> bool {
    let digits = match raw.iter().position(|byte| *byte == b'.') {
        Some(point) if raw[point + 1..].iter().all(|byte| *byte == b'0') => &raw[..point],
        _ => raw,
    };
    // A social security number that was taken for a number has lost its zeros.
    let padded;
    let judged = if sense == Sense::Ssn && (7..9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        padded = [&b"00"[..9 - digits.len()], digits].concat();
        &padded
    } else {
        digits
    };
    let mut found = Vec::new();
    rules.search(judged, true, &mut Cursor::new(sense), |value| {
        // Names of identifiers are names of numbers: among them some look like a card's.
        if !(value.kind == Kind::CreditCard && sense == Sense::Other) {
            found.push(value);
        }
    });
    if found.is_empty() {
        sink.out.extend_from_slice(raw);
        return false;
    }
    sink.out.push(b'"');
    if let ([value], true) = (&found[..], sink.tokens.is_some()) {
        // All of it, as it is written: so it goes back as the number that it was.
        sink.hide(rules, value.kind, raw, true);
        sink.out.push(b'"');
        return true;
    }
    let mut at = 0;
    for value in found {
        sink.out.extend_from_slice(&judged[at..value.start]);
        sink.hide(rules, value.kind, &judged[value.start..value.end], false);
        at = value.end;
    }
    sink.out.extend_from_slice(&judged[at..]);
    sink.out.push(b'"');
    true
}

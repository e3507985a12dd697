//! The words around a number that say what it is: `phone`, `"ssn":`, `заказ`.
//!
//! The nearest word with a meaning decides; words without one are stepped over. Names are read as people read them:
//! `homePhoneNumber` and `phone_no` are phone words, `phone_call_id` is not.

mod above;
mod back;
mod gap;
mod lists;
mod meaning;

use crate::pii::detect::text::{Past, Text};
pub(super) use crate::pii::detect::words::back::before;
use crate::pii::detect::words::gap::word_start;
use crate::pii::detect::words::lists::WAYS;
use crate::pii::detect::words::meaning::{Meaning, meaning};

/// What a number is said to be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::pii) enum Sense {
    /// Nothing says anything.
    #[default]
    Open,
    Phone,
    Ssn,
    Card,
    /// An address of a machine.
    Address,
    /// A version, or a section of a text: four numbers with dots are no address then.
    Version,
    /// A code with a name of its own: part, parcel, book, device.
    Code,
    /// Any other number: order, run, amount, time.
    Other,
}

/// The longest word, and the longest end of a name, that is read.
const BEHIND: usize = 64;
/// Words after a value count only directly behind it.
const AHEAD: usize = 24;

/// What is asked on the line above, else said before `at`, else directly behind `end`, else by the heading above.
pub(super) fn sense(text: Text<'_>, at: usize, end: usize) -> Sense {
    let is_said = |sense: &Sense| *sense != Sense::Open;
    Some(above::question(text, at))
        .filter(is_said)
        .or_else(|| Some(before(text, at)).filter(is_said))
        .or_else(|| Some(after(text, end)).filter(is_said))
        .unwrap_or_else(|| above::heading(text, at))
}

/// What the one word says that ends at `end`.
pub(super) fn adjacent(text: Text<'_>, end: usize) -> Sense {
    match meaning(&text.bytes[word_start(text, end)..end]) {
        Meaning::Is(sense) => sense,
        _ => Sense::Open,
    }
}

/// What a name says of its value: the key of an object, the head of a column.
pub(in crate::pii) fn of_name(name: &[u8]) -> Sense {
    let name = &name[name.len().saturating_sub(BEHIND)..];
    let text = Text {
        bytes: name,
        floor: 0,
        past: &Past::default(),
        low: 0,
    };
    before(text, name.len())
}

fn after(text: Text<'_>, end: usize) -> Sense {
    let tail = text.tail(end);
    let tail = &tail[..tail.len().min(AHEAD)];
    let gap = tail
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'(' | b'[' | b'-' | b',' | b'"' | b'\''))
        .count();
    if gap == 0 || gap > 4 {
        return Sense::Open;
    }
    let mut word = &tail[gap..];
    for way in WAYS {
        if let Some([b' ', rest @ ..]) = word.strip_prefix(way.as_bytes()) {
            word = rest;
            break;
        }
    }
    let length = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let bracket = tail[..gap].iter().any(|byte| matches!(byte, b'(' | b'['));
    match meaning(&word[..length]) {
        // `4155552671 (cell)`, `4155552671 mobile`; a word that only happens to follow is not about it.
        Meaning::Is(sense @ (Sense::Phone | Sense::Ssn | Sense::Card))
            if bracket || !matches!(word.get(length), Some(b':' | b'=' | b'"')) =>
        {
            sense
        }
        _ => Sense::Open,
    }
}

//! The words around a number that say what it is: `phone`, `"ssn":`, `заказ`.
//!
//! The nearest word with a meaning decides; words without one are stepped over. Names are read as people read them:
//! `homePhoneNumber` and `phone_no` are phone words, `phone_call_id` is not.

mod above;
mod gap;
mod lists;
mod meaning;

use crate::pii::detect::text::{Past, Text};
use crate::pii::detect::words::gap::{breaks, ends_sentence, gap_before, word_start};
use crate::pii::detect::words::lists::WAYS;
use crate::pii::detect::words::meaning::{Meaning, meaning};
use crate::pii::kind::Kind;

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
/// How many words without a meaning are stepped over.
const STEPS: usize = 7;
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

/// What the words before `at` say. Values between, and their placeholders, are stepped over like words.
pub(super) fn before(text: Text<'_>, at: usize) -> Sense {
    let mut end = at;
    let mut number = Number::default();
    let mut is_field = false;
    let mut is_closed = false;
    let mut arrow = false;
    let mut lines = 0;
    let mut digits = false;
    let mut list = true;
    let mut enumerated = true;
    let mut is_place = false;
    for step in 0..STEPS {
        let gap = gap_before(text, end);
        let between = &text.bytes[end - gap..end];
        let breaks = breaks(between);
        lines += breaks;
        // A label may stand on the line above its value; nothing else counts across lines.
        if lines > 1 || breaks == 1 && step > 0 || step > 0 && ends_sentence(between) {
            break;
        }
        // `cell=…&wages=…`: what is said of one field says nothing of the next.
        is_field |= step == 0 && between == b"=";
        if is_field && between.contains(&b'&') {
            break;
        }
        digits |= !is_replaced(between, arrow) && between.iter().any(u8::is_ascii_digit);
        arrow = false;
        enumerated &= between
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b' ' | b',' | b'/' | b'&'));
        list &= between.iter().all(|byte| matches!(byte, b' ' | b',' | b'/' | b'&'));
        end -= gap;
        if let Some((start, kind)) = text.value_before(end) {
            match kind {
                Some(Kind::Phone) if list => return Sense::Phone,
                Some(Kind::Ssn) if list => return Sense::Ssn,
                _ => end = start,
            }
            (list, enumerated) = (false, false);
            continue;
        }
        // `<ssn>…</ssn><wages>`: the names of elements that have ended say nothing either.
        if step > 0
            && let Some((start, closes)) = tag_before(text, end)
            && (closes || is_closed)
        {
            (end, is_closed) = (start, true);
            continue;
        }
        let start = word_start(text, end);
        if start == end {
            break;
        }
        let word = &text.bytes[start..end];
        let is_part = matches!(text.bytes.get(end), Some(b'_' | b'-' | b'A'..=b'Z'));
        is_place |= step == 0 && matches!(word, b"on" | b"at" | b"via");
        end = start;
        match meaning(word) {
            // A version's word is said of the number behind it and of no other, several sections' of a whole list.
            Meaning::Is(Sense::Version) if enumerated && is_several(word) => return Sense::Version,
            Meaning::Is(Sense::Version) if digits || step > 1 => return Sense::Open,
            Meaning::Is(sense) => return sense,
            // `upgrade it on 10.0.0.1`
            Meaning::Change if is_place => return Sense::Open,
            Meaning::Change => return Sense::Version,
            Meaning::Number => number = Number::Whose,
            Meaning::SocialSecurity if number == Number::Whose || between.contains(&b'#') => return Sense::Ssn,
            Meaning::Possessive if number == Number::Whose => return Sense::Phone,
            Meaning::Party if number == Number::Whose => return Sense::Other,
            // `loan_number`, `ControlNum`
            Meaning::None if number != Number::Unsaid && is_part && !is_joined(text, start) => return Sense::Other,
            Meaning::None | Meaning::SocialSecurity => number = number.of(word, text.before(end)),
            Meaning::Which | Meaning::Party | Meaning::Possessive => {}
            Meaning::Becomes => {
                arrow = true;
                continue;
            }
            Meaning::Join => continue,
        }
        (list, enumerated) = (false, false);
    }
    Sense::Open
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

/// What was said of a number by the words directly before it that have no meaning of their own.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Number {
    #[default]
    Unsaid,
    /// `number`: of whom, the words before it say.
    Whose,
    /// `'s number`
    Owners,
    /// `label number`
    OfThing,
}

impl Number {
    /// With one more word before it, which stands behind `sign`.
    fn of(self, word: &[u8], sign: u8) -> Self {
        match self {
            Self::Whose if word == b"s" && sign == b'\'' => Self::Owners,
            // `my husband's number` is one to call.
            Self::Whose if word.ends_with("’s".as_bytes()) => Self::Whose,
            Self::Owners => Self::Whose,
            Self::Whose => Self::OfThing,
            other => other,
        }
    }
}

/// `4.1.0.2 → `: a version, and what became of it; `has_arrow`: it stands behind the gap.
fn is_replaced(gap: &[u8], has_arrow: bool) -> bool {
    let gap = gap.trim_ascii();
    let version = match gap.strip_suffix(b"->").or_else(|| gap.strip_suffix(b"=>")) {
        None if !has_arrow => return false,
        version => version.unwrap_or(gap).trim_ascii(),
    };
    version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// Whether the word that begins at `start` is the second or a later part of a name.
fn is_joined(text: Text<'_>, start: usize) -> bool {
    text.before(start).is_ascii_alphanumeric() || matches!(text.before(start), b'_' | b'-')
}

/// The tag of markup whose name ends at `end`: where it begins, and whether it closes its element.
fn tag_before(text: Text<'_>, end: usize) -> Option<(usize, bool)> {
    if text.at(end) != b'>' {
        return None;
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.');
    let name = end - text.count_before(end, is_name);
    match text.head(name) {
        [.., b'<', b'/'] => Some((name - 2, true)),
        [.., b'<'] => Some((name - 1, false)),
        _ => None,
    }
}

/// `versions`, `§§`
fn is_several(word: &[u8]) -> bool {
    word.ends_with(b"s") || word == "§§".as_bytes()
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

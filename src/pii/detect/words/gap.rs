//! What stands between a value and the words before it, and where those words begin.

use crate::pii::detect::text::{Text, is_letter};
use crate::pii::detect::words::BEHIND;

/// The most that may stand between a word and the next, or the value.
const GAP: usize = 64;

/// Bytes before `end` that belong to no word and no value, at most [`GAP`]. Digits are stepped over.
pub(super) fn gap_before(text: Text<'_>, end: usize) -> usize {
    let low = end.saturating_sub(GAP);
    let mut at = end;
    while at > low {
        if is_end_of_value(text, at) && text.value_before(at).is_some() {
            break;
        }
        match letter_before(text, at) {
            Some(_) if !is_shown_escape(text, at) => break,
            _ => at -= text.char_before(at).map_or(1, |(_, length)| length),
        }
    }
    end - at
}

/// Whether a value, or a placeholder, could end at `at`.
fn is_end_of_value(text: Text<'_>, at: usize) -> bool {
    match text.bytes[at - 1] {
        b']' => true,
        // Letters end a gap by themselves.
        byte if byte.is_ascii_digit() => text.past.ends_at(at + text.low),
        _ => at + text.low == text.past.floor(),
    }
}

/// `\n` and its like, shown: the letter is no word.
fn is_shown_escape(text: Text<'_>, end: usize) -> bool {
    matches!(text.head(end), [.., b'\\', b'n' | b't' | b'r'])
}

/// What parts a value from the words before it, at most.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Parted {
    /// What parts a list.
    List,
    /// And numbers with dots.
    Numbers,
    Words,
}

/// What stands in one gap.
pub(super) struct Signs {
    pub(super) digits: usize,
    pub(super) parted: Parted,
    /// Columns that end one directly behind the other, at most.
    pub(super) columns: usize,
    /// A sign behind which values of names stand.
    pub(super) labels: bool,
    /// One that no name has.
    pub(super) parts_names: bool,
    pub(super) ends_field: bool,
    /// Ends of lines, also shown ones.
    pub(super) breaks: usize,
}

impl Signs {
    pub(super) fn of(gap: &[u8]) -> Self {
        let mut signs = Self {
            digits: 0,
            parted: Parted::List,
            columns: 0,
            labels: false,
            parts_names: false,
            ends_field: false,
            breaks: 0,
        };
        let (mut columns, mut last) = (0, 0);
        for byte in gap {
            signs.breaks += usize::from(*byte == b'\n' || last == b'\\' && *byte == b'n');
            last = *byte;
            columns = if *byte == b'|' { columns + 1 } else { 0 };
            signs.columns = signs.columns.max(columns);
            let parted = match byte {
                b' ' | b'/' => Parted::List,
                b',' => {
                    signs.parts_names = true;
                    Parted::List
                }
                b'&' => {
                    signs.ends_field = true;
                    Parted::List
                }
                b'0'..=b'9' => {
                    signs.digits += 1;
                    Parted::Numbers
                }
                b'.' => Parted::Numbers,
                b':' | b'=' => {
                    (signs.labels, signs.parts_names) = (true, true);
                    Parted::Words
                }
                b';' | b'{' | b'}' | b'<' | b'>' | b'|' | b'"' => {
                    signs.parts_names = true;
                    Parted::Words
                }
                _ => Parted::Words,
            };
            signs.parted = signs.parted.max(parted);
        }
        signs
    }
}

pub(super) fn ends_sentence(gap: &[u8]) -> bool {
    gap.windows(2).any(|pair| matches!(pair, b". " | b"! " | b"? " | b"; "))
        || memchr::memmem::find(gap, "。".as_bytes()).is_some()
}

/// `4.1.0.2 → `: a version, and what became of it; `has_arrow`: one stands behind the gap.
pub(super) fn is_replaced(gap: &[u8], has_arrow: bool) -> bool {
    let is_quote = |byte: &u8| matches!(byte, b' ' | b'"' | b'\'' | b'`' | b'\\');
    let end = gap.iter().rposition(|byte| !is_quote(byte)).map_or(0, |last| last + 1);
    let gap = &gap[..end];
    let version = match gap.strip_suffix(b"->").or_else(|| gap.strip_suffix(b"=>")) {
        None if !has_arrow => return false,
        version => version.unwrap_or(gap),
    };
    version
        .iter()
        .all(|byte| is_quote(byte) || matches!(byte, b'0'..=b'9' | b'.' | b':' | b'='))
}

/// The tag of markup whose name ends at `end`: where it begins, and whether it closes its element.
pub(super) fn tag_before(text: Text<'_>, end: usize) -> Option<(usize, bool)> {
    if text.at(end) != b'>' {
        return None;
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.');
    let head = text.head(end);
    let name = end - head.iter().rev().take(BEHIND).take_while(|byte| is_name(byte)).count();
    match text.head(name) {
        [.., b'<', b'/'] => Some((name - 2, true)),
        [.., b'<'] => Some((name - 1, false)),
        _ => None,
    }
}

/// Letters before `end`, down to where a name's parts meet: `_`, a digit, `camelCase`.
pub(super) fn word_start(text: Text<'_>, end: usize) -> usize {
    let low = end.saturating_sub(BEHIND);
    let mut at = end;
    while let Some(length) = letter_before(text, at)
        && at >= low + length
        && !is_shown_escape(text, at)
    {
        // A sign with a meaning is a word of its own.
        if at < end && is_sign(text, at - length) != is_sign(text, at) {
            break;
        }
        at -= length;
        if is_hump(text, at, end) || at + text.low == text.past.floor() {
            break;
        }
    }
    at
}

/// Whether a name's part begins at `at`: `phoneNumber`, `SMSNumber`, but not `SSNs`.
fn is_hump(text: Text<'_>, at: usize, end: usize) -> bool {
    if at == 0 || !text.at(at).is_ascii_uppercase() {
        return false;
    }
    let before = text.bytes[at - 1];
    let begins_word = end - at > 3 && text.at(at + 1).is_ascii_lowercase();
    before.is_ascii_lowercase() || before.is_ascii_uppercase() && begins_word
}

/// `§`, `→` and `⇒`.
fn is_sign(text: Text<'_>, at: usize) -> bool {
    matches!(text.tail(at), [0xC2, 0xA7, ..] | [0xE2, 0x86 | 0x87, 0x92, ..])
}

/// The length of the letter, or of the sign with a meaning, that ends at `end`.
fn letter_before(text: Text<'_>, end: usize) -> Option<usize> {
    let byte = *text.bytes.get(end.checked_sub(1)?)?;
    if byte.is_ascii() {
        return byte.is_ascii_alphabetic().then_some(1);
    }
    // What is no UTF-8 belongs to no known word, and parts none.
    match text.char_before(end) {
        Some((character, length)) => (is_letter(character) || matches!(character, '§' | '→' | '⇒')).then_some(length),
        None => Some(1),
    }
}

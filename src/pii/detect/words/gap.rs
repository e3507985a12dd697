//! What stands between a value and the words before it, and where those words begin.

use crate::pii::detect::text::Text;
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
        if is_letter(text.bytes[at - 1]) && !is_shown_escape(text, at) {
            break;
        }
        at -= 1;
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

pub(super) fn breaks(gap: &[u8]) -> usize {
    let real = memchr::memchr_iter(b'\n', gap).count();
    let shown = gap.windows(2).filter(|pair| *pair == b"\\n").count();
    real + shown
}

pub(super) fn ends_sentence(gap: &[u8]) -> bool {
    gap.windows(2).any(|pair| matches!(pair, b". " | b"! " | b"? " | b"; "))
        || memchr::memmem::find(gap, "。".as_bytes()).is_some()
}

/// Letters before `end`, down to where a name's parts meet: `_`, a digit, `camelCase`.
pub(super) fn word_start(text: Text<'_>, end: usize) -> usize {
    let low = end.saturating_sub(BEHIND);
    let mut at = end;
    while at > low && is_letter(text.bytes[at - 1]) && !is_shown_escape(text, at) {
        at -= 1;
        let is_hump = text.bytes[at].is_ascii_uppercase() && at > 0 && text.bytes[at - 1].is_ascii_lowercase();
        if is_hump || at + text.low == text.past.floor() {
            break;
        }
    }
    at
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

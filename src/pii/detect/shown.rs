//! A number of JSON that a text shows: `"phone": 4155552671`, at any depth of JSON inside strings.
//!
//! In come a text and where digits stand in it; out comes the quote that keeps it JSON when a word takes their place.

use std::ops::Range;

use crate::pii::detect::text::AROUND;

/// Backslashes of JSON that is four times inside itself. More are none of it, and their number is not seen to the end.
const DEEPEST: usize = 15;

/// Where the quote stands that a placeholder needs on both sides where a bare number of JSON stood that the text shows, so that it stays
/// JSON: `"phone": 4155552671`. It is the key's own, written as that is: inside of strings with as many backslashes, or as `\u0022`.
/// `None` where no such number stands from `start` to `end`.
pub(in crate::pii) fn quote(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let after = &text[end..text.len().min(end + AROUND / 2)];
    let next = after
        .iter()
        .position(|byte| !blank(byte))
        .map(|at| &after[at..])
        .unwrap_or_default();
    let letter = next.iter().position(|byte| *byte != b'\\').unwrap_or(next.len());
    let is_blank = letter > 0 && matches!(next.get(letter), Some(b'n' | b'r' | b't'));
    if !is_blank && !matches!(next, [b',' | b'}' | b']', ..]) {
        return None;
    }
    let low = start.saturating_sub(AROUND / 2);
    let mut before = &text[low..start];
    let mut in_array = false;
    loop {
        before = without_blanks(before);
        match before {
            [head @ .., b'['] => (before, in_array) = (head, true),
            [head @ .., b',' | b'0'..=b'9'] if !in_array => before = head,
            [head @ .., b':'] => {
                before = head;
                break;
            }
            _ => return None,
        }
    }
    // Other elements were stepped over, which only an array may have.
    let stepped = text[low + before.len()..start]
        .iter()
        .any(|byte| *byte == b',' || byte.is_ascii_digit());
    if stepped && !in_array {
        return None;
    }
    while let [head @ .., b' '] = before {
        before = head;
    }
    let slashes = before
        .strip_suffix(b"\"")?
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count();
    if slashes > DEEPEST {
        return None;
    }
    let key = &before[..before.len() - 1 - slashes];
    ends_key(key, slashes, low > 0).then(|| low + key.len()..low + before.len())
}

/// Whether a quote behind this closes a key, and does not open a string: `{"phone` and not `["`. Its opening quote has as many
/// backslashes. `is_cut`: more stands before it than is looked at.
fn ends_key(text: &[u8], slashes: usize, is_cut: bool) -> bool {
    for at in memchr::memrchr_iter(b'"', text) {
        let found = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if found > slashes {
            continue;
        }
        let before = without_blanks(&text[..at - found]);
        return found == slashes && matches!(before, [] | [.., b'{' | b',']);
    }
    is_cut
}

/// Without blanks and ends of lines behind, also those that are shown, with as many backslashes as the text is deep.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [head @ .., b' ' | b'\t' | b'\n' | b'\r'] => head,
            [head @ .., b'\\', b'n' | b't' | b'r'] => {
                let slashes = head.iter().rev().take_while(|byte| **byte == b'\\').count();
                &head[..head.len() - slashes]
            }
            _ => return text,
        }
    }
}

/// Whether the digits from `start` on are those of a negative number: of no card, no phone and no person.
pub(super) fn is_negative(text: &[u8], start: usize, end: usize) -> bool {
    start > 0 && text[start - 1] == b'-' && quote(text, start - 1, end).is_some()
}

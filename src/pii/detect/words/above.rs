//! The line above a value's: the heading over a list, whose first item the value stands in, or the question that it answers.
//!
//! Both lines are read only where neither holds another value or number, so that a text that was redacted before reads the same.

use crate::pii::detect::text::Text;
use crate::pii::detect::words::{Sense, before};

/// The most of each line that is read, in bytes.
const LINE: usize = 96;

/// What a question says of the value at `at` that answers it: `Agent: your phone?`, and below `Caller: …`.
pub(super) fn question(text: Text<'_>, at: usize) -> Sense {
    said(text, at, |own, above| is_label(own) && is_question(above))
}

/// What a heading says of the value at `at` in the first item of its list.
pub(super) fn heading(text: Text<'_>, at: usize) -> Sense {
    said(text, at, |own, above| is_item(own) && is_heading(above))
}

fn said(text: Text<'_>, at: usize, counts: impl Fn(&[u8], &[u8]) -> bool) -> Sense {
    let Some(start) = line_start(text, at).filter(|start| *start > 0) else {
        return Sense::Open;
    };
    let own = text.bytes[start..at].trim_ascii_start();
    let mut end = start - 1;
    // One empty line may stand between a heading and its list.
    end -= usize::from(text.before(end) == b'\r');
    end -= usize::from(text.before(end) == b'\n');
    let low = line_start(text, end).unwrap_or(end.saturating_sub(LINE));
    let above = text.head(end).get(low..).unwrap_or_default();
    let is_bare = low + text.low >= text.past.floor() && !holds_value(above) && !holds_value(own);
    if !is_bare || !counts(own, above) {
        return Sense::Open;
    }
    match before(text, end) {
        sense @ (Sense::Phone | Sense::Ssn | Sense::Card) => sense,
        _ => Sense::Open,
    }
}

/// Where the line that `at` is in begins, if that is near.
fn line_start(text: Text<'_>, at: usize) -> Option<usize> {
    let low = at.saturating_sub(LINE);
    let line = text.bytes.get(low..at)?;
    Some(low + memchr::memrchr(b'\n', line)? + 1)
}

fn holds_value(line: &[u8]) -> bool {
    line.iter()
        .any(|byte| byte.is_ascii_digit() || matches!(byte, b'@' | b'[' | b']'))
}

/// `- Ada: …`, `* Ada: …`.
fn is_item(line: &[u8]) -> bool {
    matches!(line, [b'-' | b'*' | b'+', b' ', ..]) || line.starts_with("• ".as_bytes())
}

/// `## Phones`, `**Phones:**`.
fn is_heading(line: &[u8]) -> bool {
    line.starts_with(b"#") || without_marks(line).ends_with(b":")
}

/// `Caller: it is …`, `<ada> …`.
fn is_label(line: &[u8]) -> bool {
    line.iter().take(32).any(|byte| matches!(byte, b':' | b'>'))
}

fn is_question(line: &[u8]) -> bool {
    let line = without_marks(line);
    line.ends_with(b"?") || line.ends_with("？".as_bytes())
}

/// Without blanks, quotes and the signs of emphasis at the end.
fn without_marks(mut line: &[u8]) -> &[u8] {
    while let [head @ .., b' ' | b'\t' | b'\r' | b'*' | b'_' | b'"' | b'\''] = line {
        line = head;
    }
    line
}

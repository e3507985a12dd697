//! A look at a run of digits before any detector has one: most numbers of a log are of no length, or stand among no signs,
//! that a card, social security number or phone could have.
//!
//! Only what each detector asks for anyway is asked here, so that nothing is lost; a test holds it to that.

/// Whether the run whose fourth digit stands at `at` could be, or begin or end, a value.
pub(super) fn may_be(bytes: &[u8], at: usize) -> bool {
    let start = at - 3;
    let rest = &bytes[at..bytes.len().min(at + MAX)];
    let length = 3 + rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + length;
    match length {
        // The end of `415-555-2671` and `219-08-9998`, or the start of `4111 1111 …`.
        4 => is_tied(bytes, start) || goes_on(bytes, end),
        5 | 6 => goes_on(bytes, end),
        // `415 5552671`
        7 => is_tied(bytes, start),
        9..=11 | 13..=19 => true,
        _ => false,
    }
}

/// One more than the digits of the longest card, from the fourth on.
const MAX: usize = 17;

/// Whether before `start` stand a sign and a digit, as far as one look tells.
fn is_tied(bytes: &[u8], start: usize) -> bool {
    // A sign behind a digit, a dash between blanks, and what is beyond ASCII.
    matches!(
        bytes[..start],
        [.., b'0'..=b'9' | b')', b' ' | b'-' | b'.' | b'/'] | [.., b'-' | 0x80..=0xFF, b' '] | [.., b')' | 0x80..=0xFF]
    )
}

/// Whether a sign and a group of at least four digits come at `end`, as far as one look tells.
fn goes_on(bytes: &[u8], end: usize) -> bool {
    match bytes[end..] {
        [b' ' | b'-' | b'.', a, b, c, d, ..] if a.is_ascii_digit() => {
            b.is_ascii_digit() && c.is_ascii_digit() && d.is_ascii_digit()
        }
        [b' ', b'-' | 0x80..=0xFF, ..] | [0x80..=0xFF, ..] => true,
        _ => false,
    }
}

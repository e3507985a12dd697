//! Payment card numbers, found at their first run of digits.
//!
//! Luhn-valid (ISO/IEC 7812-1) and of an issuer's prefix and length; bare, or in groups with one sign between.

use crate::pii::detect::text::{Text, is_word};
use crate::pii::detect::words::{self, Sense};

const MAX: usize = 19;

pub(super) fn find(text: Text<'_>, start: usize, end: usize, hint: Sense) -> Option<(usize, usize)> {
    let first = end - start;
    let starts = is_start(text, start);
    if first > MAX || !starts && text.before(start) != b'_' {
        return None;
    }
    let stands = |end: usize, sign: &[u8]| starts && is_end(text, end, sign) || text.is_emphasised(start, end);
    let mut digits = [0_u8; MAX];
    digits[..first].copy_from_slice(&text.bytes[start..end]);
    let stop = if first >= 13 {
        (is_card(&digits[..first]) && stands(end, b"")).then_some(end)?
    } else if (4..=6).contains(&first) {
        grouped(text, end, &mut digits, first, stands)?
    } else {
        return None;
    };
    let sense = || match words::sense(text, start, stop) {
        Sense::Open => hint,
        sense => sense,
    };
    let holds = match first {
        // A Visa of old, or the number of an article: both end in a check digit.
        13 if is_article(&digits[..13]) => sense() == Sense::Card,
        _ => sense() != Sense::Code,
    };
    holds.then_some((start, stop))
}

/// The end of the longest card that begins with the group of `count` digits before `end`; `stands`: whether one may end there, in groups with
/// that sign between.
fn grouped(
    text: Text<'_>,
    end: usize,
    digits: &mut [u8; MAX],
    count: usize,
    stands: impl Fn(usize, &[u8]) -> bool,
) -> Option<usize> {
    let sign = text.separator(end);
    let sign = text
        .bytes
        .get(end..end + sign)
        .filter(|sign| !sign.is_empty() && *sign != b"/")?;
    let mut found = None;
    each_card(text, end, sign, digits, count, |at| {
        if stands(at, sign) {
            found = Some(at);
        }
    });
    found
}

/// Hands out each place where the groups behind `end`, with `sign` between, make the digits a card's.
fn each_card(
    text: Text<'_>,
    end: usize,
    sign: &[u8],
    digits: &mut [u8; MAX],
    mut count: usize,
    mut card: impl FnMut(usize),
) {
    let mut at = end;
    let mut is_short = false;
    while text.tail(at).starts_with(sign) {
        let group = at + sign.len();
        let length = text.digits_after(group);
        let fits = (1..=7).contains(&length) || length <= 13 && count == 6;
        // Only the last group is short.
        if !fits || count + length > MAX || is_short {
            break;
        }
        is_short = length < 4;
        digits[count..count + length].copy_from_slice(&text.bytes[group..group + length]);
        count += length;
        at = group + length;
        if is_card(&digits[..count]) {
            card(at);
        }
    }
}

fn is_start(text: Text<'_>, start: usize) -> bool {
    if text.is_escape(start) {
        return true;
    }
    // The first track of the stripe: ISO/IEC 7813, format B.
    if text.head(start).ends_with(b"%B") {
        return true;
    }
    let before = text.before(start);
    let is_named = before == b'_' && words::adjacent(text, start - 1) == Sense::Card;
    if is_word(before) && !is_named || before == b'@' || before == b'$' {
        return false;
    }
    let sign = text.separator_before(start);
    if sign == 0 {
        return !(before == b',' && text.before(start - 1).is_ascii_digit() && text.digits_before(start - 1) < 4);
    }
    let head = start - sign;
    let tie = text.before(start);
    // The middle of a longer number, `DE89 3704 …`, `ORD-4111…`; a word of its own is fine before a dash.
    match text.before(head) {
        b'0'..=b'9' => tie == b' ' && !is_group(text, head),
        byte if tie == b'-' && is_word(byte) => words::adjacent(text, head) == Sense::Card,
        byte if tie == b'.' => !byte.is_ascii_alphanumeric(),
        _ => true,
    }
}

/// Whether what ends at `end` is a group of the same number: digits alone, or `DE89`.
fn is_group(text: Text<'_>, end: usize) -> bool {
    let digits = text.digits_before(end);
    let front = end - digits;
    let letters = text.count_before(front, |byte| byte.is_ascii_uppercase());
    (digits == 2 && letters == 2) || (letters == 0 && (3..=7).contains(&digits) && !is_word(text.before(front)))
}

/// Whether the number ends at `end`; one more group is the code on the back, a date, or something else.
fn is_end(text: Text<'_>, end: usize, sign: &[u8]) -> bool {
    let next = text.at(end);
    if is_word(next) || next == b'@' {
        return false;
    }
    if matches!(next, b'.' | b',' | b'-') && text.at(end + 1).is_ascii_digit() {
        return next == b',';
    }
    if sign != b" " || next != b' ' {
        return true;
    }
    // A group of four and more behind it go on, as the numbers of parcels do; unless another card begins there.
    let group = end + 1;
    let more = text.digits_after(group);
    let after = group + more;
    let goes_on = more == 4 && text.at(after) == b' ' && text.at(after + 1).is_ascii_digit();
    !goes_on || {
        let mut digits = [0; MAX];
        digits[..more].copy_from_slice(&text.bytes[group..after]);
        let mut begins = false;
        each_card(text, after, b" ", &mut digits, more, |_| begins = true);
        begins
    }
}

/// Prefix, length and check digit.
fn is_card(digits: &[u8]) -> bool {
    is_issued(digits) && is_luhn(digits.iter().copied())
}

/// The check digit of ISO/IEC 7812-1, over ASCII digits.
pub(in crate::pii) fn is_luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') << (place % 2);
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_issued(digits: &[u8]) -> bool {
    let prefix = |count: usize| {
        digits
            .iter()
            .take(count)
            .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
    };
    let length = digits.len();
    match digits.first() {
        Some(b'4') => matches!(length, 13 | 16 | 19),                 // Visa
        Some(b'5') => length == 16 && (51..=55).contains(&prefix(2)), // Mastercard
        Some(b'2') => length == 16 && (2221..=2720).contains(&prefix(4)),
        Some(b'3') => match prefix(2) {
            34 | 37 => length == 15,                                                 // American Express
            35 => (16..=19).contains(&length) && (3528..=3589).contains(&prefix(4)), // JCB
            36 | 38 | 39 => length == 14,                                            // Diners Club
            30 => length == 14 && (prefix(3) <= 305 || prefix(3) == 309),
            _ => false,
        },
        Some(b'6') => {
            let discover = prefix(4) == 6011 || (644..=649).contains(&prefix(3)) || prefix(2) == 65;
            (16..=19).contains(&length) && (discover || prefix(2) == 62) // Discover, UnionPay
        }
        _ => false,
    }
}

/// The check digit of GS1 article numbers.
fn is_article(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 1 } else { 3 })
        .sum();
    sum.is_multiple_of(10)
}

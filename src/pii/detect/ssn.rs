//! US social security numbers, found at a run of four digits or more.
//!
//! `AAA-GG-SSSS`, with dashes or blanks; nine digits in one run, or other signs between, only where a word says so.
//! Area not 000, 666 or 9xx, group not 00, serial not 0000 (20 CFR 422.103; SSA POMS RM 10201.035).

use crate::pii::detect::text::{Text, is_word};
use crate::pii::detect::words::{self, Sense};

pub(super) fn find(text: Text<'_>, start: usize, end: usize, hint: Sense) -> Option<(usize, usize)> {
    let (area, needs_word) = match end - start {
        9 => (start, true),
        4 => {
            let second = text.separator_before(start);
            let group = start.checked_sub(second + 2)?;
            if second == 0 || group < text.floor || text.digits_before(start - second) != 2 {
                return None;
            }
            let first = text.separator_before(group);
            if first != second || text.bytes[group - first..group] != text.bytes[start - second..start] {
                return None;
            }
            let area = group.checked_sub(first + 3)?;
            if area < text.floor || text.digits_before(group - first) != 3 {
                return None;
            }
            (area, matches!(text.before(start), b'.' | b'/'))
        }
        _ => return None,
    };
    if !is_valid(text, area, end) || !is_alone(text, area, end) {
        return None;
    }
    let sense = match words::sense(text, area, end) {
        Sense::Open => hint,
        sense => sense,
    };
    let blanks = end - start == 4 && !matches!(text.before(start), b'-' | 0x80..=0xBF) || text.before(start) == 0xA0;
    let crowded = || text.number_before(area) || text.number_after(end);
    // `415-81-9984-L`
    let letters = text
        .tail(end + 1)
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let has_tail = text.at(end) == b'-' && text.at(end + 1).is_ascii_uppercase() && letters <= 2;
    let holds = match sense {
        Sense::Ssn => true,
        _ if needs_word || has_tail => false,
        Sense::Code => false,
        Sense::Other => !blanks,
        _ => !(blanks && crowded()),
    };
    holds.then_some((area, end))
}

/// Nine digits from `area` on that the administration gives out.
fn is_valid(text: Text<'_>, area: usize, end: usize) -> bool {
    let mut digits = [0; 9];
    let found = text.bytes[area..end].iter().filter(|byte| byte.is_ascii_digit());
    for (digit, byte) in digits.iter_mut().zip(found) {
        *digit = *byte;
    }
    let (area, group, serial) = (&digits[..3], &digits[3..5], &digits[5..]);
    area != b"000" && area != b"666" && area[0] != b'9' && group != b"00" && serial != b"0000"
}

/// Whether nothing ties it to letters or digits beside it; a word for the number itself may be.
fn is_alone(text: Text<'_>, start: usize, end: usize) -> bool {
    let tied = |sign: u8| matches!(sign, b'-' | b'.' | b'_' | b'/' | b',');
    let (before, after) = (text.before(start), text.at(end));
    if matches!(before, b'+' | b'$' | b'@') || before == b'#' && words::before(text, start) != Sense::Ssn {
        return false;
    }
    let is_bare = text.at(start + 3).is_ascii_digit();
    let tie = usize::from(tied(before));
    let neighbour = text.before(start - tie);
    let joined = match (tie, before) {
        (0, _) => is_word(before),
        (_, b',') => is_bare && neighbour.is_ascii_digit(),
        _ => neighbour.is_ascii_alphanumeric(),
    };
    let starts = !joined || text.is_escape(start) || words::adjacent(text, start - tie) == Sense::Ssn;
    let goes_on = match after {
        b',' => is_bare && (1..=2).contains(&text.digits_after(end + 1)),
        b'@' => true,
        b'%' => is_bare,
        sign if tied(sign) => text.at(end + 1).is_ascii_digit(),
        _ => is_word(after),
    };
    starts && !goes_on
}

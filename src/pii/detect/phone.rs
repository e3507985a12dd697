//! Phone numbers of the North American plan, found at a run of four digits or more.
//!
//! Area code and exchange begin with 2 to 9. Country code, opening bracket and extension belong to the number, `tel:` does
//! not. Grouped digits (`415-555-2671`) speak for themselves, ten or eleven in one run only beside a phone word.

use std::cell::OnceCell;

use crate::pii::detect::email;
use crate::pii::detect::text::{Text, is_word};
use crate::pii::detect::words::{self, Sense};

/// The number whose last digits, or all of them, are the run from `start` to `end`; `hint` is what the value's name says.
pub(super) fn find(text: Text<'_>, start: usize, end: usize, hint: Sense) -> Option<(usize, usize)> {
    let (area, shape) = match end - start {
        4 => grouped(text, start)?,
        7 => halved(text, start)?,
        10 => (start, Shape::Bare),
        11 if text.at(start) == b'1' => (start + 1, Shape::Bare),
        _ => return None,
    };
    if !is_national(text, area, end) {
        return None;
    }
    let front = if end - start == 11 {
        Front {
            start: if text.before(start) == b'+' { start - 1 } else { start },
            plus: text.before(start) == b'+',
            country: true,
        }
    } else {
        front(text, area)
    };
    let sense = OnceCell::new();
    let said = || {
        *sense.get_or_init(|| match words::sense(text, front.start, end) {
            Sense::Open => hint,
            sense => sense,
        })
    };
    let stands = starts(text, &front, shape, said) && stops(text, &front, end, shape, said);
    if !stands && !text.is_emphasised(front.start, end) {
        return None;
    }
    let holds = match shape {
        Shape::Marked => said() != Sense::Code,
        // Groups between blanks may be columns of a table, or the middle of a longer number.
        Shape::Blanks => {
            let alone = !text.number_before(front.start) && !text.number_after(end);
            let sense = said();
            sense == Sense::Phone || front.plus || alone && !matches!(sense, Sense::Code | Sense::Other)
        }
        Shape::Halved => {
            front.plus || said() == Sense::Phone || is_whole(text, front.start, end) && said() == Sense::Open
        }
        Shape::Bare => front.plus || said() == Sense::Phone,
    };
    holds.then(|| (front.start, extended(text, end)))
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    /// With brackets, dashes, dots or slashes.
    Marked,
    /// `415 555 2671`.
    Blanks,
    /// `415 5552671`.
    Halved,
    Bare,
}

/// `EEE-LLLL` with the area before; the area's first digit.
fn grouped(text: Text<'_>, last: usize) -> Option<(usize, Shape)> {
    let second = text.separator_before(last);
    let exchange = last.checked_sub(second + 3)?;
    if second == 0 || exchange < text.floor || text.digits_before(last - second) != 3 {
        // `(415)555-2671` has the bracket directly before the exchange.
        return None;
    }
    let first = text.separator_before(exchange);
    let close = exchange.checked_sub(first)?;
    let bracket = text.before(close) == b')';
    let area_end = if bracket { close - 1 } else { close };
    if !bracket && first == 0 {
        return None;
    }
    let area = area_end.checked_sub(3)?;
    if area < text.floor || text.digits_before(area_end) != 3 {
        return None;
    }
    let blank = |end: usize, length: usize| {
        length > 0 && !matches!(text.before(end), b'-' | b'.' | b'/' | 0x80..=0xFF) && length < 3
    };
    let is_nbsp = |end: usize, length: usize| length == 2 && text.before(end) == 0xA0;
    let all_blanks = !bracket
        && (blank(last, second) || is_nbsp(last, second))
        && (blank(exchange, first) || is_nbsp(exchange, first));
    // `1.415/555` and the like mix signs that no one mixes.
    if text.before(last) == b'/' {
        return None;
    }
    Some((area, if all_blanks { Shape::Blanks } else { Shape::Marked }))
}

/// `415 5552671`, `(415)5552671`.
fn halved(text: Text<'_>, local: usize) -> Option<(usize, Shape)> {
    let gap = text.separator_before(local);
    let close = local - gap;
    let bracket = text.before(close) == b')';
    let area_end = if bracket { close - 1 } else { close };
    if !bracket && (gap == 0 || matches!(text.before(local), b'.' | b'/')) {
        return None;
    }
    let area = area_end.checked_sub(3)?;
    if area < text.floor || text.digits_before(area_end) != 3 {
        return None;
    }
    Some((area, if bracket { Shape::Marked } else { Shape::Halved }))
}

/// Ten digits from `area` on: area code and exchange begin with 2 to 9.
fn is_national(text: Text<'_>, area: usize, end: usize) -> bool {
    let mut digits = text.bytes[area..end].iter().filter(|byte| byte.is_ascii_digit());
    let is_code = |digit: Option<&u8>| digit.is_some_and(|digit| (b'2'..=b'9').contains(digit));
    is_code(digits.next()) && is_code(digits.nth(2)) && digits.count() == 6
}

struct Front {
    start: usize,
    plus: bool,
    country: bool,
}

/// What stands before the area code and belongs to the number.
fn front(text: Text<'_>, area: usize) -> Front {
    let mut start = area;
    let bracket = start > text.floor && text.before(start) == b'(' && text.at(area + 3) == b')';
    start -= usize::from(bracket);
    let plain = Front {
        start,
        plus: false,
        country: false,
    };
    let gap = text.separator_before(start);
    let mut one = start - gap;
    // (+1) 415-555-2671
    let wrapped = text.before(one) == b')';
    one -= usize::from(wrapped);
    if one <= text.floor || text.before(one) != b'1' || gap == 0 && !bracket && !wrapped && text.before(one - 1) != b'+'
    {
        return plain;
    }
    one -= 1;
    let plus = one > text.floor && text.before(one) == b'+';
    one -= usize::from(plus);
    if wrapped {
        if one <= text.floor || text.before(one) != b'(' {
            return plain;
        }
        one -= 1;
    } else if !plus && (text.before(one).is_ascii_digit() || text.before(one) != b'_' && is_joined(text, one)) {
        return plain;
    }
    Front {
        start: one,
        plus,
        country: true,
    }
}

/// Whether `index` goes on with something: a letter, or a sign that ties it to one.
fn is_joined(text: Text<'_>, index: usize) -> bool {
    if text.is_escape(index) {
        return false;
    }
    match text.before(index) {
        b'-' | b'.' | b'/' | b'_' | b',' => {
            is_word(text.before(index - 1))
                && !text.is_escape(index - 1)
                && (text.before(index) != b',' || text.before(index - 1).is_ascii_digit())
        }
        byte => is_word(byte),
    }
}

fn starts(text: Text<'_>, front: &Front, shape: Shape, said: impl Fn() -> Sense) -> bool {
    let start = front.start;
    if start < text.floor || text.before(start) == b'+' {
        return false; // another country's
    }
    match text.before(start) {
        b'$' | b'\\' if !text.is_escape(start) => return false,
        // `Fax #415-555-2671`, `Tel#4155552671`, and not `#4155552671`.
        b'#' if words::adjacent(text, start - 1) == Sense::Phone => {}
        b'#' | b'@' if shape == Shape::Bare && !front.plus || said() != Sense::Phone => return false,
        _ => {}
    }
    if is_joined(text, start) {
        // `tel415…` and `call-415…`: the word is said of the number.
        let tie = usize::from(matches!(text.before(start), b'-' | b'.' | b'_' | b'/'));
        let path = text.before(start) == b'/' && !text.before(start - 1).is_ascii_digit();
        let word = words::adjacent(text, start - tie) == Sense::Phone;
        if !(word || path && (shape != Shape::Bare || front.plus)) {
            return false;
        }
    }
    // +44 415 555 2671
    if !front.country {
        let gap = text.separator_before(start);
        let code = text.digits_before(start - gap);
        if gap > 0 && (1..=3).contains(&code) && text.before(start - gap - code) == b'+' {
            return false;
        }
    }
    true
}

fn stops(text: Text<'_>, front: &Front, end: usize, shape: Shape, said: impl Fn() -> Sense) -> bool {
    let next = text.at(end + 1);
    match text.at(end) {
        // `…2671,4155552672` is a list.
        b',' if next.is_ascii_digit() => shape != Shape::Bare || front.plus || text.digits_after(end + 1) != 3,
        b'/' if next.is_ascii_digit() => shape == Shape::Marked && begins(text, end + 1) || said() == Sense::Phone,
        b'-' | b'.' if next.is_ascii_digit() => false,
        // `415-555-2671-home`
        b'-' | b'_' if next.is_ascii_alphabetic() => front.plus || said() == Sense::Phone,
        b'-' => true,
        // `sip:+14155552671@10.0.0.1`, and not what an address of mail begins with.
        b'@' => (front.plus || shape == Shape::Marked) && email::find(text, end).is_none(),
        b'%' => front.plus || shape == Shape::Marked,
        b'_' => false,
        b'x' | b'X' | b'e' | b'E' if extended(text, end) > end => true,
        byte => !is_word(byte),
    }
}

/// Whether a number in groups begins at `start`: `415-555-2671/415-555-2672`.
fn begins(text: Text<'_>, start: usize) -> bool {
    let group = |at: usize, length: usize| {
        let sign = text.separator(at + length);
        (text.digits_after(at) == length && sign > 0).then_some(at + length + sign)
    };
    group(start, 3)
        .and_then(|at| group(at, 3))
        .is_some_and(|at| text.digits_after(at) == 4)
}

/// Whether the value is all that its quotes, brackets or cell hold.
fn is_whole(text: Text<'_>, start: usize, end: usize) -> bool {
    let open = matches!(text.before(start), b'"' | b'\'' | b'`' | b'>' | b'(' | b'[' | b'\t');
    open && matches!(text.at(end), b'"' | b'\'' | b'`' | b'<' | b')' | b']' | b'\t' | b'\\')
}

/// The end with the extension: `x123`, `ext. 123`, `;ext=123`.
fn extended(text: Text<'_>, end: usize) -> usize {
    const WORDS: [&[u8]; 9] = [
        b"extension",
        b"extn",
        b"ext",
        b"x",
        b"#",
        b"durchwahl",
        b"poste",
        b"anexo",
        "доб".as_bytes(),
    ];
    let tail = text.tail(end);
    let blanks = |at: usize| {
        tail[at.min(tail.len())..]
            .iter()
            .take_while(|byte| **byte == b' ')
            .count()
    };
    let mut at = blanks(0);
    if at > 2 {
        return end;
    }
    if matches!(tail.get(at), Some(b',' | b';')) {
        at += 1;
        at += blanks(at);
    }
    let bracket = matches!(tail.get(at), Some(b'('));
    at += usize::from(bracket);
    let Some(word) = WORDS.iter().find(|word| {
        tail.get(at..at + word.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    }) else {
        return end;
    };
    at += word.len();
    if matches!(tail.get(at), Some(b'.' | b':' | b'=')) {
        at += 1;
    }
    at += blanks(at);
    if *word != b"#" && matches!(tail.get(at), Some(b'#')) {
        at += 1;
    }
    let digits = text.digits_after(end + at);
    if !(1..=7).contains(&digits) || !text.ends_at(end + at + digits) {
        return end;
    }
    let close = bracket && tail.get(at + digits) == Some(&b')');
    if bracket && !close {
        return end;
    }
    end + at + digits + usize::from(close)
}

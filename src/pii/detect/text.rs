//! The surroundings of a place: what stands before and after a value, and whether it ends there.

use crate::pii::kind::Kind;

/// What detectors see of a text: never more than [`AROUND`] bytes to each side of the place they judge, so that it
/// does not matter how much of a stream is in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Before this nothing may become part of a value: another one ends there.
    pub(super) floor: usize,
    /// The values before the floor, and where in their text `bytes` begins.
    pub(super) past: &'a Past,
    pub(super) low: usize,
}

/// The last values that were found, the newest first: what is said before a value may be said of the next one too.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::pii) struct Past {
    found: [Option<(usize, usize, Kind)>; PAST],
}

/// As many as are stepped over on the way to a word that says what a number is.
const PAST: usize = 8;

impl Past {
    pub(in crate::pii) fn push(&mut self, start: usize, end: usize, kind: Kind) {
        self.found.rotate_right(1);
        self.found[0] = Some((start, end, kind));
    }

    /// Does one of them end there?
    pub(in crate::pii) fn ends_at(&self, at: usize) -> bool {
        let mut found = self.found.iter().map_while(Option::as_ref);
        found.any(|(_, end, _)| *end == at)
    }

    /// After `count` bytes at the front of the text were let go.
    pub(in crate::pii) fn shift(&mut self, count: usize) {
        for found in &mut self.found {
            *found = found.and_then(|(start, end, kind)| Some((start.checked_sub(count)?, end - count, kind)));
        }
    }

    /// Where nothing may be taken from any more.
    pub(in crate::pii) fn floor(&self) -> usize {
        self.found[0].map_or(0, |(_, end, _)| end)
    }
}

/// How far detectors look, in bytes, to either side.
pub(in crate::pii) const AROUND: usize = 512;

/// No part of a value is longer; what is, is none.
const LONG: usize = 64;

impl<'a> Text<'a> {
    /// Zero outside of the text.
    pub(super) fn at(self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or(0)
    }

    /// The byte before `index`; zero at the start. Of a value that ends there, what its placeholder would end with: text that
    /// was redacted before reads the same.
    pub(super) fn before(self, index: usize) -> u8 {
        if index > 0 && index == self.floor && index + self.low == self.past.floor() {
            return b']';
        }
        index.checked_sub(1).map_or(0, |index| self.at(index))
    }

    pub(super) fn head(self, end: usize) -> &'a [u8] {
        self.bytes.get(..end).unwrap_or_default()
    }

    pub(super) fn tail(self, start: usize) -> &'a [u8] {
        self.bytes.get(start..).unwrap_or_default()
    }

    /// How many bytes before `end` satisfy `is`, down to the floor and at most [`LONG`].
    pub(super) fn count_before(self, end: usize, is: impl Fn(u8) -> bool) -> usize {
        let start = self.floor.max(end.saturating_sub(LONG)).min(end);
        self.bytes[start..end]
            .iter()
            .rev()
            .take_while(|byte| is(**byte))
            .count()
    }

    pub(super) fn digits_before(self, end: usize) -> usize {
        self.count_before(end, |byte| byte.is_ascii_digit())
    }

    pub(super) fn digits_after(self, start: usize) -> usize {
        self.tail(start)
            .iter()
            .take(LONG)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    }

    /// Whether no word runs on at `index`.
    pub(super) fn ends_at(self, index: usize) -> bool {
        !is_word(self.at(index))
    }

    /// Whether what ends at `index` is an escape that the text shows: `\n`, `\x3c`, `\033[0m`.
    pub(super) fn is_escape(self, index: usize) -> bool {
        let head = self.head(index);
        match head {
            [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'a' | b'0' | b'e'] => true,
            [.., b'\\', b'x', a, b] => a.is_ascii_hexdigit() && b.is_ascii_hexdigit(),
            [parameters @ .., b'm'] => {
                let numbers = parameters
                    .iter()
                    .rev()
                    .take(12)
                    .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
                    .count();
                matches!(
                    &parameters[..parameters.len() - numbers],
                    [.., 0x1B | b'b' | b'B' | b'3' | b'e', b'[']
                )
            }
            _ => false,
        }
    }

    /// Whether what stands from `start` to `end` is emphasised as Markdown does it: `_…_`, `__…__`.
    pub(super) fn is_emphasised(self, start: usize, end: usize) -> bool {
        let before = self.count_before(start, |byte| byte == b'_');
        let after = self.tail(end).iter().take(4).take_while(|byte| **byte == b'_').count();
        (1..=3).contains(&before)
            && before == after
            && !is_word(self.before(start - before))
            && self.ends_at(end + after)
    }

    /// The length of what separates two groups of digits at `start`: a blank, a dot, a slash or a dash of any kind, a dash also
    /// with a blank on each side. Zero if none does.
    pub(super) fn separator(self, start: usize) -> usize {
        let mark = self.mark(start);
        if mark == 1 && self.at(start) == b' ' {
            let dash = self.mark(start + 1);
            let is_dash = dash > 1 || self.at(start + 1) == b'-';
            if dash > 0 && is_dash && self.at(start + 1 + dash) == b' ' {
                return dash + 2;
            }
        }
        mark
    }

    /// [`Text::separator`], of what ends at `end`.
    pub(super) fn separator_before(self, end: usize) -> usize {
        let mark = self.mark_before(end);
        if mark == 1 && self.before(end) == b' ' {
            let dash = self.mark_before(end - 1);
            let is_dash = dash > 1 || self.before(end - 1) == b'-';
            if dash > 0 && is_dash && self.before(end - 1 - dash) == b' ' {
                return dash + 2;
            }
        }
        mark
    }

    /// The value, or its placeholder in a text that was redacted before, that ends at `end`: its start, and its type unless that is
    /// a custom one's.
    pub(super) fn value_before(self, end: usize) -> Option<(usize, Option<Kind>)> {
        for (start, stop, kind) in self.past.found.iter().map_while(Option::as_ref) {
            if *stop == end + self.low {
                return Some((start.checked_sub(self.low)?, Some(*kind)));
            }
        }
        let head = self.head(end);
        if head.last() != Some(&b']') {
            return None;
        }
        let start = head.iter().rev().take(64).position(|byte| *byte == b'[')?;
        let start = head.len() - 1 - start;
        let placeholder = &head[start..];
        let kind = Kind::BUILT_IN
            .into_iter()
            .find(|kind| kind.placeholder().as_bytes() == placeholder);
        let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        let name = placeholder.strip_prefix(b"[REDACTED")?.strip_suffix(b"]")?;
        name.iter().all(is_name).then_some((start, kind))
    }

    /// Whether a number stands one sign before `index`, also one that is redacted already.
    pub(super) fn number_before(self, index: usize) -> bool {
        let gap = self.separator_before(index);
        let end = index - gap;
        gap > 0
            && (self.before(end).is_ascii_digit()
                || self
                    .value_before(end)
                    .is_some_and(|(_, kind)| kind != Some(Kind::Email)))
    }

    /// Whether a number stands one sign behind `index`, also one that is redacted already.
    pub(super) fn number_after(self, index: usize) -> bool {
        let gap = self.separator(index);
        let tail = self.tail(index + gap);
        gap > 0
            && (tail.first().is_some_and(u8::is_ascii_digit)
                || tail.starts_with(b"[REDACTED") && !tail.starts_with(b"[REDACTED_EMAIL"))
    }

    fn mark(self, start: usize) -> usize {
        match self.tail(start) {
            [b' ' | b'-' | b'.' | b'/', ..] => 1,
            [0xC2, 0xA0, ..] => 2,
            [0xE2, 0x80, 0x90..=0x95 | 0xAF | 0x87 | 0x89 | 0x8A, ..]
            | [0xE2, 0x88, 0x92, ..]
            | [0xEF, 0xBC, 0x8D, ..] => 3,
            _ => 0,
        }
    }

    fn mark_before(self, end: usize) -> usize {
        (1..=3)
            .find(|length| end >= self.floor + length && self.mark(end - length) == *length)
            .unwrap_or(0)
    }

    /// The character that ends at `end`, and its length.
    pub(super) fn char_before(self, end: usize) -> Option<(char, usize)> {
        if self.before(end).is_ascii() {
            return (end > 0).then(|| (char::from(self.before(end)), 1));
        }
        let start = (1..=4.min(end)).find(|length| self.bytes[end - length] & 0xC0 != 0x80)?;
        let character = first_char(&self.bytes[end - start..end])?;
        (character.len_utf8() == start).then_some((character, start))
    }
}

/// The first character of `bytes`; `None` at the end and where it is no UTF-8.
pub(super) fn first_char(bytes: &[u8]) -> Option<char> {
    let length = match bytes.first()? {
        ascii @ 0..=0x7F => return Some(char::from(*ascii)),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    std::str::from_utf8(bytes.get(..length)?).ok()?.chars().next()
}

/// ASCII only: in scripts without blanks a value stands directly beside a word.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A letter or mark beyond ASCII.
pub(super) fn is_letter(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\u{A9}' | '\u{AB}'..='\u{B4}' | '\u{B6}'..='\u{B9}' | '\u{BB}'..='\u{BF}' | '×' | '÷'
            // Punctuation and symbols.
            | '\u{2000}'..='\u{2BFF}' | '\u{2E00}'..='\u{2E7F}' | '\u{1_F000}'..='\u{1_FFFF}'
            // East Asian punctuation, and the wide forms of ASCII's.
            | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{3030}' | '\u{FF00}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}'
            | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF65}' | '\u{FFE0}'..='\u{FFFF}'
            // Private use, variants, the byte order mark.
            | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE6F}' | '\u{FEFF}'
            // Arabic, Hebrew and Devanagari punctuation.
            | '\u{060C}' | '\u{061B}' | '\u{061F}' | '\u{05BE}' | '\u{05C0}' | '\u{0964}' | '\u{0965}'
    )
}

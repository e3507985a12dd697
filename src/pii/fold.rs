//! A text as it reads: escapes that it shows and look-alike digits become what they stand for.
//!
//! `\u0040` (with any number of backslashes: JSON inside JSON), `%40` and all that URLs must escape, `&#64;`, `&nbsp;` and the digits and `@`
//! that Unicode's compatibility forms fold to ASCII (full-width, mathematical) become what they stand for. Everything else stays, and every offset
//! leads back. Most texts hold nothing of this and are never copied.

use std::borrow::Cow;

use memchr::memmem;

/// The longest form that becomes one character: two times backslashes, `u` and four digits.
pub(super) const LONGEST: usize = 2 * (BACKSLASHES + 5);
/// More are no escape: JSON four times inside itself has fifteen.
const BACKSLASHES: usize = 15;

/// A folded text. Offsets of it are mapped back by [`View::raw`].
#[derive(Debug, Default)]
pub(super) struct View<'a> {
    pub(super) text: Cow<'a, [u8]>,
    /// Where, from this offset of the view on, the raw text goes on; ascending.
    jumps: Vec<(usize, usize)>,
}

impl<'a> View<'a> {
    /// `in_run`: the raw text goes on with backslashes that were found to be no escape.
    pub(super) fn new(raw: &'a [u8], in_run: bool) -> Self {
        if !may_fold(raw) {
            return Self {
                text: Cow::Borrowed(raw),
                jumps: Vec::new(),
            };
        }
        let mut view = Self {
            text: Cow::Owned(Vec::with_capacity(raw.len())),
            jumps: Vec::new(),
        };
        let mut text = Vec::with_capacity(raw.len());
        let mut at = if in_run { backslashes(raw) } else { 0 };
        text.extend_from_slice(&raw[..at]);
        while at < raw.len() {
            let plain = raw[at..]
                .iter()
                .position(|byte| may_start(*byte))
                .unwrap_or(raw.len() - at);
            text.extend_from_slice(&raw[at..at + plain]);
            at += plain;
            let Some((character, length)) = folded(&raw[at..]) else {
                let skipped = unfolded(&raw[at..]);
                text.extend_from_slice(&raw[at..at + skipped]);
                at += skipped;
                continue;
            };
            let start = text.len();
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            at += length;
            if text.len() - start != length {
                view.jumps.push((text.len(), at));
            }
        }
        view.text = Cow::Owned(text);
        view
    }

    /// The last offset up to `at` where the view may be cut in two: not inside of a character that was folded.
    pub(super) fn cut(&self, at: usize) -> usize {
        let next = self.jumps.partition_point(|(view, _)| *view <= at);
        let Some((end, _)) = self.jumps.get(next) else {
            return at;
        };
        let inner = self.text[..*end]
            .iter()
            .rev()
            .take_while(|byte| **byte & 0xC0 == 0x80)
            .count();
        at.min(end - inner - 1)
    }

    /// The offset in the raw text of one in the view.
    pub(super) fn raw(&self, at: usize) -> usize {
        match self.jumps.partition_point(|(view, _)| *view <= at).checked_sub(1) {
            None => at,
            Some(index) => {
                let (view, raw) = self.jumps[index];
                raw + (at - view)
            }
        }
    }
}

/// How many bytes at the end of `raw` may be the beginning of something that folds, and must wait for what follows.
pub(super) fn unfinished(raw: &[u8]) -> usize {
    let tail = &raw[raw.len().saturating_sub(LONGEST)..];
    let mut at = 0;
    while at < tail.len() {
        if !may_start(tail[at]) {
            at += 1;
            continue;
        }
        let length = match folded(&tail[at..]) {
            Some((_, length)) => length,
            None if is_prefix(&tail[at..]) => return tail.len() - at,
            None => unfolded(&tail[at..]),
        };
        at += length;
    }
    0
}

/// Whether anything in `raw` could be folded.
pub(super) fn may_fold(raw: &[u8]) -> bool {
    if memchr::memchr3(b'\\', 0xEF, 0xF0, raw).is_none() && memchr::memchr2(b'%', b'&', raw).is_none() {
        return false;
    }
    // The first byte decides nothing: backslashes and percent signs are common, these pairs are not.
    [&b"\\u"[..], b"&#", b"&nbsp;", b"\xEF\xBC", b"\xF0\x9D\x9F"]
        .iter()
        .any(|form| memmem::find(raw, form).is_some())
        || memchr::memchr_iter(b'%', raw).any(|at| encoded(&raw[at..]).is_some())
}

/// How much at the start of `raw`, which does not fold, is passed over: an escape has all the backslashes that stand before it, or it would
/// leave some behind that escape what takes its place.
fn unfolded(raw: &[u8]) -> usize {
    backslashes(raw).max(1).min(raw.len())
}

fn backslashes(raw: &[u8]) -> usize {
    raw.iter().take_while(|byte| **byte == b'\\').count()
}

fn may_start(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | 0xEF | 0xF0)
}

/// The character that stands at the start of `raw`, if it is one that folds, and its length there.
fn folded(raw: &[u8]) -> Option<(char, usize)> {
    match raw.first()? {
        b'\\' => escaped(raw),
        b'%' => encoded(raw).map(|character| (character, 3)),
        b'&' => ENTITIES
            .iter()
            .find(|(form, _)| raw.starts_with(form))
            .map(|(form, character)| (*character, form.len())),
        0xEF => {
            let character = match raw.get(..3)? {
                [_, 0xBC, digit @ 0x90..=0x99] => char::from(digit - 0x90 + b'0'),
                [_, 0xBC, 0xA0] => '@',
                _ => return None,
            };
            Some((character, 3))
        }
        0xF0 => match raw.get(..4)? {
            [_, 0x9D, 0x9F, last @ 0x8E..=0xBF] => Some((char::from((last - 0x8E) % 10 + b'0'), 4)),
            _ => None,
        },
        _ => None,
    }
}

const ENTITIES: [(&[u8], char); 7] = [
    (b"&#64;", '@'),
    (b"&#x40;", '@'),
    (b"&#X40;", '@'),
    (b"&nbsp;", '\u{A0}'),
    (b"&#160;", '\u{A0}'),
    (b"&#xa0;", '\u{A0}'),
    (b"&#xA0;", '\u{A0}'),
];

/// What a percent sign and two digits stand for: a sign of ASCII that URLs must escape (RFC 3986 section 2.3), and no letter or digit, which
/// nobody escapes.
fn encoded(raw: &[u8]) -> Option<char> {
    let [b'%', high, low, ..] = raw else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let character = char::from_u32(digit(high)? << 4 | digit(low)?)?;
    let is_sign = character.is_ascii_punctuation() && !matches!(character, '-' | '.' | '_' | '~');
    (is_sign || matches!(character, ' ' | '\t' | '\n' | '\r')).then_some(character)
}

/// `\uXXXX`, or two of them for a pair of surrogates, each behind the same number of backslashes.
fn escaped(raw: &[u8]) -> Option<(char, usize)> {
    let (first, length) = unit(raw)?;
    if !(0xD800..=0xDFFF).contains(&first) {
        let character = char::from_u32(first)?;
        return Some((ascii(character), length));
    }
    let (second, more) = unit(&raw[length..])?;
    if more != length || first >= 0xDC00 || !(0xDC00..=0xDFFF).contains(&second) {
        return None;
    }
    let character = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))?;
    Some((ascii(character), length + more))
}

fn unit(raw: &[u8]) -> Option<(u32, usize)> {
    let slashes = raw
        .iter()
        .take(BACKSLASHES + 1)
        .take_while(|byte| **byte == b'\\')
        .count();
    if slashes == 0 || slashes > BACKSLASHES || raw.get(slashes) != Some(&b'u') {
        return None;
    }
    let digits = raw.get(slashes + 1..slashes + 5)?;
    let value = digits
        .iter()
        .try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))?;
    Some((value, slashes + 5))
}

/// What Unicode's compatibility forms fold to a digit or `@`.
fn ascii(character: char) -> char {
    match character {
        '\u{FF10}'..='\u{FF19}' | '\u{1D7CE}'..='\u{1D7FF}' | '\u{FF20}' => {
            let mut bytes = [0; 4];
            folded(character.encode_utf8(&mut bytes).as_bytes()).map_or(character, |(folded, _)| folded)
        }
        _ => character,
    }
}

/// Whether more bytes could make it fold.
fn is_prefix(raw: &[u8]) -> bool {
    let starts = |form: &[u8]| form.starts_with(raw);
    match raw[0] {
        b'\\' => {
            let slashes = raw.iter().take_while(|byte| **byte == b'\\').count();
            let rest = &raw[slashes..];
            let half = |rest: &[u8]| rest.len() < 5 && rest.iter().skip(1).all(u8::is_ascii_hexdigit);
            slashes <= BACKSLASHES
                && match rest.first() {
                    None => true,
                    Some(b'u') if half(rest) => true,
                    // The second half of a pair is still to come.
                    Some(b'u') => unit(raw).is_some_and(|(first, length)| {
                        (0xD800..0xDC00).contains(&first) && {
                            let second = &raw[length..];
                            let more = second.iter().take_while(|byte| **byte == b'\\').count();
                            match second.get(more) {
                                None => more <= slashes,
                                Some(b'u') => more == slashes && half(&second[more..]),
                                Some(_) => false,
                            }
                        }
                    }),
                    Some(_) => false,
                }
        }
        b'%' => raw.len() < 3 && raw.iter().skip(1).all(u8::is_ascii_hexdigit),
        b'&' => ENTITIES.iter().any(|(form, _)| starts(form)),
        0xEF => raw.len() < 3 && raw.get(1).is_none_or(|byte| *byte == 0xBC),
        0xF0 => raw.len() < 4 && [0x9D, 0x9F].iter().zip(&raw[1..]).all(|(want, got)| want == got),
        _ => false,
    }
}

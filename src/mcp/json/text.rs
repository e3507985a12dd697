//! JSON strings to Rust text and back.

use std::borrow::Cow;

use crate::mcp::json::Span;
use crate::mcp::json::scan::plain;

/// The text of a string value, escapes decoded. `None` where the value is not a string, and where it holds a lone
/// surrogate: such a string is no text, readers disagree on what it becomes, and a replacement character could make it
/// equal to a name it is not.
pub fn string(bytes: &[u8], value: Span) -> Option<Cow<'_, str>> {
    let inner = value.of(bytes).strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    decode(inner).map(Cow::Owned)
}

/// `text` as a JSON string, with its quotes.
pub fn quote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    // Text stays text: only whole ASCII characters are replaced.
    String::from_utf8(out).unwrap_or_default()
}

/// [`quote`] at the end of `out`.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// What stands between the quotes, at the end of `out`.
pub fn write_escaped(out: &mut Vec<u8>, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    loop {
        let (clean, tail) = rest.split_at(plain(rest));
        out.extend_from_slice(clean);
        let Some((special, tail)) = tail.split_first() else {
            break;
        };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.extend([DIGITS[usize::from(control >> 4)], DIGITS[usize::from(control & 15)]]);
            }
        }
        rest = tail;
    }
}

fn decode(mut inner: &[u8]) -> Option<String> {
    let mut text = Vec::with_capacity(inner.len());
    while let Some(escape) = memchr::memchr(b'\\', inner) {
        text.extend_from_slice(&inner[..escape]);
        let (kind, rest) = inner[escape + 1..].split_first()?;
        inner = rest;
        text.push(match kind {
            b'"' | b'\\' | b'/' => *kind,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let character = unicode(&mut inner)?;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        });
    }
    text.extend_from_slice(inner);
    String::from_utf8(text).ok()
}

/// The character of `\uXXXX`, or of a surrogate pair `\uXXXX\uXXXX` (RFC 8259 §7); `rest` stands behind the first `\u`.
fn unicode(rest: &mut &[u8]) -> Option<char> {
    let first = hex(rest)?;
    if !(0xD800..=0xDBFF).contains(&first) {
        return char::from_u32(first);
    }
    *rest = rest.strip_prefix(b"\\u")?;
    let second = hex(rest)?;
    if !(0xDC00..=0xDFFF).contains(&second) {
        return None;
    }
    char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
}

fn hex(rest: &mut &[u8]) -> Option<u32> {
    let (digits, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    digits
        .iter()
        .try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

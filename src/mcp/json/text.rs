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
    let mut out = String::with_capacity(text.len() + 2);
    let mut rest = text;
    out.push('"');
    loop {
        let (clean, tail) = rest.split_at(plain(rest.as_bytes()));
        out.push_str(clean);
        let Some(special) = tail.chars().next() else { break };
        match special {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control => {
                out.push_str("\\u00");
                for shift in [4, 0] {
                    out.extend(char::from_digit(u32::from(control) >> shift & 0xF, 16));
                }
            }
        }
        rest = &tail[1..]; // a special character is one byte
    }
    out.push('"');
    out
}

/// [`quote`] at the end of `out`.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(quote(text).as_bytes());
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

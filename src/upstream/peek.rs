//! A first look at one message of a stream: is it the response, or what is its method?
//!
//! It stops at the first key that tells, and checks nothing: whoever uses the message reads it in full.

use memchr::memchr2;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Peek<'a> {
    Response,
    /// The method's text between its quotes, escapes not decoded.
    Method(&'a [u8]),
    /// Not a message at first sight.
    Unclear,
}

pub(super) fn peek(message: &[u8]) -> Peek<'_> {
    look(message).unwrap_or(Peek::Unclear)
}

fn look(message: &[u8]) -> Option<Peek<'_>> {
    let mut at = skip_space(message, 0);
    if message.get(at) != Some(&b'{') {
        return None;
    }
    loop {
        at = skip_space(message, at + 1);
        let key_end = string_end(message, at)?;
        let key = message.get(at + 1..key_end - 1)?;
        at = skip_space(message, key_end);
        if message.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(message, at + 1);
        match key {
            b"result" | b"error" => return Some(Peek::Response),
            b"method" => return Some(Peek::Method(message.get(at + 1..string_end(message, at)? - 1)?)),
            _ => {}
        }
        at = skip_space(message, value_end(message, at)?);
        if message.get(at) != Some(&b',') {
            return None;
        }
    }
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Behind the closing quote of the string that starts at `at`.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn value_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b',' if depth == 0 => return Some(at),
            _ => at += 1,
        }
        if depth == 0 && matches!(text.get(at), Some(b',' | b'}')) {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_that_tells_decides() {
        assert_eq!(peek(br#" {"jsonrpc":"2.0","id":1,"result":{}}"#), Peek::Response);
        assert_eq!(peek(br#"{"error":{"code":1},"id":null}"#), Peek::Response);
        let ping = br#"{"params":{"a":["}",{"method":"x"}]},"id":"\"","method" : "ping"}"#;
        assert_eq!(peek(ping), Peek::Method(b"ping"));
        for unclear in [
            "",
            "hello",
            "[1]",
            "{}",
            r#"{"id":1}"#,
            r#"{"id""#,
            r#"{"id":"#,
            r#"{"a":}}"#,
            r#"{"method":1}"#,
        ] {
            assert_eq!(peek(unclear.as_bytes()), Peek::Unclear, "{unclear}");
        }
    }
}

//! MCP's HTTP header names, and how a value that is no plain header text travels in one (2026-07-28, "Value Encoding").

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

pub static MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub static MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub static MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");
pub static MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// In front of the name that a tool's `x-mcp-header` gives.
pub const PARAM_PREFIX: &str = "mcp-param-";

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// A value that is neither plain header text nor well-formed base64 of UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadEncoding;

impl fmt::Display for BadEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither plain text nor `=?base64?…?=` around the base64 of UTF-8")
    }
}

impl std::error::Error for BadEncoding {}

/// The text that a value of `Mcp-Name` or `Mcp-Param-*` stands for.
pub fn decode(value: &HeaderValue) -> Result<Cow<'_, str>, BadEncoding> {
    // `to_str` lets through visible ASCII, space and tab only. RFC 9110 §5.5: white space around a value is not of it.
    let text = value.to_str().map_err(|_| BadEncoding)?.trim_matches([' ', '\t']);
    if !is_wrapped(text) {
        return Ok(Cow::Borrowed(text));
    }
    let inner = text
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
        .ok_or(BadEncoding)?;
    let bytes = STANDARD.decode(inner).map_err(|_| BadEncoding)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| BadEncoding)
}

/// `text` as a header value that [`decode`] turns back into it.
#[allow(clippy::missing_panics_doc, reason = "what is plain was checked, base64 is plain")]
pub fn encode(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        && text.trim_matches([' ', '\t']).len() == text.len()
        && !is_wrapped(text);
    let wrapped = (!plain).then(|| format!("{OPEN}{}{CLOSE}", STANDARD.encode(text)));
    HeaderValue::from_str(wrapped.as_deref().unwrap_or(text)).expect("visible ASCII, space and tab are a header value")
}

/// Markers at both ends, also where they overlap (`=?base64?=`): some readers would take that for wrapped.
fn is_wrapped(text: &str) -> bool {
    text.starts_with(OPEN) && text.ends_with(CLOSE)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::{any, prop_oneof, proptest};
    use proptest::strategy::Strategy;

    use crate::mcp::header::{BadEncoding, decode, encode};

    fn header(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    #[test]
    fn plain_text_travels_as_it_is() {
        for text in [
            "",
            "get_weather",
            "two words",
            "a\tb",
            "=?base64?",
            "?=",
            "=?BASE64?YQ==?=",
        ] {
            assert_eq!(encode(text), text);
            assert_eq!(decode(&encode(text)).unwrap(), text);
        }
    }

    #[test]
    fn what_a_header_cannot_hold_travels_as_base64() {
        assert_eq!(encode("Größe"), "=?base64?R3LDtsOfZQ==?=");
        assert_eq!(encode(" edge"), "=?base64?IGVkZ2U=?=");
        assert_eq!(encode("a\r\nX-Evil: 1"), "=?base64?YQ0KWC1FdmlsOiAx?=");
    }

    #[test]
    fn text_that_looks_wrapped_is_wrapped() {
        for text in [
            "=?base64?YQ==?=",
            "=?base64?=",
            "=?base64??=",
            "=?base64?=?base64?YQ==?=?=",
        ] {
            assert_ne!(encode(text), text);
            assert_eq!(decode(&encode(text)).unwrap(), text);
        }
    }

    #[test]
    fn white_space_around_a_value_is_not_of_it() {
        assert_eq!(decode(&header(" \tname ")).unwrap(), "name");
    }

    #[test]
    fn bad_base64_is_refused() {
        let flawed = [
            "=?base64?YQ=?=",
            "=?base64?YQ?=",
            "=?base64?YR==?=",
            "=?base64?Y Q==?=",
            "=?base64?_w==?=",
            "=?base64?/w==?=",
            "=?base64?=",
        ];
        for text in flawed {
            assert_eq!(decode(&header(text)), Err(BadEncoding), "{text}");
        }
        assert_eq!(decode(&HeaderValue::from_bytes(b"caf\xe9").unwrap()), Err(BadEncoding));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in prop_oneof![
            any::<String>(),
            "[ -~\t]{0,12}",
            "[A-Za-z0-9=?]{0,8}".prop_map(|inner| format!("=?base64?{inner}?=")),
        ]) {
            assert_eq!(decode(&encode(&text)).unwrap(), text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = decode(&value);
            }
        }
    }
}

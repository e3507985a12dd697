//! The trace that a call belongs to, as its client says (W3C Trace Context): recorded, and passed on to servers over HTTP.
//!
//! `_meta.traceparent` goes before the header of the same name, and stays in the body as it came. What is not well-formed is
//! not passed on.

use ::http::{HeaderMap, HeaderName, HeaderValue};

use crate::gate::exchange::Exchange;
use crate::mcp::json::string;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Trace Context 3.3.1.5 asks for at least this many bytes.
const MAX_STATE: usize = 512;

/// The headers of a request, checked.
#[derive(Debug, Default)]
pub(super) struct Trace {
    parent: Option<HeaderValue>,
    state: Option<HeaderValue>,
}

impl Trace {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(parent) = headers.get(&TRACEPARENT).filter(|value| id(value.as_bytes()).is_some()) else {
            return Self::default();
        };
        Self {
            parent: Some(parent.clone()),
            state: headers
                .get(&TRACESTATE)
                .filter(|state| state.len() <= MAX_STATE)
                .cloned(),
        }
    }

    /// For a server over HTTP.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let parent = self.parent.clone().map(|value| (TRACEPARENT, value));
        parent
            .into_iter()
            .chain(self.state.clone().map(|value| (TRACESTATE, value)))
    }
}

/// The trace's id: 32 hexadecimal digits.
pub(super) fn trace_id(exchange: &Exchange<'_>) -> Option<String> {
    let meta = exchange.params().and_then(|params| params.meta.as_ref());
    let told = meta.and_then(|meta| string(exchange.body, meta.traceparent?));
    match told {
        Some(told) => id(told.as_bytes()).map(str::to_owned),
        None => id(exchange.request.trace.parent.as_ref()?.as_bytes()).map(str::to_owned),
    }
}

/// `00-TRACE-SPAN-FLAGS`; of later versions the same beginning (Trace Context 3.2.2). An id of zeros is none.
fn id(parent: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(parent).ok()?;
    let mut parts = text.split('-');
    let mut next = |length: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (part.len() == length && is_hex).then_some(part)
    };
    let (version, trace, span, _flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let is_something = |id: &str| id.bytes().any(|byte| byte != b'0');
    let fits = version != "ff" && (version != "00" || text.len() == 55);
    (fits && is_something(trace) && is_something(span)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_parent_has_an_id() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let whole = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(id(whole.as_bytes()), Some(trace));
        assert_eq!(
            id(format!("cc-{trace}-00f067aa0ba902b7-01-more").as_bytes()),
            Some(trace)
        );
        for wrong in [
            "",
            "00",
            &whole.replace("00-4", "ff-4"),
            &format!("{whole}-more"),
            &whole.to_uppercase(),
            &whole.replace(trace, &"0".repeat(32)),
            &whole.replace("00f067aa0ba902b7", &"0".repeat(16)),
        ] {
            assert_eq!(id(wrong.as_bytes()), None, "{wrong}");
        }
    }
}

//! W3C Trace Context: what a client says of its trace, and what a server is told.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// `tracestate` beyond this length is not passed on, in bytes. Trace Context 3.3.1.5 asks for at least as much.
const MAX_STATE: usize = 512;

/// Where a trace comes from: a well-formed `traceparent`, and its `tracestate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parent {
    text: String,
    state: Option<String>,
}

/// Where a trace goes on: what a server is told, as `traceparent` and `tracestate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Context {
    pub traceparent: String,
    pub tracestate: Option<String>,
}

impl Parent {
    /// `None` for what is not `00-TRACE-SPAN-FLAGS`, or the same beginning in a later version (Trace Context 3.2.2). An id of
    /// zeros is none.
    pub fn new(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        parts(traceparent)?;
        Some(Self {
            text: traceparent.to_owned(),
            state: tracestate
                .filter(|state| state.len() <= MAX_STATE && is_plain(state))
                .map(str::to_owned),
        })
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.text.get(3..35).unwrap_or_default()
    }

    /// As it came.
    pub fn context(&self) -> Context {
        Context {
            traceparent: self.text.clone(),
            tracestate: self.state.clone(),
        }
    }

    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    pub(super) fn span_context(&self) -> SpanContext {
        let Some((trace, span, flags)) = parts(&self.text) else {
            return SpanContext::empty_context();
        };
        let id = |trace| TraceId::from_hex(trace).unwrap_or(TraceId::INVALID);
        let flags = u8::from_str_radix(flags, 16).unwrap_or_default();
        SpanContext::new(
            id(trace),
            SpanId::from_hex(span).unwrap_or(SpanId::INVALID),
            // Of the other bits this version knows none (3.2.2.5).
            TraceFlags::new(flags) & TraceFlags::SAMPLED,
            true,
            // What others say of the trace to one another goes to servers as it came, and is nothing for the gateway's own collector: anything
            // can stand in it.
            TraceState::default(),
        )
    }
}

impl Context {
    pub(super) fn of(span: &SpanContext, parent: Option<&Parent>) -> Self {
        Self {
            traceparent: format!(
                "00-{}-{}-{:02x}",
                span.trace_id(),
                span.span_id(),
                span.trace_flags().to_u8()
            ),
            tracestate: parent.and_then(Parent::state).map(str::to_owned),
        }
    }
}

/// The trace's id, the span's, the flags.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.split('-');
    let mut next = |length: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (part.len() == length && is_hex).then_some(part)
    };
    let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let is_something = |id: &str| id.bytes().any(|byte| byte != b'0');
    let fits = version != "ff" && (version != "00" || text.len() == 55) && text.len() <= MAX_STATE && is_plain(text);
    (fits && is_something(trace) && is_something(span)).then_some((trace, span, flags))
}

/// May stand in a header, and in a JSON string unescaped.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_parent_has_an_id() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let whole = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(Parent::new(&whole, None).unwrap().trace_id(), trace);
        assert_eq!(
            Parent::new(&format!("cc-{trace}-00f067aa0ba902b7-01-more"), None)
                .unwrap()
                .trace_id(),
            trace
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
            assert_eq!(Parent::new(wrong, None), None, "{wrong}");
        }
    }

    #[test]
    fn a_state_that_is_long_or_strange_is_not_passed_on() {
        let whole = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let state = |state: &str| Parent::new(whole, Some(state)).unwrap().context().tracestate;
        assert_eq!(state("rojo=1").as_deref(), Some("rojo=1"));
        assert_eq!(state(&"x".repeat(MAX_STATE + 1)), None);
        assert_eq!(state("rojo=\"1\""), None);
        assert_eq!(state("rojo=1\nx"), None);
    }
}

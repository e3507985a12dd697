//! The trace that a request belongs to (W3C Trace Context): from its client, into the record, to the server.
//!
//! `_meta.traceparent` goes before the header of the same name: the body is the message, headers only carry it. What is not
//! well-formed counts as absent. A server is told in both places, `_meta` being the only one that a command has: of the
//! gateway's own span where traces are on, else of the client's, whose bytes then stay as they came.

use std::time::SystemTime;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use crate::gate::error::Error;
use crate::gate::exchange::{Client, Request};
use crate::mcp::Method;
use crate::mcp::edit::Edits;
use crate::mcp::envelope::{Message, Meta};
use crate::mcp::json::{quote, string};
use crate::name::Principal;
use crate::snapshot::access::{ObjectKind, Permit};
use crate::telemetry::{Context, Parent, Span};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What an HTTP request says besides its messages.
#[derive(Debug, Default)]
pub(super) struct Trace {
    parent: Option<Parent>,
    /// Where traces are on.
    begun: Option<SystemTime>,
}

/// What one message belongs to, and the gateway's span of it.
#[derive(Clone, Default)]
pub(super) struct Traced {
    parent: Option<Parent>,
    is_in_meta: bool,
    pub(super) span: Span,
}

/// What a server is told of the trace.
pub(super) struct Told(Context);

impl Trace {
    pub(super) fn of(headers: &HeaderMap, begun: Option<SystemTime>) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            parent: text(&TRACEPARENT).and_then(|parent| Parent::new(parent, text(&TRACESTATE))),
            begun,
        }
    }
}

impl Traced {
    /// Of a request that was read, and nothing more is known of.
    pub(super) fn begin(request: &Request, body: &[u8], message: &Message, method: &Method) -> Self {
        let of_meta = message.params.as_ref().and_then(|params| params.meta.as_ref());
        let of_meta = of_meta.and_then(|meta| parent(meta, body));
        let is_in_meta = of_meta.is_some();
        let parent = of_meta.or_else(|| request.trace.parent.clone());
        let span = match (&request.generation.traces, request.trace.begun) {
            (Some(traces), Some(begun)) => {
                // A method that only a client has said is no name.
                let method = match method {
                    Method::Other(_) => "_OTHER",
                    known => known.as_str(),
                };
                let span = Span::of_request(traces, method.to_owned(), begun, parent.as_ref());
                span.set("mcp.method.name", method.to_owned());
                span.set("network.transport", "tcp");
                span.set("mcpgw.endpoint", request.endpoint.to_string());
                span.set(
                    "mcpgw.generation",
                    i64::try_from(request.generation.number).unwrap_or(i64::MAX),
                );
                span.set(
                    "mcpgw.principal.kind",
                    match request.identity.caller.principal {
                        Principal::Anonymous => "anonymous",
                        Principal::Service(_) => "service",
                        Principal::User(_) => "user",
                    },
                );
                span
            }
            _ => Span::default(),
        };
        Self {
            parent,
            is_in_meta,
            span,
        }
    }

    /// The trace's id, for the record: 32 hexadecimal digits.
    pub(super) fn id(&self) -> Option<String> {
        let of_client = || self.parent.as_ref().map(|parent| parent.trace_id().to_owned());
        self.span.trace_id().or_else(of_client)
    }

    pub(super) fn speaks(&self, client: &Client) {
        if self.span.is_on() {
            let version = match client {
                Client::Legacy(session) => session.version,
                Client::Modern(_) => crate::mcp::Version::NEWEST,
            };
            self.span.set("mcp.protocol.version", version.as_str());
        }
    }

    /// Of a call that may be made: names what is called, and begins the span of what the server does.
    pub(super) fn call(&self, method: &Method, permit: &Permit) -> Span {
        if !self.span.is_on() {
            return Span::default();
        }
        let method = method.as_str();
        // URIs may name people.
        let named = match permit.kind() {
            ObjectKind::Tool => Some("gen_ai.tool.name"),
            ObjectKind::Prompt => Some("gen_ai.prompt.name"),
            ObjectKind::Resource => None,
        };
        let title = named.map_or_else(|| method.to_owned(), |_| format!("{method} {}", permit.name()));
        let call = self.span.call(title.clone());
        self.span.rename(title);
        call.set("mcp.method.name", method.to_owned());
        for span in [&self.span, &call] {
            span.set("mcpgw.server", permit.server().to_string());
            if let Some(key) = named {
                span.set(key, permit.name().to_string());
            }
            if permit.kind() == ObjectKind::Tool {
                span.set("gen_ai.operation.name", "execute_tool");
            }
        }
        call
    }

    /// The answer is an error of the gateway.
    pub(super) fn refused(&self, error: &Error) {
        if self.span.is_on() {
            self.span.set("rpc.response.status_code", error.code.to_string());
            self.span.fail(error.code.to_string());
            self.span.outcome("refused");
        }
    }

    /// What the server of `call` is told; `None` where there is no trace.
    pub(super) fn told(&self, call: &Span) -> Option<Told> {
        let of_client = || self.parent.as_ref().map(Parent::context);
        call.context().or_else(of_client).map(Told)
    }

    /// Does the body say it already, as the client sent it?
    pub(super) fn is_said(&self) -> bool {
        self.is_in_meta && !self.span.is_on()
    }
}

impl Told {
    /// For a server over HTTP.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let pair = |name, value: &str| Some((name, HeaderValue::from_str(value).ok()?));
        let parent = pair(TRACEPARENT, &self.0.traceparent);
        let state = self.0.tracestate.as_deref().and_then(|state| pair(TRACESTATE, state));
        parent.into_iter().chain(state)
    }

    /// Puts it into a `_meta` that there is.
    pub(super) fn put(&self, meta: &Meta, edits: &mut Edits) {
        let mut say = |span, key, value: &str| match span {
            Some(span) => edits.replace(span, quote(value)),
            None => edits.insert_member(meta.span, format!("\"{key}\":{}", quote(value))),
        };
        say(meta.traceparent, "traceparent", &self.0.traceparent);
        if let Some(state) = &self.0.tracestate {
            say(meta.tracestate, "tracestate", state);
        }
    }

    /// The members of a `_meta` that there is not yet.
    pub(super) fn members(&self) -> Bytes {
        let mut members = format!("\"traceparent\":{}", quote(&self.0.traceparent));
        if let Some(state) = &self.0.tracestate {
            members = format!("{members},\"tracestate\":{}", quote(state));
        }
        members.into()
    }
}

fn parent(meta: &Meta, body: &[u8]) -> Option<Parent> {
    let told = string(body, meta.traceparent?)?;
    let state = meta.tracestate.and_then(|state| string(body, state));
    Parent::new(&told, state.as_deref())
}

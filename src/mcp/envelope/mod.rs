//! One scan of one JSON-RPC message: what it is, and where the parts lie that the gateway decides by.
//!
//! What is checked here must be what the server reads. So each key that is read may stand there once only, however it
//! is written (`"n\u0061me"`), and never beside a look-alike that a case-blind reader would take for it (`"Name"`).
//! The body's other bytes are checked to be JSON and are not looked at.

mod error;
mod slots;

use crate::mcp::envelope::slots::Slots;
use crate::mcp::json::scan::Scanner;
use crate::mcp::json::{JsonError, Member, Span, string};
use crate::mcp::method::Method;

pub use crate::mcp::envelope::error::{EnvelopeError, Reason};

/// Messages that one array may hold (2025-03-26 only).
pub const MAX_BATCH: usize = 100;

/// Keys of `_meta` that belong to the protocol, not to the parties.
pub const RESERVED: &str = "io.modelcontextprotocol/";

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    pub whole: Span,
    pub kind: Kind,
    pub params: Option<Params>,
}

/// Ids are raw JSON: a string or an integer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    Request {
        id: Span,
        method: Method,
    },
    Notification {
        method: Method,
    },
    /// Exactly one of `result` and `error` is there. An error may have `"id": null`: it answers what could not be read.
    Response {
        id: Option<Span>,
        result: Option<Span>,
        error: Option<Span>,
    },
}

/// The raw values of the members of `params` that some method is decided by. Their types are not checked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Params {
    pub span: Span,
    pub name: Option<Span>,
    pub uri: Option<Span>,
    pub arguments: Option<Span>,
    pub cursor: Option<Span>,
    pub level: Option<Span>,
    /// `ref`
    pub reference: Option<Span>,
    pub argument: Option<Span>,
    pub context: Option<Span>,
    pub request_id: Option<Span>,
    pub progress_token: Option<Span>,
    pub protocol_version: Option<Span>,
    pub capabilities: Option<Span>,
    pub client_info: Option<Span>,
    pub notifications: Option<Span>,
    pub input_responses: Option<Span>,
    pub request_state: Option<Span>,
    pub task: Option<Span>,
    pub task_id: Option<Span>,
    pub meta: Option<Meta>,
}

/// The raw values of the members of `params._meta` that the protocol defines.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Meta {
    pub span: Span,
    /// `io.modelcontextprotocol/protocolVersion`
    pub claim: Option<Span>,
    pub client_capabilities: Option<Span>,
    pub client_info: Option<Span>,
    pub log_level: Option<Span>,
    pub subscription_id: Option<Span>,
    pub progress_token: Option<Span>,
    pub traceparent: Option<Span>,
    pub tracestate: Option<Span>,
    /// All members under [`RESERVED`], also unknown ones, in order: what is taken out for a legacy server.
    pub reserved: Vec<Member>,
}

/// Reads one message that is the whole body.
pub fn read(body: &[u8]) -> Result<Message, EnvelopeError> {
    let mut scanner = Scanner::new(body)?;
    match scanner.peek() {
        Some(b'{') => {}
        Some(b'[') => return Err(EnvelopeError::Batch),
        _ => {
            scanner.value(0)?;
            scanner.end()?;
            return Err(Reason::NotAnObject.without_id());
        }
    }
    let mut flaws = Flaws(None);
    let mut top = Slots::new(&["jsonrpc", "id", "method", "result", "error", "params"]);
    let mut params = None;
    let whole = scanner.object(|scanner, key| {
        let slot = flaws.note(top.find(body, key));
        let value = if top.is(slot, "params") && scanner.peek() == Some(b'{') {
            read_params(body, scanner, &mut flaws, params.insert(Params::default()))?
        } else {
            scanner.value(1)?
        };
        top.fill(slot, value);
        Ok(())
    })?;
    scanner.end()?;
    let [version, id, method, result, error, params_span] = top.values;
    if params_span.is_some() && params.is_none() {
        flaws.add(Reason::Params);
    }
    // Judged last, so that the answer to a bad message can name its id, wherever that stands.
    let reply_to = id.filter(|id| is_id(id.of(body)));
    let refuse = |reason| EnvelopeError::NotJsonRpc { id: reply_to, reason };
    if let Some(flaw) = flaws.0 {
        return Err(refuse(flaw));
    }
    if version.and_then(|version| string(body, version)).as_deref() != Some("2.0") {
        return Err(refuse(Reason::Version));
    }
    let kind = match (method, result, error) {
        (Some(method), None, None) => {
            let method = string(body, method).ok_or_else(|| refuse(Reason::Method))?;
            let method = Method::parse(&method);
            match (id, reply_to) {
                (None, _) => Kind::Notification { method },
                (Some(_), Some(id)) => Kind::Request { id, method },
                (Some(_), None) => return Err(refuse(Reason::Id)),
            }
        }
        (None, Some(_), None) if reply_to.is_none() => return Err(refuse(Reason::Id)),
        (None, None, Some(_)) if reply_to.is_none() && id.is_some_and(|id| id.of(body) != b"null") => {
            return Err(refuse(Reason::Id));
        }
        (None, Some(_), None) | (None, None, Some(_)) => Kind::Response {
            id: reply_to,
            result,
            error,
        },
        _ => return Err(refuse(Reason::Kind)),
    };
    Ok(Message { whole, kind, params })
}

/// The messages of an array, each to be given to [`read`] on its own. An empty one is invalid (JSON-RPC 2.0 §6).
pub fn read_batch(body: &[u8]) -> Result<Vec<Span>, EnvelopeError> {
    let mut scanner = Scanner::new(body)?;
    if !scanner.take(b'[') {
        return Err(Reason::NotAnArray.without_id());
    }
    let mut messages = Vec::new();
    while scanner.element(messages.is_empty())? {
        if messages.len() == MAX_BATCH {
            return Err(Reason::BatchTooLong.without_id());
        }
        messages.push(scanner.value(1)?);
    }
    scanner.end()?;
    if messages.is_empty() {
        Err(Reason::BatchEmpty.without_id())
    } else {
        Ok(messages)
    }
}

impl Message {
    pub fn id(&self) -> Option<Span> {
        match self.kind {
            Kind::Request { id, .. } => Some(id),
            Kind::Notification { .. } => None,
            Kind::Response { id, .. } => id,
        }
    }

    pub fn method(&self) -> Option<&Method> {
        match &self.kind {
            Kind::Request { method, .. } | Kind::Notification { method } => Some(method),
            Kind::Response { .. } => None,
        }
    }
}

/// The first thing that is wrong; the scan goes on to its end all the same.
struct Flaws(Option<Reason>);

impl Flaws {
    fn add(&mut self, reason: Reason) {
        self.0.get_or_insert(reason);
    }

    fn note(&mut self, found: Result<Option<usize>, Reason>) -> Option<usize> {
        found.unwrap_or_else(|reason| {
            self.add(reason);
            None
        })
    }
}

/// Filled in place: it is large, and moving it costs as much as reading a short message.
fn read_params(
    body: &[u8],
    scanner: &mut Scanner<'_>,
    flaws: &mut Flaws,
    params: &mut Params,
) -> Result<Span, JsonError> {
    let mut slots = Slots::new(&[
        "name",
        "uri",
        "arguments",
        "cursor",
        "level",
        "ref",
        "argument",
        "context",
        "requestId",
        "progressToken",
        "protocolVersion",
        "capabilities",
        "clientInfo",
        "notifications",
        "inputResponses",
        "requestState",
        "task",
        "taskId",
        "_meta",
    ]);
    params.span = scanner.object(|scanner, key| {
        let slot = flaws.note(slots.find(body, key));
        let value = if slots.is(slot, "_meta") && scanner.peek() == Some(b'{') {
            read_meta(body, scanner, flaws, params.meta.insert(Meta::default()))?
        } else {
            scanner.value(2)?
        };
        slots.fill(slot, value);
        Ok(())
    })?;
    let meta_span;
    [
        params.name,
        params.uri,
        params.arguments,
        params.cursor,
        params.level,
        params.reference,
        params.argument,
        params.context,
        params.request_id,
        params.progress_token,
        params.protocol_version,
        params.capabilities,
        params.client_info,
        params.notifications,
        params.input_responses,
        params.request_state,
        params.task,
        params.task_id,
        meta_span,
    ] = slots.values;
    if meta_span.is_some() && params.meta.is_none() {
        flaws.add(Reason::Meta);
    }
    Ok(params.span)
}

fn read_meta(body: &[u8], scanner: &mut Scanner<'_>, flaws: &mut Flaws, meta: &mut Meta) -> Result<Span, JsonError> {
    let mut slots = Slots::new(&[
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientCapabilities",
        "io.modelcontextprotocol/clientInfo",
        "io.modelcontextprotocol/logLevel",
        "io.modelcontextprotocol/subscriptionId",
        "progressToken",
        "traceparent",
        "tracestate",
    ]);
    meta.span = scanner.object(|scanner, key| {
        let slot = flaws.note(slots.find(body, key));
        let member = Member {
            key,
            value: scanner.value(3)?,
        };
        slots.fill(slot, member.value);
        if is_reserved(body, member) {
            meta.reserved.push(member);
        }
        Ok(())
    })?;
    [
        meta.claim,
        meta.client_capabilities,
        meta.client_info,
        meta.log_level,
        meta.subscription_id,
        meta.progress_token,
        meta.traceparent,
        meta.tracestate,
    ] = slots.values;
    Ok(meta.span)
}

fn is_reserved(body: &[u8], member: Member) -> bool {
    let raw = member.key.of(body);
    raw.get(1..).is_some_and(|raw| raw.starts_with(RESERVED.as_bytes()))
        || raw.contains(&b'\\') && member.key_str(body).is_some_and(|key| key.starts_with(RESERVED))
}

/// MCP: a string or an integer, never null. `1.0` and `1e3` are refused, since readers write them back differently.
fn is_id(raw: &[u8]) -> bool {
    match raw.first() {
        Some(b'"') => true,
        Some(b'-' | b'0'..=b'9') => !raw.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

//! What the audit log is told of a call: before it is sent to a server, and before its answer is complete for the client.
//!
//! [`begin`] returns when the opening line is written. The closing line is written when the answer has ended and before its
//! last piece goes out; who is dropped before that was cancelled. With `on-failure = "refuse"` a call that cannot be recorded
//! is not sent, and an answer that cannot be is not given.

use std::collections::BTreeMap;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use jiff::Timestamp;

use crate::audit::{Line, Log, MAX_PAYLOAD, Slot, Written};
use crate::gate::Gate;
use crate::gate::counters::{Outcome, Running};
use crate::gate::error::Error;
use crate::gate::exchange::{Client, Exchange};
use crate::gate::view::View;
use crate::mcp::Method;
use crate::mcp::json::{self, Span, string};
use crate::mcp::result::Seen;
use crate::name::{PiiName, ServerName};
use crate::pii::{Counts, Direction, Redactor};
use crate::snapshot::access::{ObjectKind, Permit};
use crate::snapshot::{Audit, AuditFailure, AuditPayloads, Pii, Snapshot};
use crate::telemetry;
use crate::text::{floor, safe};

/// Of what a client says its name and version are, in bytes.
const MAX_CLIENT: usize = 128;
/// Of a name that somebody asked for and there is not, in bytes.
const MAX_NAME: usize = 1024;

/// How calls are recorded in one generation.
#[derive(Debug)]
pub struct Recording {
    log: Arc<Log>,
    /// A call that cannot be recorded is not made.
    required: bool,
    payloads: Payloads,
}

/// What of arguments and answers is recorded.
#[derive(Debug)]
enum Payloads {
    Full,
    None,
    /// With what each filter redacts in either direction; where there is none, with all that is personal by itself.
    Redacted {
        filters: BTreeMap<PiiName, Redactor>,
        otherwise: Redactor,
    },
}

/// A call whose opening line is written.
pub(super) struct Recorded {
    /// Of the request, until its answer has ended.
    span: telemetry::Span,
    /// Of what the server does.
    pub(super) call: telemetry::Span,
    running: Running,
    closing: Option<Closing>,
    answer: Payload,
    /// On the way to the client.
    redacted: Redactions,
    gate: Arc<Gate>,
}

/// How many values of which type were redacted.
#[derive(Debug, Default)]
pub(super) struct Redactions(BTreeMap<String, u64>);

struct Closing {
    rule: Rule,
    required: bool,
    slot: Slot,
    /// Who, what, where: the same in both lines.
    subject: Line,
}

/// The message that is the answer, as it goes to the client; no more of it is kept than may be recorded.
#[derive(Default)]
struct Payload {
    pieces: Vec<Bytes>,
    length: u64,
}

/// What of a payload of one call is recorded.
enum Rule {
    Full,
    None,
    Redacted(Redactor),
}

/// The closing line on its way.
pub(super) struct Closed {
    written: Written,
    required: bool,
}

/// The call cannot be recorded, and so is not made, or not answered.
#[derive(Debug)]
pub(super) struct Unrecorded;

impl Recording {
    /// As the snapshot's `[gateway.audit]` says. The error names a filter that does not compile.
    pub fn new(snapshot: &Snapshot, log: Arc<Log>) -> Result<Self, String> {
        let table = snapshot.gateway.audit.clone().unwrap_or_else(Audit::off);
        Ok(Self {
            log,
            required: table.on_failure == AuditFailure::Refuse,
            payloads: match table.payloads {
                AuditPayloads::Full => Payloads::Full,
                AuditPayloads::None => Payloads::None,
                AuditPayloads::Redacted => Payloads::redacted(snapshot)?,
            },
        })
    }

    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }
}

impl Payloads {
    fn redacted(snapshot: &Snapshot) -> Result<Self, String> {
        let redactor = |name: &str, table: &Pii| {
            Redactor::new(table, Direction::Response).map_err(|error| format!("`[pii.{name}]`: {error}"))
        };
        let filters = snapshot
            .pii
            .iter()
            .map(|(name, table)| Ok((name.clone(), redactor(name.as_str(), &both(table))?)))
            .collect::<Result<_, String>>()?;
        Ok(Self::Redacted {
            filters,
            otherwise: Redactor::strict(),
        })
    }

    fn rule(&self, exchange: &Exchange<'_>, server: Option<&ServerName>) -> Rule {
        match self {
            Self::Full => Rule::Full,
            Self::None => Rule::None,
            Self::Redacted { filters, otherwise } => {
                let request = exchange.request;
                let filter = request.generation.snapshot.filter(&request.endpoint, server);
                let own = filter.and_then(|name| filters.get(name));
                Rule::Redacted(own.unwrap_or(otherwise).clone())
            }
        }
    }
}

/// What is redacted in one direction is not to be read in the log of the other. Masked: the log gives nothing back.
fn both(table: &Pii) -> Pii {
    let mut types = table.responses.clone();
    types.extend(
        table
            .requests
            .iter()
            .filter(|kind| !table.responses.contains(kind))
            .cloned(),
    );
    Pii {
        requests: Vec::new(),
        responses: types,
        reversible: false,
        restore_to: Vec::new(),
        ..table.clone()
    }
}

/// Writes the opening line of a call that may be made.
pub(super) async fn begin(
    exchange: &Exchange<'_>,
    permit: &Permit,
    redacted: Redactions,
    running: Running,
) -> Result<Recorded, Unrecorded> {
    let gate = &exchange.request.gate;
    gate.counters.redacted("request", &redacted);
    let recording = &exchange.request.generation.recording;
    let mut recorded = Recorded {
        span: exchange.traced.span.clone(),
        call: exchange.traced.call(exchange.method, permit),
        closing: None,
        answer: Payload::default(),
        redacted: Redactions::default(),
        gate: Arc::clone(gate),
        running,
    };
    if recording.log.is_none() {
        return Ok(recorded);
    }
    let subject = who(Line::part().text("call", &recording.log.call()), exchange)
        .text("server", permit.server().as_str())
        .text(key(permit.kind()), permit.name());
    let opening = asked(Line::new("call", Timestamp::now()).with(&subject), exchange)
        .text("decision", "allowed")
        .text("rule", &permit.rule().to_string());
    let rule = recording.payloads.rule(exchange, Some(permit.server()));
    let opening = redacted.put(arguments(opening, exchange, &rule));
    let written = async {
        let slot = recording.log.reserve().await?;
        recording.log.write(opening).await.map(|()| slot)
    };
    match written.await {
        Ok(slot) => {
            recorded.closing = Some(Closing {
                rule,
                required: recording.required,
                slot,
                subject,
            });
        }
        Err(error) if recording.required => {
            tracing::debug!(%error, "a call is refused: it cannot be recorded");
            recorded.running.end(Outcome::Refused);
            return Err(Unrecorded);
        }
        Err(_) => {}
    }
    Ok(recorded)
}

/// Writes the one line of a call that is not made: no such thing for this caller, against a rule, or over a limit.
pub(super) async fn refused(
    exchange: &Exchange<'_>,
    view: &View,
    status: &str,
    reason: &str,
) -> Result<(), Unrecorded> {
    let recording = &exchange.request.generation.recording;
    if recording.log.is_none() {
        return Ok(());
    }
    let line = Line::new("denied", Timestamp::now()).text("call", &recording.log.call());
    let (line, server) = sought(who(line, exchange), exchange, view);
    let line = asked(line, exchange)
        .text("decision", status)
        .text("status", status)
        .text("reason", &safe(reason));
    let rule = recording.payloads.rule(exchange, server);
    let written = recording.log.write(arguments(line, exchange, &rule)).await;
    if written.is_err() && recording.required {
        return Err(Unrecorded);
    }
    Ok(())
}

impl Unrecorded {
    pub(super) fn before_the_call() -> Error {
        Error::internal("this call cannot be recorded now, so it was not made")
    }

    /// Nobody may take this for a call that did not happen.
    pub(super) const AFTER_THE_CALL: &str =
        "the call was made, but its answer cannot be recorded now, so it is not given";
}

impl Recorded {
    /// Is there a closing line to come?
    pub(super) fn is_open(&self) -> bool {
        self.closing.is_some()
    }

    /// A piece of the answer's message that goes to the client.
    pub(super) fn note(&mut self, piece: &Bytes) {
        if self.closing.is_some() {
            self.answer.add(piece);
        }
    }

    pub(super) fn note_all<'a>(&mut self, pieces: impl IntoIterator<Item = &'a Bytes>) {
        for piece in pieces {
            self.note(piece);
        }
    }

    /// What `redactor` has found in what goes to the client.
    pub(super) fn redacted(&mut self, counts: &Counts, redactor: &Redactor) {
        self.redacted.add(counts, redactor);
    }

    /// The server has answered; `seen` is what with.
    pub(super) fn answered(&mut self, seen: &Seen) -> Closed {
        let is_error = seen.is_error || seen.error_code.is_some();
        for span in [&self.span, &self.call] {
            if let Some(code) = seen.error_code {
                span.set("rpc.response.status_code", code.to_string());
                span.fail(code.to_string());
            } else if seen.is_error {
                span.fail("tool_error");
            }
        }
        self.close(if is_error { Outcome::Error } else { Outcome::Answered }, None)
    }

    /// The server could not be reached, did not answer in time, or broke the protocol.
    pub(super) fn failed(&mut self, reason: &str) -> Closed {
        self.close(Outcome::Failed, Some(reason))
    }

    /// Not sent: the session that was to run it does not list what was reviewed.
    pub(super) fn held_back(&mut self, reason: &str) -> Closed {
        self.close(Outcome::HeldBack, Some(reason))
    }

    fn close(&mut self, outcome: Outcome, reason: Option<&str>) -> Closed {
        self.running.end(outcome);
        self.end_spans(outcome);
        match self.closing_line(outcome, reason) {
            None => Closed::nothing(),
            Some((slot, line, required)) => Closed {
                written: slot.write(line),
                required,
            },
        }
    }

    fn end_spans(&self, outcome: Outcome) {
        for span in [&self.call, &self.span] {
            if !matches!(outcome, Outcome::Answered | Outcome::Error | Outcome::Cancelled) {
                span.fail(outcome.as_str());
            }
            span.outcome(outcome.as_str());
        }
        self.call.end();
    }

    fn closing_line(&mut self, outcome: Outcome, reason: Option<&str>) -> Option<(Slot, Line, bool)> {
        let redacted = std::mem::take(&mut self.redacted);
        self.gate.counters.redacted("response", &redacted);
        let closing = self.closing.take()?;
        let mut line = Line::new("answer", Timestamp::now())
            .with(&closing.subject)
            .text("status", outcome.as_str())
            .milliseconds("duration-ms", self.running.elapsed())
            .number("response-bytes", self.answer.length);
        line = redacted.put(line);
        if let Some(reason) = reason {
            line = line.text("reason", reason);
        } else if outcome != Outcome::Cancelled {
            line = std::mem::take(&mut self.answer).put(line, "response", &closing.rule);
        }
        Some((closing.slot, line, closing.required))
    }
}

/// Nobody waits for the answer any more.
impl Drop for Recorded {
    fn drop(&mut self) {
        self.end_spans(Outcome::Cancelled);
        if self.closing.is_some()
            && let Some((slot, line, _)) = self.closing_line(Outcome::Cancelled, None)
        {
            slot.leave(line);
        }
    }
}

impl Redactions {
    pub(super) fn add(&mut self, counts: &Counts, redactor: &Redactor) {
        for (kind, count) in counts.kinds() {
            *self.0.entry(redactor.name(kind).to_owned()).or_default() += count;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(kind, count)| (kind.as_str(), *count))
    }

    fn put(&self, line: Line) -> Line {
        if self.0.is_empty() {
            return line;
        }
        let members: Vec<String> = self.iter().map(|(kind, count)| format!("\"{kind}\":{count}")).collect();
        line.json("redacted", [format!("{{{}}}", members.join(",")).as_bytes()])
    }
}

impl Closed {
    fn nothing() -> Self {
        Self {
            written: Written::nothing(),
            required: false,
        }
    }

    /// Ready when the line is written.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unrecorded>> {
        let required = self.required;
        Pin::new(&mut self.written).poll(cx).map(|written| match written {
            Err(error) if required => {
                tracing::debug!(%error, "an answer is held back: it cannot be recorded");
                Err(Unrecorded)
            }
            Ok(()) | Err(_) => Ok(()),
        })
    }

    pub(super) async fn written(mut self) -> Result<(), Unrecorded> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }
}

impl Payload {
    fn add(&mut self, piece: &Bytes) {
        self.length += piece.len() as u64;
        if self.length <= MAX_PAYLOAD as u64 {
            self.pieces.push(piece.clone());
        } else {
            self.pieces.clear();
        }
    }

    /// As the rule says; what is too long stays out, and its length tells of it.
    fn put(self, line: Line, key: &str, rule: &Rule) -> Line {
        if self.length == 0 || self.length > MAX_PAYLOAD as u64 {
            return line;
        }
        match rule {
            Rule::None => line,
            Rule::Full => line.json(key, self.pieces.iter().map(|piece| &piece[..])),
            Rule::Redacted(redactor) => {
                let redacted = redactor.redact(self.pieces);
                line.json(key, redacted.pieces().iter().map(|piece| &piece[..]))
            }
        }
    }
}

/// Who asks, and where.
fn who(line: Line, exchange: &Exchange<'_>) -> Line {
    let request = exchange.request;
    line.text("endpoint", request.endpoint.as_str())
        .text("principal", &request.identity.caller.principal.to_string())
}

/// How it is asked for, and under which files.
fn asked(line: Line, exchange: &Exchange<'_>) -> Line {
    let line = line
        .number("generation", exchange.request.generation.number)
        .text("method", exchange.method.as_str());
    let line = match client(exchange) {
        Some(client) => line.text("client", &client),
        None => line,
    };
    match exchange.traced.id() {
        Some(trace) => line.text("trace", &trace),
        None => line,
    }
}

/// The program that asks, as it says itself.
fn client(exchange: &Exchange<'_>) -> Option<Arc<str>> {
    match &exchange.client {
        Client::Legacy(session) => session.client.clone(),
        Client::Modern(_) => {
            let info = exchange.params()?.meta.as_ref()?.client_info?;
            client_name(exchange.body, info)
        }
    }
}

/// `clientInfo` as one short text that a terminal may show.
pub(super) fn client_name(body: &[u8], info: Span) -> Option<Arc<str>> {
    let member = |key: &str| string(body, json::find(body, info, key).ok()??);
    let name = member("name")?;
    let whole = match member("version") {
        Some(version) => format!("{name} {version}"),
        None => name.into_owned(),
    };
    let safe = safe(&whole);
    Some(safe[..floor(&safe, MAX_CLIENT)].into())
}

fn arguments(line: Line, exchange: &Exchange<'_>, rule: &Rule) -> Line {
    let line = line.number("request-bytes", exchange.body.len() as u64);
    let Some(span) = exchange.params().and_then(|params| params.arguments) else {
        return line;
    };
    let mut given = Payload::default();
    given.add(&exchange.slice(span));
    given.put(line, "arguments", rule)
}

/// What was asked for by a name that this caller does not have: where it is selected, the server and its own name.
fn sought<'a>(line: Line, exchange: &Exchange<'_>, view: &'a View) -> (Line, Option<&'a ServerName>) {
    let Some(params) = exchange.params() else {
        return (line, None);
    };
    let text = |span: Option<Span>| string(exchange.body, span?);
    let (shown, kind) = match (exchange.method, text(params.name), text(params.uri)) {
        (Method::ResourcesRead, _, Some(uri)) => (uri, ObjectKind::Resource),
        (Method::ToolsCall, Some(name), _) => (name, ObjectKind::Tool),
        (Method::PromptsGet, Some(name), _) => (name, ObjectKind::Prompt),
        _ => return (line, None),
    };
    let offer = &view.offer;
    let mut tools = offer.tools.iter().map(|tool| &tool.item);
    let offered = match kind {
        ObjectKind::Tool => tools.find(|item| *item.shown == *shown),
        ObjectKind::Prompt => offer.prompts.iter().find(|item| *item.shown == *shown),
        ObjectKind::Resource => offer.resources.iter().find(|item| *item.shown == *shown),
    };
    match offered {
        Some(item) => {
            let server = &offer.servers[item.server].name;
            let line = line.text("server", server.as_str()).text(key(kind), &item.name);
            (line, Some(server))
        }
        None => (line.text(key(kind), &shown[..floor(&shown, MAX_NAME)]), None),
    }
}

fn key(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Tool => "tool",
        ObjectKind::Prompt => "prompt",
        ObjectKind::Resource => "resource",
    }
}

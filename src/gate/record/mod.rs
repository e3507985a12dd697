//! What the audit log is told of a call: before it is sent to a server, and before its answer is complete for the client.
//!
//! [`begin`] returns when the opening line is written. The closing line is written when the answer has ended and before its
//! last piece goes out; who is dropped before that was cancelled. With `on-failure = "refuse"` a call that cannot be recorded
//! is not sent, and an answer that cannot be is not given.

mod payload;
mod subject;

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
use crate::gate::exchange::Exchange;
use crate::gate::record::payload::{Payload, Payloads, Rule};
use crate::gate::record::subject::{asked, key, name, sought, who};
use crate::gate::view::View;
use crate::mcp::result::Seen;
use crate::pii::{Counts, Redactor};
use crate::snapshot::access::Permit;
use crate::snapshot::{AuditFailure, Snapshot};
use crate::telemetry;
use crate::text::safe;

pub(super) use subject::client_name;

/// How calls are recorded in one generation.
#[derive(Debug)]
pub struct Recording {
    log: Arc<Log>,
    /// A call that cannot be recorded is not made.
    required: bool,
    payloads: Payloads,
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
        let table = &snapshot.gateway.audit;
        Ok(Self {
            log,
            required: table.on_failure == AuditFailure::Refuse,
            payloads: Payloads::new(table.payloads, snapshot)?,
        })
    }

    pub fn log(&self) -> &Arc<Log> {
        &self.log
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
    let log = &recording.log;
    let subject = who(Line::part().display("call", log.call()), exchange)
        .text("server", permit.server().as_str())
        .text(
            key(permit.kind()),
            &name(permit.kind(), permit.name(), exchange.request.generation.cover()),
        );
    let rule = recording.payloads.rule(exchange, Some(permit.server()));
    let arguments = recorded_arguments(exchange);
    let opening = Line::with_room("call", Timestamp::now(), arguments.len()).with(&subject);
    let opening = asked(opening, exchange)
        .text("decision", "allowed")
        .display("rule", permit.rule());
    let opening = redacted.put(put_arguments(opening, exchange, arguments, &rule));
    let written = async {
        let slot = log.reserve().await?;
        log.write(opening).await.map(|()| slot)
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
    let arguments = recorded_arguments(exchange);
    let line = Line::with_room("denied", Timestamp::now(), arguments.len()).display("call", recording.log.call());
    let (line, server) = sought(who(line, exchange), exchange, view);
    let line = asked(line, exchange)
        .text("decision", status)
        .text("status", status)
        .text("reason", &safe(&exchange.request.generation.cover().text(reason)));
    let rule = recording.payloads.rule(exchange, server).unpassed();
    let line = put_arguments(line, exchange, arguments, &rule);
    let written = recording.log.write(line).await;
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
        self.gate.counters.add_masked(counts.masked());
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
        let mut line = Line::with_room("answer", Timestamp::now(), self.answer.kept())
            .with(&closing.subject)
            .text("status", outcome.as_str())
            .milliseconds("duration-ms", self.running.elapsed())
            .number("response-bytes", self.answer.length());
        line = redacted.put(line);
        if let Some(reason) = reason {
            line = line.text("reason", reason);
        } else if outcome != Outcome::Cancelled && self.answer.kept() > 0 {
            line = closing.rule.put_answer(line, &self.answer);
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

/// What may be recorded of the arguments; empty where there are none, or too many bytes: their length tells of it.
fn recorded_arguments<'a>(exchange: &'a Exchange<'_>) -> &'a [u8] {
    let given = exchange.params().and_then(|params| params.arguments);
    let given = given.map(|span| span.of(exchange.body));
    given.filter(|given| given.len() <= MAX_PAYLOAD).unwrap_or_default()
}

fn put_arguments(line: Line, exchange: &Exchange<'_>, arguments: &[u8], rule: &Rule) -> Line {
    let line = line.number("request-bytes", exchange.body.len() as u64);
    if arguments.is_empty() {
        line
    } else {
        rule.put_arguments(line, arguments)
    }
}

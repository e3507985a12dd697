//! From a server's answer to the client's: JSON as it streams by, or events.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waker, Poll, ready};

use ::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body::{Body as _, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::gate::body::{Body, Broken};
use crate::gate::call::InSession;
use crate::gate::counters::{Outcome, Running};
use crate::gate::exchange::{event_response, json_response};
use crate::gate::level::{Level, level_of};
use crate::gate::pump::relay_request;
use crate::gate::session::Session;
use crate::gate::tasks::Watch;
use crate::mcp::edit::Edits;
use crate::mcp::envelope::{self, Kind, Message};
use crate::mcp::error::code;
use crate::mcp::json::Span;
use crate::mcp::result::{ResultEditor, ResultRules, Seen};
use crate::mcp::{Era, Method, sse};
use crate::pii::{Redaction, Redactor};
use crate::upstream::{Failure, JsonBody, Link, Messages, Reply};

/// A result that must be changed is held back up to this size, so that it goes out with a length and the right status.
const MAX_HELD: usize = 256 * 1024;

/// Events that are gathered go out at this length, in bytes.
const MAX_GATHERED: usize = 64 * 1024;
/// Turns for the server's connection before gathered events go out without more.
const TURNS: u8 = 2;

/// What a client is told when a server sends something that is not JSON-RPC.
const INVALID_ANSWER: &str = "the server's answer is not valid";

/// What an answer needs to know of its call.
pub(super) struct Context {
    pub(super) watch: Option<Watch>,
    /// Of the way to the client.
    pub(super) redactor: Redactor,
    pub(super) rules: Option<ResultRules>,
    pub(super) client: Era,
    pub(super) level: Option<Level>,
    pub(super) session: Option<Arc<Session>>,
    pub(super) id: Bytes,
    pub(super) link: Link,
    pub(super) running: Running,
    pub(super) in_session: Option<InSession>,
    pub(super) cancelled: Option<CancellationToken>,
}

/// A JSON result on its way.
pub(super) struct JsonReply {
    body: JsonBody,
    editor: Option<ResultEditor>,
    /// Where something may be redacted.
    redaction: Option<Redaction>,
    /// The editor looks, and changes an id to one of the same length at most: else the announced length is missed, and
    /// the client sees that the answer is not whole.
    keeps_length: bool,
    ready: VecDeque<Bytes>,
    running: Running,
    _in_session: Option<InSession>,
}

/// An event stream on its way.
pub(super) struct EventReply {
    messages: Messages,
    /// Read and not written yet; first what was read to decide that this is a stream.
    batch: Vec<Bytes>,
    /// Written and not sent yet.
    gathered: BytesMut,
    /// How often the server's connection was given a turn in vain.
    turns: u8,
    context: Context,
    cancelled: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    done: bool,
}

pub(super) async fn answer(reply: Reply, context: Context) -> Response<Body> {
    match reply {
        Reply::Json { status, body } => json(status, body, context).await,
        Reply::Messages(messages) => events(messages, context).await,
    }
}

/// The answer to a request that its client has cancelled: a stream that ends.
pub(super) fn nothing() -> Response<Body> {
    event_response(Body::empty())
}

async fn json(status: u16, body: JsonBody, mut context: Context) -> Response<Body> {
    let status = match context.client {
        Era::Legacy => StatusCode::OK,
        Era::Modern => StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
    };
    // What was read whole already costs nothing to look at; what a server has sent as JSON has its status from there.
    let is_short = body.size_hint().exact().is_some_and(|length| length <= MAX_HELD as u64);
    let looked_at = context.watch.is_some() || is_short || !context.redactor.is_none();
    let rules = context.rules.take().or_else(|| looked_at.then(ResultRules::default));
    let Some(rules) = rules.map(|rules| context.under_own_id(rules)) else {
        let reply = JsonReply {
            body,
            editor: Some(ResultEditor::new(context.under_own_id(ResultRules::default()))),
            redaction: None,
            keeps_length: true,
            ready: VecDeque::new(),
            running: context.running,
            _in_session: context.in_session,
        };
        return with_status(json_response(Body::json(reply)), status);
    };
    match hold(body, ResultEditor::new(rules)).await {
        Held::Whole(pieces, seen) => {
            context.running.end(Outcome::Answered);
            context.look(&seen, &pieces);
            if let Some(refused) = unbridged(&context, &seen) {
                return json_response(refused.into());
            }
            with_status(
                json_response(Body::pieces(context.redactor.redact(pieces).into_pieces())),
                status_of(context.client, &seen, status),
            )
        }
        Held::Longer(body, editor, held) => {
            let mut reply = JsonReply {
                body,
                editor: Some(*editor),
                redaction: (!context.redactor.is_none()).then(|| context.redactor.message()),
                keeps_length: false,
                ready: VecDeque::new(),
                running: context.running,
                _in_session: context.in_session,
            };
            reply.make_ready(held);
            json_response(Body::json(reply))
        }
        Held::Broken(detail) => broken_off(context, &detail, "the server's answer broke off"),
    }
}

enum Held {
    Whole(Vec<Bytes>, Seen),
    Longer(JsonBody, Box<ResultEditor>, Vec<Bytes>),
    Broken(String),
}

async fn hold(mut body: JsonBody, mut editor: ResultEditor) -> Held {
    let mut out = Vec::new();
    let mut length = 0;
    loop {
        match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            None => break,
            Some(Err(failure)) => return Held::Broken(failure.detail),
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                length += data.len();
                if let Err(error) = editor.feed(data, &mut out) {
                    return Held::Broken(error.to_string());
                }
            }
        }
        if length > MAX_HELD {
            return Held::Longer(body, Box::new(editor), out);
        }
    }
    match editor.finish() {
        Ok(seen) => Held::Whole(out, seen),
        Err(error) => Held::Broken(error.to_string()),
    }
}

/// MCP 2026-07-28: these errors have statuses of their own, all others travel with 200.
fn status_of(client: Era, seen: &Seen, otherwise: StatusCode) -> StatusCode {
    match (client, seen.error_code) {
        (Era::Legacy, _) => StatusCode::OK,
        (Era::Modern, Some(code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION)) => {
            StatusCode::BAD_REQUEST
        }
        (Era::Modern, Some(code::METHOD_NOT_FOUND)) => StatusCode::NOT_FOUND,
        (Era::Modern, _) => otherwise,
    }
}

/// A server that asks something back although it was told that the client cannot: that does not cross the eras yet.
fn unbridged(context: &Context, seen: &Seen) -> Option<Bytes> {
    let asks = context.client == Era::Legacy && seen.result_type.as_deref().is_some_and(|kind| kind != "complete");
    asks.then(|| {
        crate::mcp::error::response(
            Some(&context.id),
            code::INTERNAL,
            "the server asks for something that this client's protocol version cannot give",
            None,
        )
    })
}

async fn events(mut messages: Messages, mut context: Context) -> Response<Body> {
    let mut first = Vec::new();
    let more = match messages.next_batch(&mut first).await {
        Ok(more) => more,
        Err(failure) => return broken_off(context, &failure.detail, &failure.public()),
    };
    if let [only] = first.as_slice()
        && !more
    {
        return whole(only, context);
    }
    let cancelled = context.cancelled.take().map(|token| Box::pin(token.cancelled_owned()));
    event_response(Body::events(EventReply {
        messages,
        batch: first,
        gathered: BytesMut::new(),
        turns: 0,
        context,
        cancelled,
        done: !more,
    }))
}

/// The server had nothing to say but its answer: plain JSON.
fn whole(message: &Bytes, mut context: Context) -> Response<Body> {
    context.running.end(Outcome::Answered);
    let (pieces, seen) = match edit(
        message,
        Some(context.under_own_id(context.rules.clone().unwrap_or_default())),
    ) {
        Ok(edited) => edited,
        Err(detail) => {
            return broken_off(context, &detail, INVALID_ANSWER);
        }
    };
    context.look(&seen, &pieces);
    if let Some(refused) = unbridged(&context, &seen) {
        return json_response(refused.into());
    }
    with_status(
        json_response(Body::pieces(context.redactor.redact(pieces).into_pieces())),
        status_of(context.client, &seen, StatusCode::OK),
    )
}

fn edit(message: &Bytes, rules: Option<ResultRules>) -> Result<(Vec<Bytes>, Seen), String> {
    let mut editor = ResultEditor::new(rules.unwrap_or_default());
    let mut out = Vec::new();
    editor
        .feed(message.clone(), &mut out)
        .map_err(|error| error.to_string())?;
    let seen = editor.finish().map_err(|error| error.to_string())?;
    Ok((out, seen))
}

fn broken_off(mut context: Context, detail: &str, public: &str) -> Response<Body> {
    tracing::warn!(detail, "a server's answer broke off");
    context.running.end(Outcome::Failed);
    json_response(crate::mcp::error::response(Some(&context.id), code::INTERNAL, public, None).into())
}

fn with_status(mut answer: Response<Body>, status: StatusCode) -> Response<Body> {
    *answer.status_mut() = status;
    answer
}

impl JsonReply {
    pub(super) fn poll_data(&mut self, cx: &mut Waker<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if let Some(data) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(data)));
            }
            let Some(editor) = &mut self.editor else {
                return Poll::Ready(None);
            };
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            match frame {
                None => {
                    let finished = self.editor.take().map_or(Ok(()), |editor| editor.finish().map(drop));
                    self.running.end(if finished.is_ok() {
                        Outcome::Answered
                    } else {
                        Outcome::Failed
                    });
                    if let Err(error) = finished {
                        return Poll::Ready(Some(Err(error.to_string().into())));
                    }
                    self.end_redaction();
                }
                Some(Err(failure)) => {
                    tracing::warn!(detail = failure.detail, "a server's answer broke off");
                    self.running.end(Outcome::Failed);
                    return Poll::Ready(Some(Err(failure.public().into())));
                }
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let mut out = Vec::new();
                    if let Err(error) = editor.feed(data, &mut out) {
                        self.running.end(Outcome::Failed);
                        return Poll::Ready(Some(Err(error.to_string().into())));
                    }
                    self.make_ready(out);
                    // hyper does not ask again once the announced length is sent.
                    if self.keeps_length && self.body.size_hint().exact() == Some(0) {
                        self.running.end(Outcome::Answered);
                    }
                }
            }
        }
    }

    fn make_ready(&mut self, pieces: Vec<Bytes>) {
        let Some(redaction) = &mut self.redaction else {
            self.ready.extend(pieces);
            return;
        };
        let mut out = Vec::new();
        for piece in pieces {
            redaction.push(&piece, &mut out);
        }
        if !out.is_empty() {
            self.ready.push_back(out.into());
        }
    }

    fn end_redaction(&mut self) {
        if let Some(redaction) = self.redaction.take() {
            let mut out = Vec::new();
            redaction.finish(&mut out);
            if !out.is_empty() {
                self.ready.push_back(out.into());
            }
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        if self.keeps_length {
            self.body.size_hint()
        } else {
            SizeHint::default()
        }
    }
}

impl EventReply {
    /// All that is ready goes out in one piece; what is not is never waited for.
    ///
    /// The connection to the server hands over one piece each time its task runs. So when nothing is there, that task
    /// gets a turn or two before what was gathered goes out: one write instead of one for each event.
    pub(super) fn poll_data(&mut self, cx: &mut Waker<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            for message in std::mem::take(&mut self.batch) {
                self.context.pass(&message, &mut self.gathered);
            }
            if self.done || self.gathered.len() >= MAX_GATHERED {
                let data = self.gathered.split().freeze();
                return Poll::Ready((!data.is_empty()).then_some(Ok(data)));
            }
            if let Some(cancelled) = &mut self.cancelled
                && cancelled.as_mut().poll(cx).is_ready()
            {
                self.done = true;
                continue;
            }
            match self.messages.poll_next_batch(cx, &mut self.batch) {
                Poll::Ready(Ok(more)) => (self.done, self.turns) = (!more, 0),
                Poll::Ready(Err(failure)) => self.break_off(&failure),
                Poll::Pending if self.gathered.is_empty() => return Poll::Pending,
                Poll::Pending if self.turns < TURNS => {
                    self.turns += 1;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {
                    self.turns = 0;
                    return Poll::Ready(Some(Ok(self.gathered.split().freeze())));
                }
            }
        }
    }

    fn break_off(&mut self, failure: &Failure) {
        tracing::warn!(detail = failure.detail, "a server's answer broke off");
        self.context.running.end(Outcome::Failed);
        self.done = true;
        let error = crate::mcp::error::response(Some(&self.context.id), code::INTERNAL, &failure.public(), None);
        sse::write(&mut self.gathered, &error);
    }
}

/// A server that answered with another id could speak for another server: clients match answers by their id alone.
fn under_id(message: &Bytes, theirs: Option<Span>, own: &Bytes) -> Bytes {
    match theirs.filter(|theirs| theirs.of(message) != own) {
        None => message.clone(),
        Some(theirs) => {
            let mut edits = Edits::default();
            edits.replace(theirs, own.clone());
            edits.apply(message).into_bytes()
        }
    }
}

impl Context {
    /// See [`under_id`].
    fn under_own_id(&self, mut rules: ResultRules) -> ResultRules {
        rules.replace_id = Some(self.id.clone());
        rules
    }

    fn look(&self, seen: &Seen, pieces: &[Bytes]) {
        if let Some(watch) = &self.watch {
            watch.look(seen, &pieces.concat());
        }
    }

    /// Writes one message of the server as an event, if it is for this client.
    fn pass(&mut self, message: &Bytes, out: &mut BytesMut) {
        let Ok(read) = envelope::read(message) else {
            tracing::warn!("a server sent something that is no JSON-RPC message");
            return;
        };
        match &read.kind {
            Kind::Response { id, .. } => self.pass_response(&under_id(message, *id, &self.id), out),
            Kind::Notification { method } if self.admits(method, message, &read) => self.tell(message, out),
            Kind::Notification { .. } => {}
            Kind::Request { .. } => {
                if let Some(asked) = relay_request(message, &read, self.session.as_ref(), &self.link) {
                    self.tell(&asked, out);
                }
            }
        }
    }

    /// Writes a message that comes from the server.
    fn tell(&self, message: &Bytes, out: &mut BytesMut) {
        if self.redactor.is_none() {
            sse::write(out, message);
        } else {
            let redacted = self.redactor.redact(vec![message.clone()]).into_bytes();
            sse::write(out, &redacted);
        }
    }

    fn pass_response(&mut self, message: &Bytes, out: &mut BytesMut) {
        self.running.end(Outcome::Answered);
        if self.rules.is_none() && self.watch.is_none() {
            self.tell(message, out);
            return;
        }
        match edit(message, self.rules.clone()) {
            Ok((_, seen)) if unbridged(self, &seen).is_some() => {
                let refused = unbridged(self, &seen).unwrap_or_default();
                sse::write(out, &refused);
            }
            Ok((pieces, seen)) => {
                self.look(&seen, &pieces);
                self.tell(&pieces.concat().into(), out);
            }
            Err(detail) => {
                tracing::warn!(detail, "a server's answer is not JSON");
                sse::write(
                    out,
                    &crate::mcp::error::response(Some(&self.id), code::INTERNAL, INVALID_ANSWER, None),
                );
            }
        }
    }

    /// Lists are announced by the gateway itself; log messages go to those who asked for them.
    fn admits(&self, method: &Method, message: &Bytes, read: &Message) -> bool {
        match method {
            Method::NotificationToolsChanged
            | Method::NotificationPromptsChanged
            | Method::NotificationResourcesChanged => false,
            Method::NotificationMessage => match (self.client, self.level) {
                (_, Some(least)) => level_of(message, read).is_none_or(|level| level >= least),
                (Era::Legacy, None) => true,
                // MCP 2026-07-28: without a level in the request there MUST NOT be log messages.
                (Era::Modern, None) => false,
            },
            _ => true,
        }
    }
}

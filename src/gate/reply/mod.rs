//! From a server's answer to the client's: JSON as it streams by, or events.

mod events;
mod json;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use ::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use tokio_util::sync::CancellationToken;

use crate::gate::body::Body;
use crate::gate::call::InSession;
use crate::gate::exchange::{event_response, json_response};
use crate::gate::filter::Filter;
use crate::gate::level::{Level, level_of};
use crate::gate::pump::relay_request;
use crate::gate::record::{Closed, Recorded, Unrecorded};
use crate::gate::session::Session;
use crate::gate::tasks::Watch;
use crate::mcp::edit::Edits;
use crate::mcp::envelope::{self, Kind, Message};
use crate::mcp::error::code;
use crate::mcp::json::Span;
use crate::mcp::result::{ResultEditor, ResultRules, Seen};
use crate::mcp::{Era, Method, sse};
use crate::upstream::{JsonBody, Link, Messages, Reply};

/// A result that must be changed is held back up to this size, so that it goes out with a length and the right status.
const MAX_HELD: usize = 256 * 1024;

/// What a client is told when a server sends something that is not JSON-RPC.
const INVALID_ANSWER: &str = "the server's answer is not valid";

/// What an answer needs to know of its call.
pub(super) struct Context {
    pub(super) watch: Option<Watch>,
    pub(super) filter: Filter,
    pub(super) rules: Option<ResultRules>,
    pub(super) client: Era,
    pub(super) level: Option<Level>,
    pub(super) session: Option<Arc<Session>>,
    pub(super) id: Bytes,
    pub(super) link: Link,
    pub(super) recorded: Recorded,
    pub(super) in_session: Option<InSession>,
    pub(super) cancelled: Option<CancellationToken>,
}

pub(in crate::gate) use events::EventReply;
pub(in crate::gate) use json::JsonReply;

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
    let looked_at = context.watch.is_some() || is_short || !context.filter.response().is_none();
    let rules = context.rules.take().or_else(|| looked_at.then(ResultRules::default));
    let Some(rules) = rules.map(|rules| context.under_own_id(rules)) else {
        let reply = JsonReply {
            body,
            editor: Some(ResultEditor::new(context.under_own_id(ResultRules::default()))),
            redaction: None,
            keeps_length: true,
            ready: VecDeque::new(),
            recorded: context.recorded,
            closed: None,
            _in_session: context.in_session,
        };
        return with_status(json_response(Body::json(reply)), status);
    };
    match hold(body, ResultEditor::new(rules)).await {
        Held::Whole(pieces, seen) => {
            context.look(&seen, &pieces);
            let status = status_of(context.client, &seen, status);
            close_whole(context, pieces, &seen, status).await
        }
        Held::Longer(body, editor, held) => {
            let mut reply = JsonReply {
                body,
                editor: Some(*editor),
                redaction: Some(context.filter.response())
                    .filter(|redactor| !redactor.is_none())
                    .map(|redactor| (redactor.clone(), redactor.message())),
                keeps_length: false,
                ready: VecDeque::new(),
                recorded: context.recorded,
                closed: None,
                _in_session: context.in_session,
            };
            reply.make_ready(held);
            json_response(Body::json(reply))
        }
        Held::Broken(detail) => broken_off(context, &detail, "the server's answer broke off").await,
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
        Err(failure) => return broken_off(context, &failure.detail, &failure.public()).await,
    };
    if let [only] = first.as_slice()
        && !more
    {
        return whole(only, context).await;
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
        closed: None,
    }))
}

/// The server had nothing to say but its answer: plain JSON.
async fn whole(message: &Bytes, context: Context) -> Response<Body> {
    let (pieces, seen) = match edit(
        message,
        Some(context.under_own_id(context.rules.clone().unwrap_or_default())),
    ) {
        Ok(edited) => edited,
        Err(detail) => {
            return broken_off(context, &detail, INVALID_ANSWER).await;
        }
    };
    context.look(&seen, &pieces);
    let status = status_of(context.client, &seen, StatusCode::OK);
    close_whole(context, pieces, &seen, status).await
}

/// An answer that is here whole goes out once it is recorded.
async fn close_whole(mut context: Context, pieces: Vec<Bytes>, seen: &Seen, status: StatusCode) -> Response<Body> {
    let refused = unbridged(&context, seen);
    let pieces = if let Some(refused) = &refused {
        vec![refused.clone()]
    } else {
        let redactor = context.filter.response();
        let redacted = redactor.redact(pieces);
        context.recorded.redacted(redacted.counts(), &redactor);
        redacted.into_pieces()
    };
    context.recorded.note_all(&pieces);
    if context.recorded.answered(seen).written().await.is_err() {
        return json_response(context.unrecorded().into());
    }
    let answer = json_response(Body::pieces(pieces));
    if refused.is_some() {
        answer
    } else {
        with_status(answer, status)
    }
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

async fn broken_off(mut context: Context, detail: &str, public: &str) -> Response<Body> {
    tracing::warn!(detail, "a server's answer broke off");
    if context.recorded.failed(public).written().await.is_err() {
        return json_response(context.unrecorded().into());
    }
    json_response(crate::mcp::error::response(Some(&context.id), code::INTERNAL, public, None).into())
}

fn with_status(mut answer: Response<Body>, status: StatusCode) -> Response<Body> {
    *answer.status_mut() = status;
    answer
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

    fn unrecorded(&self) -> Bytes {
        crate::mcp::error::response(Some(&self.id), code::INTERNAL, Unrecorded::AFTER_THE_CALL, None)
    }

    /// Writes one message of the server as an event, if it is for this client. Only a response closes the call.
    fn pass(&mut self, message: &Bytes, out: &mut BytesMut) -> Option<Closed> {
        let Ok(read) = envelope::read(message) else {
            tracing::warn!("a server sent something that is no JSON-RPC message");
            return None;
        };
        match &read.kind {
            Kind::Response { id, .. } => {
                return Some(self.pass_response(&under_id(message, *id, &self.id), out));
            }
            Kind::Notification { method } if self.admits(method, message, &read) => drop(self.tell(message, out)),
            Kind::Notification { .. } => {}
            Kind::Request { .. } => {
                if let Some(asked) = relay_request(message, &read, self.session.as_ref(), &self.link) {
                    self.tell(&asked, out);
                }
            }
        }
        None
    }

    /// Writes a message that comes from the server, and gives it back.
    fn tell(&mut self, message: &Bytes, out: &mut BytesMut) -> Bytes {
        let told = self.redacted(vec![message.clone()]);
        sse::write(out, &told);
        told
    }

    fn redacted(&mut self, pieces: Vec<Bytes>) -> Bytes {
        let redactor = self.filter.response();
        let redacted = redactor.redact(pieces);
        self.recorded.redacted(redacted.counts(), &redactor);
        redacted.into_bytes()
    }

    fn pass_response(&mut self, message: &Bytes, out: &mut BytesMut) -> Closed {
        match edit(message, self.rules.clone()) {
            Ok((pieces, seen)) => {
                self.look(&seen, &pieces);
                let told = match unbridged(self, &seen) {
                    Some(refused) => {
                        sse::write(out, &refused);
                        refused
                    }
                    None => self.tell(&pieces.concat().into(), out),
                };
                self.recorded.note(&told);
                self.recorded.answered(&seen)
            }
            Err(detail) => {
                tracing::warn!(detail, "a server's answer is not JSON");
                sse::write(
                    out,
                    &crate::mcp::error::response(Some(&self.id), code::INTERNAL, INVALID_ANSWER, None),
                );
                self.recorded.failed(INVALID_ANSWER)
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

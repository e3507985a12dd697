//! Many calls over one pair of pipes.
//!
//! Every request gets a number of its own as its id and progress token, so that two clients' ids never meet; what comes
//! back gets the client's own again. All else in a message stays as it is.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use memchr::memchr2;
use tokio::sync::mpsc;
use tokio::sync::mpsc::OwnedPermit;

use crate::mcp::{Edits, Kind, Message, Method, Pieces, Span, envelope};
use crate::upstream::conversation::Conversation;
use crate::upstream::failure::FailureKind;
use crate::upstream::request::Outgoing;
use crate::upstream::stdio::plain;

/// Messages of one call that wait for their reader; what finds this full is dropped, but never the response.
const WAITING: usize = 256;

/// Calls in flight in one process.
const MAX_CALLS: usize = 4_096;
/// Of a line that is no message, the log is given so much, in bytes, and shows less: personal data is taken out of it before it is cut.
const MAX_NOISE: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Mux {
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: HashMap<u64, Pending>,
    /// Why nothing more comes.
    ended: Option<String>,
}

#[derive(Debug)]
struct Pending {
    method: Method,
    id: Bytes,
    token: Option<Bytes>,
    link: Option<u64>,
    limit: u64,
    /// Did any byte of it reach the pipe?
    written: bool,
    messages: mpsc::Sender<Delivery>,
    /// Kept free for the response.
    last: OwnedPermit<Delivery>,
}

/// What reaches the one who waits for a call.
#[derive(Debug)]
pub(super) enum Delivery {
    Message(Bytes),
    Response(Pieces),
    Failed {
        kind: FailureKind,
        detail: String,
    },
    /// The process is gone, and the request was never written.
    Lost,
}

/// A request made ready for the pipe.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) number: u64,
    pub(super) line: Vec<Bytes>,
    pub(super) deliveries: mpsc::Receiver<Delivery>,
}

#[derive(Debug)]
pub(super) enum Refusal {
    /// The process is gone.
    Ended,
    Full,
    /// The body is not the request that it should be.
    Malformed,
}

impl Mux {
    pub(super) fn register(&self, outgoing: Outgoing) -> Result<Registered, Refusal> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let body = one_line(outgoing.pieces);
        let message = envelope::read(&body).map_err(|_| Refusal::Malformed)?;
        let Kind::Request { id, .. } = message.kind else {
            return Err(Refusal::Malformed);
        };
        let mut edits = Edits::new();
        edits.replace(id, number.to_string());
        let token = message
            .params
            .as_ref()
            .and_then(|params| params.meta.as_ref()?.progress_token);
        if let Some(token) = token {
            edits.replace(token, number.to_string());
        }
        let (messages, deliveries) = mpsc::channel(WAITING);
        let last = messages.clone().try_reserve_owned().map_err(|_| Refusal::Full)?;
        let pending = Pending {
            method: outgoing.method,
            id: body.slice(id.start..id.end),
            token: token.map(|token| body.slice(token.start..token.end)),
            link: outgoing.link,
            limit: outgoing.limit,
            written: false,
            messages,
            last,
        };
        let mut state = self.state();
        if state.ended.is_some() {
            return Err(Refusal::Ended);
        }
        if state.calls.len() >= MAX_CALLS {
            return Err(Refusal::Full);
        }
        state.calls.insert(number, pending);
        drop(state);
        Ok(Registered {
            number,
            line: edits.apply(&body).into_iter().collect(),
            deliveries,
        })
    }

    /// From here on the server may have read it.
    pub(super) fn mark_written(&self, number: u64) {
        if let Some(pending) = self.state().calls.get_mut(&number) {
            pending.written = true;
        }
    }

    /// Nobody waits for it any more.
    pub(super) fn forget(&self, number: u64) {
        self.state().calls.remove(&number);
    }

    /// By the id that the client gave.
    pub(super) fn number_of(&self, link: u64, id: &[u8]) -> Option<u64> {
        let state = self.state();
        let call = state
            .calls
            .iter()
            .find(|(_, pending)| pending.link == Some(link) && pending.id == id);
        call.map(|(number, _)| *number)
    }

    /// Does a caller, rather than the gateway itself, wait for an answer?
    pub(super) fn is_waited_for(&self) -> bool {
        self.state().calls.values().any(|pending| pending.link.is_some())
    }

    /// Nothing more comes: all who wait are told.
    pub(super) fn end(&self, reason: &str) {
        let mut state = self.state();
        state.ended.get_or_insert_with(|| reason.into());
        for (_, pending) in state.calls.drain() {
            pending.last.send(if pending.written {
                Delivery::Failed {
                    kind: FailureKind::Ended,
                    detail: reason.into(),
                }
            } else {
                Delivery::Lost
            });
        }
    }

    pub(super) fn reason(&self) -> Option<String> {
        self.state().ended.clone()
    }

    /// One line of the child's standard output.
    pub(super) fn receive(&self, line: &Bytes, conversation: &Arc<Conversation>) {
        let message = match envelope::read(line) {
            Ok(message) => message,
            Err(problem) => {
                let start = plain(&line[..line.len().min(MAX_NOISE)]);
                tracing::info!(server = %conversation.core.name(), %problem, line = &*start, "a line on standard output is no message");
                return;
            }
        };
        match &message.kind {
            Kind::Response { id: Some(id), .. } => self.respond(line, *id),
            Kind::Response { id: None, .. } => {
                self.fail_the_only_one(FailureKind::Protocol, "the server could not read the request");
            }
            Kind::Request {
                method: Method::Ping, ..
            } => conversation.hear(line, &message),
            Kind::Request { .. } => {
                // With one call in flight, in a conversation of one client, the question is that call's.
                let taken = conversation.exclusive && self.to_the_only_one(line);
                if !taken {
                    conversation.hear(line, &message);
                }
            }
            Kind::Notification { method } => {
                if !self.notify(line, &message, method) {
                    conversation.hear(line, &message);
                }
            }
        }
    }

    /// A line that was too long: the call whose answer it began to be fails, the others go on.
    pub(super) fn receive_too_long(&self, beginning: &[u8]) {
        let number = beginning_id(beginning);
        let mut state = self.state();
        let only = || {
            (state.calls.len() == 1)
                .then(|| state.calls.keys().next().copied())
                .flatten()
        };
        let number = number.filter(|number| state.calls.contains_key(number)).or_else(only);
        if let Some(pending) = number.and_then(|number| state.calls.remove(&number)) {
            pending.last.send(Delivery::Failed {
                kind: FailureKind::TooLarge,
                detail: "a line of the server is over the limit of one message".into(),
            });
        }
    }

    fn respond(&self, line: &Bytes, id: Span) {
        let Some(pending) = number(id.of(line)).and_then(|number| self.state().calls.remove(&number)) else {
            return;
        };
        if line.len() as u64 > pending.limit {
            pending.last.send(Delivery::Failed {
                kind: FailureKind::TooLarge,
                detail: format!("the answer has {} bytes", line.len()),
            });
            return;
        }
        let mut edits = Edits::new();
        edits.replace(id, pending.id);
        pending.last.send(Delivery::Response(edits.apply(line)));
    }

    /// `false`: it is no call's.
    fn notify(&self, line: &Bytes, message: &Message, method: &Method) -> bool {
        let params = message.params.as_ref();
        match method {
            Method::NotificationProgress => {
                let Some(token) = params.and_then(|params| params.progress_token) else {
                    return true;
                };
                let Some(number) = number(token.of(line)) else {
                    return true;
                };
                let state = self.state();
                if let Some(pending) = state.calls.get(&number)
                    && let Some(own) = &pending.token
                {
                    let mut edits = Edits::new();
                    edits.replace(token, own.clone());
                    pending.deliver(edits.apply(line).into_bytes());
                }
                true
            }
            Method::NotificationSubscriptionsAcknowledged => {
                let id = params
                    .and_then(|params| params.meta.as_ref()?.subscription_id)
                    .and_then(|span| number(span.of(line)));
                let state = self.state();
                let listens = |pending: &&Pending| pending.method == Method::SubscriptionsListen;
                let newest = || {
                    let listening = state.calls.iter().filter(|(_, pending)| listens(pending));
                    listening.max_by_key(|(number, _)| **number).map(|(_, pending)| pending)
                };
                if let Some(pending) = id.and_then(|id| state.calls.get(&id)).filter(listens).or_else(newest) {
                    pending.deliver(line.clone());
                }
                true
            }
            Method::NotificationMessage => self.to_the_only_one(line),
            _ => false,
        }
    }

    /// What names no call is that of the only client's call in flight, if there is exactly one.
    fn to_the_only_one(&self, line: &Bytes) -> bool {
        let state = self.state();
        let mut calls = state.calls.values().filter(|pending| pending.link.is_some());
        match (calls.next(), calls.next()) {
            (Some(pending), None) => pending.deliver(line.clone()),
            _ => false,
        }
    }

    fn fail_the_only_one(&self, kind: FailureKind, detail: &str) {
        let mut state = self.state();
        if state.calls.len() != 1 {
            return;
        }
        for (_, pending) in state.calls.drain() {
            pending.last.send(Delivery::Failed {
                kind,
                detail: detail.into(),
            });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn deliver(&self, message: Bytes) -> bool {
        message.len() as u64 <= self.limit && self.messages.try_send(Delivery::Message(message)).is_ok()
    }
}

fn number(raw: &[u8]) -> Option<u64> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}

/// The id in the beginning of a message whose end is not there.
fn beginning_id(beginning: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(beginning, b"\"id\"")? + 4;
    let rest = beginning
        .get(at..)?
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    number(rest.split(|byte| !byte.is_ascii_digit()).next()?)
}

/// MCP, stdio: a message holds no line break. Outside of strings JSON may, and there a space means the same.
fn one_line(pieces: Vec<Bytes>) -> Bytes {
    let pieces: VecDeque<Bytes> = pieces.into();
    let breaks = pieces.iter().any(|piece| memchr2(b'\n', b'\r', piece).is_some());
    if !breaks && pieces.len() == 1 {
        return pieces.into_iter().next().unwrap_or_default();
    }
    let mut whole: Vec<u8> = Vec::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in &pieces {
        whole.extend_from_slice(piece);
    }
    if breaks {
        whole
            .iter_mut()
            .filter(|byte| matches!(byte, b'\n' | b'\r'))
            .for_each(|byte| *byte = b' ');
    }
    whole.into()
}

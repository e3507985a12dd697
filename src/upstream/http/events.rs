//! The event stream that answers one POST, resumed where a legacy server lets go of it early.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::sleep;

use crate::mcp::sse::{Event, Parser};
use crate::mcp::{Era, Method};
use crate::upstream::call::MessageSource;
use crate::upstream::conversation::Conversation;
use crate::upstream::core::Transport;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::http::Stamp;
use crate::upstream::http::answer::{Bounds, Content, content};
use crate::upstream::peek::{Peek, peek};

/// Where the server names no `retry`.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Resumptions in a row that brought no event.
const FRUITLESS: u8 = 5;

/// A batch ends here, so that a fast server cannot keep one task busy.
const BATCH: usize = 64;

type Resuming = Pin<Box<dyn Future<Output = Result<Incoming, Failure>> + Send>>;

pub(super) struct Events {
    conversation: Arc<Conversation>,
    stamp: Stamp,
    state: State,
    parser: Parser,
    bounds: Bounds,
    last: Option<Bytes>,
    retry: Duration,
    fruitless: u8,
}

enum State {
    Reading(Incoming),
    Resuming(Resuming),
    Over,
}

impl Events {
    pub(super) fn new(conversation: &Arc<Conversation>, stamp: &Stamp, body: Incoming, bounds: Bounds) -> Self {
        Self {
            conversation: Arc::clone(conversation),
            stamp: stamp.clone(),
            state: State::Reading(body),
            parser: parser(bounds.limit),
            bounds,
            last: None,
            retry: RETRY,
            fruitless: 0,
        }
    }

    /// Takes all events that are whole; `true` when the response is among them.
    fn take_events(&mut self, out: &mut VecDeque<Bytes>) -> Result<bool, Failure> {
        while let Some(event) = self.parser.next() {
            let event =
                event.map_err(|_| self.fail(FailureKind::TooLarge, "an event is over the limit of the answer"))?;
            self.fruitless = 0;
            self.note(&event);
            if is_message(&event) && self.take_message(event.data, out) {
                return Ok(true);
            }
            if out.len() >= BATCH {
                break;
            }
        }
        Ok(false)
    }

    /// Sorts out what is not the call's own; `true` for the response.
    fn take_message(&mut self, data: Bytes, out: &mut VecDeque<Bytes>) -> bool {
        match peek(&data) {
            Peek::Response => {
                out.push_back(data);
                return true;
            }
            Peek::Method(method) if is_for_the_conversation(method) => self.conversation.hear_bytes(&data),
            Peek::Method(_) | Peek::Unclear => out.push_back(data),
        }
        false
    }

    fn note(&mut self, event: &Event) {
        if let Some(id) = &event.id {
            self.last = (!id.is_empty()).then(|| id.clone());
        }
        if let Some(retry) = event.retry {
            self.retry = Duration::from_millis(retry).min(LONGEST_RETRY);
        }
    }

    /// MCP 2025-11-25, Resumability: after a disconnect wait `retry`, then GET from behind the last event. A modern stream is not resumed.
    fn resume(&mut self, why: &str) -> Result<(), Failure> {
        let last = self
            .last
            .clone()
            .filter(|_| self.stamp.era == Era::Legacy && self.fruitless < FRUITLESS);
        let Some(last) = last else {
            self.state = State::Over;
            return Err(self.fail(
                FailureKind::Ended,
                format!("the stream ended before the response: {why}"),
            ));
        };
        self.fruitless += 1;
        self.parser = parser(self.bounds.limit);
        let (conversation, stamp, retry, deadline) = (
            Arc::clone(&self.conversation),
            self.stamp.clone(),
            self.retry,
            self.bounds.deadline,
        );
        self.state = State::Resuming(Box::pin(async move {
            sleep(retry).await;
            let core = &conversation.core;
            let Transport::Http(server) = &core.transport else {
                return Err(core.failure(FailureKind::Ended, "not over HTTP"));
            };
            let response = server.get(core, &stamp, Some(&last), deadline).await?;
            match (response.status(), content(response.headers())) {
                (StatusCode::OK, Content::Events) => Ok(response.into_body()),
                (status, _) => Err(core.failure(
                    FailureKind::Ended,
                    format!("the stream could not be resumed: HTTP {status}"),
                )),
            }
        }));
        Ok(())
    }

    fn fail(&self, kind: FailureKind, detail: impl Into<String>) -> Failure {
        self.conversation.core.failure(kind, detail)
    }
}

impl MessageSource for Events {
    fn poll_messages(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut VecDeque<Bytes>,
    ) -> Poll<Result<bool, Failure>> {
        let this = &mut *self;
        loop {
            if this.take_events(out)? {
                this.state = State::Over;
                return Poll::Ready(Ok(true));
            }
            if out.len() >= BATCH {
                return Poll::Ready(Ok(false));
            }
            let frame = match &mut this.state {
                State::Over => return Poll::Ready(Ok(true)),
                State::Resuming(resuming) => {
                    let resumed = ready!(resuming.as_mut().poll(cx));
                    match resumed {
                        Ok(body) => this.state = State::Reading(body),
                        // The server did not take the connection: worth another try, unlike a refusal.
                        Err(failure) if failure.kind == FailureKind::Unreachable => this.resume(&failure.detail)?,
                        Err(failure) => {
                            this.state = State::Over;
                            return Poll::Ready(Err(failure));
                        }
                    }
                    continue;
                }
                State::Reading(body) => match Pin::new(body).poll_frame(cx) {
                    Poll::Ready(frame) => frame,
                    Poll::Pending if out.is_empty() => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(Ok(false)),
                },
            };
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        this.parser.feed(data);
                    }
                }
                // What is read already goes out first; the next poll finds the end again.
                _ if !out.is_empty() => {
                    this.resume("it was closed")?;
                    return Poll::Ready(Ok(false));
                }
                Some(Err(error)) => this.resume(&error.to_string())?,
                None => this.resume("it was closed")?,
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({})", self.conversation.core.name())
    }
}

pub(super) fn parser(limit: u64) -> Parser {
    Parser::new(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// An event without data only primes; one of another kind is not ours.
pub(super) fn is_message(event: &Event) -> bool {
    !event.data.is_empty() && event.event.as_ref().is_none_or(|kind| &**kind == b"message")
}

/// News about the server, and pings, whatever stream they come on.
fn is_for_the_conversation(method: &[u8]) -> bool {
    let Ok(method) = std::str::from_utf8(method) else {
        return false;
    };
    matches!(
        Method::parse(method),
        Method::Ping
            | Method::NotificationToolsChanged
            | Method::NotificationPromptsChanged
            | Method::NotificationResourcesChanged
            | Method::NotificationResourceUpdated
    )
}

//! One call on its way to a server, and the answer on its way back.
//!
//! An unfinished answer that is dropped cancels the call. Limit and deadline hold while the answer flows.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::lock::Lock;
use crate::mcp::Method;
use crate::name::ServerName;
use crate::pii::Redacted;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::ticket::Ticket;

/// A request for a server, in the era of the link.
#[derive(Debug)]
pub struct Call {
    pub method: Method,
    /// Raw JSON, as the client chose it.
    pub id: Bytes,
    /// The whole message.
    pub body: Redacted,
    /// For `Mcp-Name`.
    pub name: Option<Arc<str>>,
    /// `Mcp-Param-*`, `traceparent`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Raw JSON, as it stands in the body.
    pub progress_token: Option<Bytes>,
    pub deadline: Instant,
    /// Bytes of the answer; of each event where it is streamed.
    pub response_limit: u64,
    /// Is the server told when nobody waits for the answer any more? A legacy client that has lost its connection has not
    /// cancelled (MCP 2025-11-25, Streamable HTTP): its call runs on, and the answer is discarded.
    pub cancel_on_drop: bool,
    /// Of a pinned server: the session that runs the call must list the tool or prompt as it stands there.
    pub lock: Option<Arc<Lock>>,
}

/// What a server answers.
#[derive(Debug)]
pub enum Reply {
    /// The response alone.
    Json { status: u16, body: JsonBody },
    /// Notifications and requests first, the response last.
    Messages(Messages),
}

/// One JSON-RPC response, streaming by; not looked at here where it comes as JSON over HTTP.
#[derive(Debug)]
pub struct JsonBody {
    source: JsonSource,
    server: ServerName,
    /// Bytes that may still come.
    left: u64,
    timer: Deadline,
    ticket: Option<Ticket>,
}

#[derive(Debug)]
enum JsonSource {
    Http(Incoming),
    Ready(VecDeque<Bytes>),
}

/// The messages of one call in their order.
#[derive(Debug)]
pub struct Messages {
    source: Pin<Box<dyn MessageSource>>,
    /// Read already.
    ready: VecDeque<Bytes>,
    /// What comes after them.
    failed: Option<Failure>,
    over: bool,
    timer: Deadline,
    server: ServerName,
    ticket: Option<Ticket>,
}

/// Where the messages of a call come from.
pub(super) trait MessageSource: Send + std::fmt::Debug {
    /// Waits for one message, then takes what is ready. `Ok(true)`: the response is among `out`, or came before.
    fn poll_messages(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut VecDeque<Bytes>,
    ) -> Poll<Result<bool, Failure>>;
}

/// A deadline that costs a timer only once something has to wait.
#[derive(Debug)]
pub(super) struct Deadline {
    at: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl JsonBody {
    /// Is all of it in memory already?
    pub fn is_whole(&self) -> bool {
        matches!(self.source, JsonSource::Ready(_))
    }

    pub(super) fn http(
        incoming: Incoming,
        server: ServerName,
        limit: u64,
        deadline: Instant,
        ticket: Option<Ticket>,
    ) -> Self {
        Self {
            source: JsonSource::Http(incoming),
            server,
            left: limit,
            timer: Deadline::new(deadline),
            ticket,
        }
    }

    /// What is here already needs neither limit nor deadline.
    pub(super) fn ready(pieces: impl IntoIterator<Item = Bytes>, server: ServerName) -> Self {
        Self {
            source: JsonSource::Ready(pieces.into_iter().collect()),
            server,
            left: u64::MAX,
            timer: Deadline::new(Instant::now()),
            ticket: None,
        }
    }

    fn finish(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.done();
        }
    }
}

impl Body for JsonBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        let incoming = match &mut this.source {
            JsonSource::Ready(pieces) => return Poll::Ready(pieces.pop_front().map(|piece| Ok(Frame::data(piece)))),
            JsonSource::Http(incoming) => incoming,
        };
        loop {
            let frame = match Pin::new(&mut *incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    ready!(this.timer.poll(cx));
                    return Poll::Ready(Some(Err(Failure::new(
                        FailureKind::Timeout,
                        &this.server,
                        "the answer's body did not come in time",
                    ))));
                }
            };
            let data = match frame {
                None => {
                    this.finish();
                    return Poll::Ready(None);
                }
                Some(Err(error)) => {
                    let detail = format!("the answer broke off: {error}");
                    return Poll::Ready(Some(Err(Failure::new(FailureKind::Ended, &this.server, detail))));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    // Trailers mean nothing here.
                    Err(_) => continue,
                },
            };
            let Some(left) = this.left.checked_sub(data.len() as u64) else {
                return Poll::Ready(Some(Err(Failure::new(
                    FailureKind::TooLarge,
                    &this.server,
                    "the answer is over its limit",
                ))));
            };
            this.left = left;
            if incoming.is_end_stream() {
                this.finish();
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            JsonSource::Http(incoming) => incoming.is_end_stream(),
            JsonSource::Ready(pieces) => pieces.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            JsonSource::Http(incoming) => incoming.size_hint(),
            JsonSource::Ready(pieces) => SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum()),
        }
    }
}

impl Messages {
    pub(super) fn new(
        source: Pin<Box<dyn MessageSource>>,
        server: ServerName,
        deadline: Instant,
        ticket: Option<Ticket>,
    ) -> Self {
        Self {
            source,
            ready: VecDeque::new(),
            failed: None,
            over: false,
            timer: Deadline::new(deadline),
            server,
            ticket,
        }
    }

    pub(super) fn with_ready(mut self, ready: VecDeque<Bytes>) -> Self {
        self.ready = ready;
        self
    }

    /// Waits for one message, then takes all that are ready. Each is one whole JSON-RPC message of this call.
    /// `false`: nothing more comes, the response was the last.
    pub async fn next_batch(&mut self, out: &mut Vec<Bytes>) -> Result<bool, Failure> {
        poll_fn(|cx| self.poll_next_batch(cx, out)).await
    }

    /// See [`Messages::next_batch`].
    pub fn poll_next_batch(&mut self, cx: &mut Context<'_>, out: &mut Vec<Bytes>) -> Poll<Result<bool, Failure>> {
        if !self.over && self.ready.is_empty() {
            if let Some(failure) = self.failed.take() {
                self.over = true;
                return Poll::Ready(Err(failure));
            }
            ready!(self.poll_source(cx))?;
        }
        let some = !self.ready.is_empty();
        out.extend(self.ready.drain(..));
        Poll::Ready(Ok(some))
    }

    pub(super) fn too_large(&self) -> Failure {
        Failure::new(
            FailureKind::TooLarge,
            &self.server,
            "the messages of the answer are over its limit",
        )
    }

    /// The answer as one response, where that is all there is; else as messages. Waits for the first message.
    pub(super) async fn into_reply(mut self) -> Result<Reply, Failure> {
        poll_fn(|cx| self.poll_source(cx)).await?;
        if self.over && self.ready.len() == 1 {
            let body = JsonBody::ready(self.ready, self.server);
            return Ok(Reply::Json { status: 200, body });
        }
        Ok(Reply::Messages(self))
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        match self.source.as_mut().poll_messages(cx, &mut self.ready) {
            Poll::Ready(Err(failure)) if !self.ready.is_empty() => {
                self.failed = Some(failure);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(result) => {
                if result? {
                    self.over = true;
                    if let Some(ticket) = self.ticket.take() {
                        ticket.done();
                    }
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending => {
                ready!(self.timer.poll(cx));
                Poll::Ready(Err(Failure::new(
                    FailureKind::Timeout,
                    &self.server,
                    "the answer's stream did not end in time",
                )))
            }
        }
    }
}

impl Deadline {
    pub(super) fn new(at: Instant) -> Self {
        Self { at, sleep: None }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        self.sleep
            .get_or_insert_with(|| Box::pin(sleep_until(at)))
            .as_mut()
            .poll(cx)
    }
}

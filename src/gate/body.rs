//! The body of an answer: ready pieces, a result streaming through, or events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::gate::reply::{EventReply, JsonReply};
use crate::mcp::edit::Pieces;
use crate::mcp::sse;

/// Comments keep idle event streams open through proxies that cut silent connections.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// Answers up to this length go out in one piece, in bytes.
const ONE_PIECE: usize = 16 * 1024;

/// The body of every answer of the gate.
#[derive(Default)]
pub struct Body {
    inner: Inner,
    /// Who reads it may not any more once this is there.
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

#[derive(Default)]
enum Inner {
    #[default]
    Empty,
    Ready {
        first: Bytes,
        rest: VecDeque<Bytes>,
        left: u64,
    },
    Json(Box<JsonReply>),
    Events(Box<EventReply>),
    Feed(Box<Feed>),
}

/// A long-lived event stream: messages come through a bounded channel, which ends with its sender.
struct Feed {
    messages: mpsc::Receiver<Bytes>,
    keep_alive: Pin<Box<Sleep>>,
    /// Taken down when the stream is dropped.
    _owner: Box<dyn Send + Sync>,
}

/// Why an answer breaks off; hyper then closes the connection, so that the client sees that it is not whole.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

impl Body {
    pub(super) fn empty() -> Self {
        Self::default()
    }

    pub(super) fn json(reply: JsonReply) -> Self {
        Inner::Json(Box::new(reply)).into()
    }

    pub(super) fn events(reply: EventReply) -> Self {
        Inner::Events(Box::new(reply)).into()
    }

    pub(super) fn feed(messages: mpsc::Receiver<Bytes>, owner: impl Send + Sync + 'static) -> Self {
        Inner::Feed(Box::new(Feed {
            messages,
            keep_alive: Box::pin(sleep(KEEP_ALIVE)),
            _owner: Box::new(owner),
        }))
        .into()
    }

    /// Breaks off when `gone` is cancelled. What is ready already goes out all the same.
    #[must_use]
    pub(super) fn until(mut self, gone: CancellationToken) -> Self {
        if !matches!(self.inner, Inner::Empty | Inner::Ready { .. }) {
            self.cut = Some(Box::pin(gone.cancelled_owned()));
        }
        self
    }

    /// Short answers are put together: a copy costs less than a write in parts.
    pub(super) fn pieces(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        let mut pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        let mut first = pieces.next().unwrap_or_default();
        let mut rest: VecDeque<Bytes> = pieces.collect();
        let length = first.len() + rest.iter().map(Bytes::len).sum::<usize>();
        if !rest.is_empty() && length <= ONE_PIECE {
            let mut whole = BytesMut::with_capacity(length);
            for piece in std::iter::once(&first).chain(&rest) {
                whole.extend_from_slice(piece);
            }
            (first, rest) = (whole.freeze(), VecDeque::new());
        }
        Inner::Ready {
            first,
            rest,
            left: length as u64,
        }
        .into()
    }
}

impl From<Inner> for Body {
    fn from(inner: Inner) -> Self {
        Self { inner, cut: None }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::pieces([bytes])
    }
}

impl From<Pieces> for Body {
    fn from(pieces: Pieces) -> Self {
        Self::pieces(pieces.iter().cloned())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let body = self.get_mut();
        if let Some(cut) = &mut body.cut
            && cut.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err("the grant has ended".into())));
        }
        let frame = match &mut body.inner {
            Inner::Empty => None,
            Inner::Ready { first, rest, left } => (*left > 0).then(|| {
                let next = rest.pop_front().unwrap_or_default();
                let piece = std::mem::replace(first, next);
                *left -= piece.len() as u64;
                Ok(piece)
            }),
            Inner::Json(reply) => ready!(reply.poll_data(cx)),
            Inner::Events(reply) => ready!(reply.poll_data(cx)),
            Inner::Feed(feed) => ready!(feed.poll_data(cx)).map(|Ok(data)| Ok(data)),
        };
        Poll::Ready(frame.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Empty => true,
            Inner::Ready { left, .. } => *left == 0,
            Inner::Json(_) | Inner::Events(_) | Inner::Feed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Ready { left, .. } => SizeHint::with_exact(*left),
            Inner::Json(reply) => reply.size_hint(),
            Inner::Events(_) | Inner::Feed(_) => SizeHint::default(),
        }
    }
}

impl Feed {
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let mut out = BytesMut::new();
        let mut next = self.messages.poll_recv(cx);
        while let Poll::Ready(Some(message)) = next {
            sse::write(&mut out, &message);
            next = self.messages.poll_recv(cx);
        }
        if out.is_empty() {
            if next.is_ready() {
                return Poll::Ready(None);
            }
            ready!(self.keep_alive.as_mut().poll(cx));
            sse::comment(&mut out);
        }
        self.keep_alive.as_mut().reset(Instant::now() + KEEP_ALIVE);
        Poll::Ready(Some(Ok(out.freeze())))
    }
}

//! An answer as events.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context as Waker, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::gate::body::Broken;
use crate::gate::record::Closed;
use crate::gate::reply::Context;
use crate::mcp::error::code;
use crate::mcp::sse;
use crate::upstream::{Failure, Messages};

/// Events that are gathered go out at this length, in bytes.
const MAX_GATHERED: usize = 64 * 1024;
/// Turns for the server's connection before gathered events go out without more.
const TURNS: u8 = 2;

/// An event stream on its way.
pub(in crate::gate) struct EventReply {
    pub(super) messages: Messages,
    /// Read and not written yet; first what was read to decide that this is a stream.
    pub(super) batch: Vec<Bytes>,
    /// Written and not sent yet.
    pub(super) gathered: BytesMut,
    /// How often the server's connection was given a turn in vain.
    pub(super) turns: u8,
    pub(super) context: Context,
    pub(super) cancelled: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    pub(super) done: bool,
    /// The response stands from here on in `gathered`, and waits for this.
    pub(super) closed: Option<(usize, Closed)>,
}

impl EventReply {
    /// All that is ready goes out in one piece; what is not is never waited for.
    ///
    /// The connection to the server hands over one piece each time its task runs. So when nothing is there, that task
    /// gets a turn or two before what was gathered goes out: one write instead of one for each event.
    pub(in crate::gate) fn poll_data(&mut self, cx: &mut Waker<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            for message in std::mem::take(&mut self.batch) {
                let before = self.gathered.len();
                if let Some(closed) = self.context.pass(&message, &mut self.gathered) {
                    self.closed = Some((before, closed));
                }
            }
            if let Some((before, closed)) = &mut self.closed {
                if ready!(closed.poll(cx)).is_err() {
                    self.gathered.truncate(*before);
                    sse::write(&mut self.gathered, &self.context.unrecorded());
                }
                self.closed = None;
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
        self.done = true;
        let before = self.gathered.len();
        self.closed = Some((before, self.context.recorded.failed(&failure.public())));
        let error = crate::mcp::error::response(Some(&self.context.id), code::INTERNAL, &failure.public(), None);
        sse::write(&mut self.gathered, &error);
    }
}

//! What the mux delivers of one call, as the messages of an answer.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::upstream::call::MessageSource;
use crate::upstream::core::Core;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::stdio::mux::Delivery;

pub(super) struct Deliveries {
    pub(super) receiver: mpsc::Receiver<Delivery>,
    pub(super) core: Arc<Core>,
    pub(super) over: bool,
}

impl MessageSource for Deliveries {
    fn poll_messages(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut VecDeque<Bytes>,
    ) -> Poll<Result<bool, Failure>> {
        while !self.over {
            match self.receiver.poll_recv(cx) {
                Poll::Pending if out.is_empty() => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Ok(false)),
                Poll::Ready(Some(Delivery::Message(message))) => out.push_back(message),
                Poll::Ready(Some(Delivery::Response(pieces))) => {
                    out.push_back(pieces.into_bytes());
                    self.over = true;
                }
                Poll::Ready(Some(Delivery::Failed { kind, detail })) => {
                    return Poll::Ready(Err(self.core.failure(kind, detail)));
                }
                Poll::Ready(Some(Delivery::Lost) | None) => {
                    return Poll::Ready(Err(self.core.failure(FailureKind::Ended, "the process has ended")));
                }
            }
        }
        Poll::Ready(Ok(true))
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deliveries({})", self.core.name())
    }
}

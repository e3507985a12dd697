//! A call in flight: counted while it lasts, cancelled when its answer is dropped unfinished.

use std::sync::Arc;

use bytes::Bytes;

use crate::upstream::conversation::Conversation;
use crate::upstream::http::Stamp;

#[derive(Debug)]
pub(super) struct Ticket {
    conversation: Arc<Conversation>,
    cancel: Option<Cancel>,
    /// A client's call keeps a conversation from being idle; the gateway's own questions do not.
    counted: bool,
}

/// How the server is told that nobody waits any more.
#[derive(Debug)]
pub(super) enum Cancel {
    /// `notifications/cancelled` by POST, with the id that the request had. A modern server sees the stream's end.
    Http { id: Bytes, stamp: Stamp },
    /// By the number that the request had in the process; without `tell` its answer is merely not waited for.
    Stdio { number: u64, tell: bool },
}

impl Ticket {
    pub(super) fn new(conversation: &Arc<Conversation>, cancel: Option<Cancel>, counted: bool) -> Self {
        if counted {
            conversation.enter();
        }
        Self {
            conversation: Arc::clone(conversation),
            cancel,
            counted,
        }
    }

    /// The response is here: nothing is left to cancel.
    pub(super) fn done(mut self) {
        self.cancel = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.counted {
            self.conversation.leave();
        }
        if let Some(cancel) = self.cancel.take() {
            self.conversation.cancel_later(cancel);
        }
    }
}

//! What the server says in a conversation that belongs to no call.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use crate::mcp::error::code;
use crate::mcp::{Kind, Message, Method, envelope, error, json};
use crate::upstream::conversation::Conversation;
use crate::upstream::scope::Unsolicited;

impl Conversation {
    /// Takes a message that belongs to no call.
    pub(in crate::upstream) fn hear(self: &Arc<Self>, raw: &Bytes, message: &Message) {
        match &message.kind {
            Kind::Notification { method } => self.hear_notification(raw, message, method),
            Kind::Request {
                id,
                method: Method::Ping,
            } => {
                let pong = error::result(id.of(raw), b"{}");
                self.tell_aside(pong);
            }
            Kind::Request { id, method } => {
                if self.exclusive && self.to_sink(raw) {
                    return;
                }
                tracing::warn!(server = %self.core.name(), %method, "the server asks something that belongs to no call: refused");
                let text = "this client cannot tell which call the question belongs to";
                self.tell_aside(error::response(Some(id.of(raw)), code::METHOD_NOT_FOUND, text, None));
            }
            Kind::Response { .. } => tracing::debug!(server = %self.core.name(), "a response that nobody waits for"),
        }
    }

    /// Like [`Conversation::hear`], from the bytes.
    pub(in crate::upstream) fn hear_bytes(self: &Arc<Self>, raw: &Bytes) {
        match envelope::read(raw) {
            Ok(message) => self.hear(raw, &message),
            Err(problem) => tracing::debug!(server = %self.core.name(), %problem, "not a message"),
        }
    }

    fn hear_notification(&self, raw: &Bytes, message: &Message, method: &Method) {
        match method {
            Method::NotificationToolsChanged
            | Method::NotificationPromptsChanged
            | Method::NotificationResourcesChanged => {
                self.review.changed(method);
                self.core.suspect();
            }
            Method::NotificationResourceUpdated => {
                let uri = message
                    .params
                    .as_ref()
                    .and_then(|params| json::string(raw, params.uri?));
                let dropped = uri.map_or(0, |uri| self.subscriptions.deliver(&uri, &self.unsolicited(raw)));
                (0..dropped).for_each(|_| self.core.count_dropped());
            }
            // What `listen` waits for comes on its own stream; here it is too late.
            Method::NotificationProgress | Method::NotificationSubscriptionsAcknowledged => {}
            _ if self.exclusive => {
                self.to_sink(raw);
            }
            _ => self.core.count_dropped(),
        }
    }

    fn to_sink(&self, raw: &Bytes) -> bool {
        let sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = sink.is_some_and(|sink| sink.try_send(self.unsolicited(raw)).is_ok());
        if !sent {
            self.core.count_dropped();
        }
        sent
    }

    fn unsolicited(&self, raw: &Bytes) -> Unsolicited {
        Unsolicited {
            server: self.core.name().clone(),
            message: raw.clone(),
        }
    }
}

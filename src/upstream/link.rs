//! The gate's hold on one conversation, in the era that it was opened in.

use std::fmt;
use std::sync::Arc;

use crate::mcp::Version;
use crate::name::ServerName;
use crate::pii::Redacted;
use crate::snapshot::access::Permit;
use crate::upstream::call::{Call, Reply};
use crate::upstream::conversation::Conversation;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::request::Outgoing;
use crate::upstream::review::Pin;
use crate::upstream::scope::Sink;

/// Cheap to clone. What it is subscribed to ends with the last clone.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    conversation: Arc<Conversation>,
    version: Version,
    number: u64,
    sink: Option<Sink>,
}

impl Link {
    pub(super) fn new(conversation: Arc<Conversation>, version: Version, sink: Option<Sink>) -> Self {
        let number = conversation.core.number();
        Self(Arc::new(Inner {
            conversation,
            version,
            number,
            sink,
        }))
    }

    /// What the server speaks: the body of every call must be written in its era.
    pub fn version(&self) -> Version {
        self.0.version
    }

    pub fn server(&self) -> &ServerName {
        self.0.conversation.core.name()
    }

    /// Do other clients use the same session or process?
    pub fn shared(&self) -> bool {
        !self.0.conversation.exclusive
    }

    /// Sends a request of a client that is permitted to.
    pub async fn call(&self, permit: Permit, call: Call) -> Result<Reply, Failure> {
        let core = &self.0.conversation.core;
        if permit.server() != core.name() {
            return Err(core.failure(FailureKind::Protocol, "the permit is for another server"));
        }
        core.health.check()?;
        let pin = call.lock.and_then(|lock| Pin::new(&permit, lock));
        let outgoing = Outgoing {
            method: call.method,
            id: call.id,
            pieces: call.body.into_pieces(),
            name: call.name,
            headers: call.headers,
            progress_token: call.progress_token,
            deadline: call.deadline,
            limit: call.response_limit,
            link: Some(self.0.number),
            cancel_on_drop: call.cancel_on_drop,
            pin,
        };
        self.0.conversation.send(outgoing, self.0.version.era()).await
    }

    /// The client's answer to a request of the server.
    pub async fn respond(&self, message: Redacted) -> Result<(), Failure> {
        self.0.conversation.touch();
        self.0.conversation.tell(message.into_bytes()).await
    }

    /// A notification of the client, such as `notifications/roots/list_changed`.
    pub async fn notify(&self, message: Redacted) -> Result<(), Failure> {
        self.0.conversation.tell(message.into_bytes()).await
    }

    /// Tells the server that the client has cancelled the call with this id (raw JSON). Over HTTP in the modern era the
    /// end of the answer is the cancellation: drop the `Reply`.
    pub async fn cancel(&self, id: &[u8], reason: Option<&str>) {
        self.0.conversation.cancel(self.0.number, id, reason).await;
    }

    /// `logging/setLevel`, set again in every later session of the conversation. Nothing happens in the modern era.
    pub async fn set_level(&self, level: &str) -> Result<(), Failure> {
        if self.0.version.era() == crate::mcp::Era::Modern {
            return Ok(());
        }
        self.0.conversation.set_level(level).await
    }

    /// Updates of `uri` go to the sink that the link was opened with.
    pub async fn subscribe(&self, permit: Permit, uri: &str) -> Result<(), Failure> {
        let core = &self.0.conversation.core;
        if permit.server() != core.name() {
            return Err(core.failure(FailureKind::Protocol, "the permit is for another server"));
        }
        let Some(sink) = self.0.sink.clone() else {
            return Err(core.failure(FailureKind::Protocol, "a link without a sink cannot subscribe"));
        };
        self.0
            .conversation
            .subscribe(self.0.version.era(), self.0.number, uri, sink)
            .await
    }

    pub async fn unsubscribe(&self, uri: &str) -> Result<(), Failure> {
        self.0
            .conversation
            .unsubscribe(self.0.version.era(), self.0.number, uri)
            .await
    }
}

#[cfg(test)]
impl Link {
    pub(super) fn conversation(&self) -> &Arc<Conversation> {
        &self.0.conversation
    }

    pub(super) fn number(&self) -> u64 {
        self.0.number
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.conversation.touch();
        self.conversation.forget_link(self.number, self.version.era());
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({}, {})", self.0.conversation.core.name(), self.0.version)
    }
}

//! What goes to the server in a conversation: requests, notifications and cancellations.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::mcp::{Era, Method};
use crate::upstream::call::Reply;
use crate::upstream::conversation::{Attempt, Conversation, Session};
use crate::upstream::core::Transport;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::Response;
use crate::upstream::request::{Outgoing, cancelled};
use crate::upstream::ticket::Cancel;

impl Conversation {
    /// Sends a request. Where the session turns out to be lost, and the request surely was not executed, once more in a new one.
    pub(in crate::upstream) async fn send(self: &Arc<Self>, outgoing: Outgoing, era: Era) -> Result<Reply, Failure> {
        let session = self.session_for(&outgoing).await?;
        self.check_era(&session, era)?;
        let again = session.can_be_lost().then(|| outgoing.again());
        match self.attempt(&session, outgoing).await {
            Ok(reply) => return Ok(reply),
            Err(Attempt::Failed(failure)) => return Err(failure),
            Err(Attempt::Lost) => {}
        }
        let lost = || {
            self.core
                .failure(FailureKind::Ended, "the session was lost, and the one after it too")
        };
        let again = again.ok_or_else(lost)?;
        tracing::info!(server = %self.core.name(), "the session is lost: a new one is made");
        self.current.lose(&session);
        let session = self.session_for(&again).await?;
        self.check_era(&session, era)?;
        match Box::pin(self.attempt(&session, again)).await {
            Ok(reply) => Ok(reply),
            Err(Attempt::Failed(failure)) => Err(failure),
            Err(Attempt::Lost) => {
                self.current.lose(&session);
                Err(lost())
            }
        }
    }

    /// A request of the gateway's own; returns the response, which may be an error of the server.
    pub(in crate::upstream) async fn ask(self: &Arc<Self>, method: Method, params: &str) -> Result<Bytes, Failure> {
        let era = self.session().await?.greeting().version.era();
        let deadline = self.core.deadline();
        let outgoing = Outgoing::own(&self.core, era, method, params, deadline);
        let reply = self.send(outgoing, era).await?;
        collect(reply, self.core.settings.limits.response_body).await
    }

    /// Sends a notification or a response, in the session that there is.
    pub(in crate::upstream) async fn tell(&self, message: Bytes) -> Result<(), Failure> {
        let gone = || self.core.failure(FailureKind::Ended, "the conversation is over");
        let session = self.live().ok_or_else(gone)?;
        let sending = async {
            match (&*session, &self.core.transport) {
                (Session::Http(session), Transport::Http(server)) => {
                    server.tell(&self.core, &session.stamp, message).await
                }
                (Session::Stdio(process), _) => process.tell(&self.core, message).await,
                (Session::Http(_), Transport::Stdio(_)) => Err(gone()),
            }
        };
        let late = |_| {
            self.core
                .failure(FailureKind::Timeout, "the server did not take a message in time")
        };
        timeout(Duration::from_secs(10), sending).await.map_err(late)?
    }

    pub(super) async fn attempt(self: &Arc<Self>, session: &Session, outgoing: Outgoing) -> Result<Reply, Attempt> {
        match (session, &self.core.transport) {
            (Session::Http(session), Transport::Http(server)) => server.call(self, &session.stamp, outgoing).await,
            (Session::Stdio(process), _) => process.call(self, outgoing).await,
            (Session::Http(_), Transport::Stdio(_)) => Err(Attempt::Lost),
        }
    }

    /// The session that this request goes to; of a pinned server one that still lists what was reviewed.
    async fn session_for(self: &Arc<Self>, outgoing: &Outgoing) -> Result<Arc<Session>, Failure> {
        match &outgoing.pin {
            None => self.session_until(outgoing.deadline).await,
            Some(pin) => match self.reviewed_already(pin) {
                Some(session) => Ok(session),
                None => Box::pin(self.reviewed(pin, outgoing.deadline)).await,
            },
        }
    }

    /// A body is written in one era; a server that came back in the other one cannot read it.
    fn check_era(&self, session: &Session, era: Era) -> Result<(), Failure> {
        if session.greeting().version.era() == era {
            return Ok(());
        }
        self.core.suspect();
        Err(self
            .core
            .failure(FailureKind::Ended, "the server came back with another protocol era"))
    }

    pub(in crate::upstream) fn tell_aside(self: &Arc<Self>, message: Bytes) {
        let conversation = Arc::clone(self);
        self.core.aside(async move {
            if let Err(failure) = conversation.tell(message).await {
                tracing::debug!(server = %conversation.core.name(), %failure, "a message could not be sent");
            }
        });
    }

    /// Tells the server that nobody waits for a call any more.
    pub(in crate::upstream) fn cancel_later(self: &Arc<Self>, cancel: Cancel) {
        match cancel {
            Cancel::Stdio { number, tell } => {
                if let Some(Session::Stdio(process)) = self.live().as_deref() {
                    process.forget(number);
                }
                if tell {
                    self.tell_aside(cancelled(number.to_string().as_bytes(), None));
                }
            }
            Cancel::Http { id, stamp } => {
                let core = Arc::clone(&self.core);
                self.core.aside(async move {
                    if let Transport::Http(server) = &core.transport {
                        let _ = server.tell(&core, &stamp, cancelled(&id, None)).await;
                    }
                });
            }
        }
    }

    /// The client cancels by its own id.
    pub(in crate::upstream) async fn cancel(&self, link: u64, id: &[u8], reason: Option<&str>) {
        let message = match self.live().as_deref() {
            None => return,
            Some(Session::Stdio(process)) => match process.number_of(link, id) {
                Some(number) => cancelled(number.to_string().as_bytes(), reason),
                None => return,
            },
            // A modern server sees the stream's end.
            Some(Session::Http(session)) if session.greeting.version.era() == Era::Modern => return,
            Some(Session::Http(_)) => cancelled(id, reason),
        };
        if let Err(failure) = self.tell(message).await {
            tracing::debug!(server = %self.core.name(), %failure, "a cancellation could not be sent");
        }
    }

    pub(super) async fn ask_plainly(self: &Arc<Self>, method: Method, params: &str) -> Result<(), Failure> {
        let response = self.ask(method.clone(), params).await?;
        match Response::read(&response) {
            Some(Response::Result { .. }) => Ok(()),
            Some(Response::Error { code, text, .. }) => Err(self
                .core
                .failure(FailureKind::Protocol, format!("`{method}` was refused: {code} {text}"))),
            None => Err(self.core.failure(
                FailureKind::Protocol,
                format!("the answer to `{method}` is no response"),
            )),
        }
    }
}

/// The response of a reply, whole; other messages of it are left out.
pub(in crate::upstream) async fn collect(reply: Reply, limit: u64) -> Result<Bytes, Failure> {
    match reply {
        Reply::Json { body, .. } => body.collect().await.map(http_body_util::Collected::to_bytes),
        Reply::Messages(mut messages) => {
            let (mut last, mut batch, mut total) = (Bytes::new(), Vec::new(), 0);
            while messages.next_batch(&mut batch).await? {
                total += batch.iter().map(|message| message.len() as u64).sum::<u64>();
                if total > limit {
                    return Err(messages.too_large());
                }
                last = batch.pop().unwrap_or(last);
                batch.clear();
            }
            Ok(last)
        }
    }
}

//! What a client wants of a conversation beyond single calls: a log level, and news of resources. A new session is told them again.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::mcp::{Era, Method, json};
use crate::upstream::conversation::send::collect;
use crate::upstream::conversation::{Conversation, Session};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::request::Outgoing;
use crate::upstream::scope::Sink;
use crate::upstream::subscribe::Change;

/// How long a subscriber waits for the server's word that it will be told.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(2);

impl Conversation {
    /// What the lost session knew, told to the new one. A server that refuses it has lost it for good.
    pub(super) async fn restore(self: &Arc<Self>, session: &Session, deadline: Instant) {
        if session.greeting().version.era() == Era::Modern {
            return;
        }
        let level = self.level.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let level = level.map(|level| (Method::LoggingSetLevel, format!("\"level\":{}", json::quote(&level))));
        let uris = self.subscriptions.uris();
        let uris = uris
            .iter()
            .map(|uri| (Method::ResourcesSubscribe, format!("\"uri\":{}", json::quote(uri))));
        for (method, params) in level.into_iter().chain(uris) {
            let outgoing = Outgoing::own(&self.core, Era::Legacy, method.clone(), &params, deadline);
            match self.attempt(session, outgoing).await {
                Ok(reply) => {
                    if let Err(failure) = collect(reply, self.core.settings.limits.response_body).await {
                        tracing::debug!(server = %self.core.name(), %method, %failure, "not restored in the new session");
                    }
                }
                Err(_) => return,
            }
        }
    }

    pub(in crate::upstream) async fn set_level(self: &Arc<Self>, level: &str) -> Result<(), Failure> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(level.into());
        self.ask_plainly(Method::LoggingSetLevel, &format!("\"level\":{}", json::quote(level)))
            .await
    }

    pub(in crate::upstream) async fn subscribe(
        self: &Arc<Self>,
        era: Era,
        link: u64,
        uri: &str,
        sink: Sink,
    ) -> Result<(), Failure> {
        match self.subscriptions.add(uri, link, sink) {
            Change::Full => Err(self.core.failure(FailureKind::Busy, "too many subscriptions")),
            Change::None => Ok(()),
            Change::Uri if era == Era::Modern => {
                if timeout(ACKNOWLEDGEMENT, self.subscriptions.until_acknowledged())
                    .await
                    .is_err()
                {
                    tracing::info!(server = %self.core.name(), "the server has not acknowledged a subscription yet");
                }
                Ok(())
            }
            Change::Uri => {
                let params = format!("\"uri\":{}", json::quote(uri));
                let subscribed = self.ask_plainly(Method::ResourcesSubscribe, &params).await;
                if subscribed.is_err() {
                    self.subscriptions.remove(uri, link);
                }
                subscribed
            }
        }
    }

    pub(in crate::upstream) async fn unsubscribe(
        self: &Arc<Self>,
        era: Era,
        link: u64,
        uri: &str,
    ) -> Result<(), Failure> {
        if self.subscriptions.remove(uri, link) == Change::None || era == Era::Modern || self.live().is_none() {
            return Ok(());
        }
        self.ask_plainly(Method::ResourcesUnsubscribe, &format!("\"uri\":{}", json::quote(uri)))
            .await
    }

    /// A link is gone: what only it was subscribed to is given back.
    pub(in crate::upstream) fn forget_link(self: &Arc<Self>, link: u64, era: Era) {
        let gone = self.subscriptions.remove_link(link);
        if gone.is_empty() || era == Era::Modern || self.live().is_none() {
            return;
        }
        let conversation = Arc::clone(self);
        self.core.aside(async move {
            for uri in gone {
                let _ = conversation
                    .ask(Method::ResourcesUnsubscribe, &format!("\"uri\":{}", json::quote(&uri)))
                    .await;
            }
        });
    }
}

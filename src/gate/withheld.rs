//! What leaves one caller's list besides what leaves everybody's: the session or process that runs its calls does not list
//! it as it was reviewed.
//!
//! The offer compares what the gateway itself is listed; a process of the caller's own may say other things. One that
//! cannot be asked what it says now loses everything that is pinned.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::gate::bridge;
use crate::gate::exchange::Exchange;
use crate::gate::offer::{OfferItem, OfferServer};
use crate::gate::view::{Kind, View};
use crate::upstream::{self, Verdict};

/// A list waits so long for sessions that said that theirs changed.
const PATIENCE: Duration = Duration::from_secs(2);

/// By index of the server in the offer.
#[derive(Default)]
pub(super) struct Withheld(Vec<(usize, Held)>);

enum Held {
    Everything,
    By(Arc<Verdict>),
}

impl Withheld {
    /// Only pinned servers are asked, and only sessions that were listed before.
    pub(super) async fn of(exchange: &Exchange<'_>, view: &View, kind: Kind) -> Self {
        let kind = match kind {
            Kind::Prompts => upstream::Kind::Prompt,
            Kind::Tools => upstream::Kind::Tool,
            Kind::Resources | Kind::Templates => return Self::default(),
        };
        let locks = &exchange.request.generation.snapshot.locks;
        let pinned = view.offer.servers.iter().enumerate();
        let pinned = pinned.filter_map(|(at, server)| Some((at, server, locks.get(&server.name)?)));
        let (scope, deadline) = (bridge::scope(exchange, None), Instant::now() + PATIENCE);
        let asked = pinned.map(|(at, server, lock)| {
            let scope = &scope;
            async move { (at, server, server.upstream.verdict(scope, kind, lock, deadline).await) }
        });
        let held = join_all(asked)
            .await
            .into_iter()
            .filter_map(|(at, server, verdict)| match verdict {
                Ok(None) => None,
                Ok(Some(verdict)) => (!verdict.is_clean()).then(|| (at, Held::By(verdict))),
                Err(failure) => {
                    unknown(server, &failure);
                    Some((at, Held::Everything))
                }
            });
        Self(held.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn holds(&self, item: &OfferItem) -> bool {
        let of_server = self.0.iter().filter(|(server, _)| *server == item.server);
        of_server.into_iter().any(|(_, held)| match held {
            Held::Everything => true,
            Held::By(verdict) => verdict.reason(&item.name).is_some(),
        })
    }
}

fn unknown(server: &OfferServer, failure: &upstream::Failure) {
    tracing::warn!(server = %server.name, detail = failure.detail, "what a session of a pinned server lists now is not known: nothing of it is listed");
}

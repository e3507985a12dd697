//! The gateways on one Redis, as each of them sees the others: all say once a second that they are there, and what they serve.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};

use crate::serve::live::Live;
use crate::serve::{Error, Follows};
use crate::store::{Replicas, StoreError};
use crate::text::hex;

/// Three of them may be missed.
const BEAT: Duration = Duration::from_millis(900);
/// Characters of an id that are shown beside the host.
const SHORT: usize = 8;

/// This gateway among the others.
pub(super) struct Group {
    pub(super) store: Replicas,
    /// Of this process, made at its start.
    pub(super) id: String,
    host: String,
    /// Those that are there, this one among them; or why nobody knows.
    seen: ArcSwap<Result<Vec<Replica>, String>>,
}

/// What a replica tells of itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Replica {
    pub(super) id: String,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) version: String,
    pub(super) follows: String,
    pub(super) generation: u64,
    pub(super) digest: String,
}

impl Group {
    pub(super) fn new(store: Replicas) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            store,
            id: random().map_err(Error::new)?,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            seen: ArcSwap::from_pointee(Ok(Vec::new())),
        }))
    }

    /// Says that this one is there; gives who else is.
    pub(super) async fn beat(&self, live: &Live) -> Result<Vec<Replica>, StoreError> {
        let served = live.served();
        let own = Replica {
            id: self.id.clone(),
            host: self.host.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            follows: live.follows_word().to_owned(),
            generation: served.generation,
            digest: served.digest.to_string(),
        };
        let told = serde_json::to_vec(&own).unwrap_or_default();
        let all = self
            .store
            .beat(&self.id, live.follows == Follows::Applies, &told)
            .await?;
        let all: Vec<Replica> = all
            .into_iter()
            .filter_map(|(id, told)| {
                let replica: Replica = serde_json::from_slice(&told).ok()?;
                (replica.id == id).then_some(replica)
            })
            .collect();
        self.seen.store(Arc::new(Ok(all.clone())));
        Ok(all)
    }

    /// As long as the process runs.
    pub(super) async fn keep_beating(self: Arc<Self>, live: Arc<Live>) {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.beat(&live).await {
                if self.seen.load().is_ok() {
                    tracing::error!(%error, "the other replicas do not hear of this one");
                }
                self.seen.store(Arc::new(Err(error.to_string())));
            }
        }
    }

    pub(super) fn seen(&self) -> Arc<Result<Vec<Replica>, String>> {
        self.seen.load_full()
    }

    /// For people: host and the beginning of the id.
    pub(super) fn name(&self, id: &str) -> String {
        let short: String = id.chars().take(SHORT).collect();
        let seen = self.seen.load();
        let known = seen
            .as_ref()
            .as_ref()
            .ok()
            .and_then(|all| all.iter().find(|replica| replica.id == id));
        match known {
            Some(replica) => format!("{short} on {}", crate::text::safe(&replica.host)),
            None => crate::text::safe(&short).into_owned(),
        }
    }
}

/// A name that nobody else has.
pub(super) fn random() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(hex(&bytes))
}

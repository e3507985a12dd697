//! What several gateways on one Redis share besides records: the generations that are applied to all of them, who of them is
//! there, and the one change that they agree about.
//!
//! Everything is sealed but numbers and the names that replicas gave themselves. Time is the Redis's own: clocks of
//! gateways may differ. Its connection is not the records': what is large here holds up nobody who is to be let in.

mod generations;
mod presence;
mod proposal;
#[cfg(test)]
pub(super) mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::store::redis::Redis;
use crate::store::{Keys, StoreError};

pub use proposal::{Answers, Committed, Look, Proposed};

/// After this long without a word a replica is not counted any more.
const WINDOW: Duration = Duration::from_secs(3);

/// Cheap to clone.
#[derive(Clone)]
pub struct Replicas {
    redis: Redis,
    keys: Arc<ArcSwap<Keys>>,
}

impl Replicas {
    /// As [`Redis::at`]; whoever has not the keys reads nothing.
    pub fn at(url: &str, keys: Keys) -> Result<Self, StoreError> {
        Ok(Self {
            redis: Redis::at(url)?,
            keys: Arc::new(ArcSwap::from_pointee(keys)),
        })
    }

    /// From now on the first of these seals.
    pub fn rekey(&self, keys: Keys) {
        self.keys.store(Arc::new(keys));
    }

    fn seal(&self, place: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.keys.load().seal(place, bytes)
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        match self.keys.load().open(place, sealed) {
            Ok(opened) => Ok(opened.bytes),
            Err(why) => Err(StoreError(format!("{place} in the store's Redis {}", why.told()))),
        }
    }
}

/// As scripts take a time.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replicas({:?})", self.redis)
    }
}

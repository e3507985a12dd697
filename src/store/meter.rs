//! Calls per minute that several gateways count together: one bucket for all of them, in the store that they share.
//!
//! Under a name that says nothing there is how full a bucket was, and when; one that is full again is gone by itself. The clock is the store's, so
//! that gateways need not agree on the time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use crate::store::shelf::Shelf;
use crate::store::{StoreError, keys};
use crate::text::hex;

/// Cheap to clone.
#[derive(Clone)]
pub struct Meter {
    shelf: Arc<dyn Shelf>,
    /// Of names; 32 bytes that never change.
    names: [u8; 32],
}

/// A bucket that had nothing left; then nothing was taken from any.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Empty {
    /// Which one of those asked for.
    pub at: usize,
    /// How long until there is one.
    pub wait: Duration,
}

/// Of a shelf that several gateways share.
pub trait Buckets: Send + Sync {
    /// Takes one from each of these, by name and by how many a minute has, at least 1, or none from any.
    fn take(&self, buckets: Vec<(String, u32)>) -> BoxFuture<'_, Result<Option<Empty>, StoreError>>;
}

impl Meter {
    /// `None`: nobody else uses this shelf.
    pub(super) fn of(shelf: &Arc<dyn Shelf>, root: &[u8]) -> Option<Self> {
        shelf.buckets()?;
        Some(Self {
            shelf: Arc::clone(shelf),
            names: keys::derive(root, "names of buckets").into(),
        })
    }

    /// Takes one call from each of these, by what is counted and by how many a minute has, or none from any; `None`: they are taken.
    pub async fn take(&self, subjects: &[(String, u32)]) -> Result<Option<Empty>, StoreError> {
        let buckets = self
            .shelf
            .buckets()
            .ok_or_else(|| StoreError("nothing is counted here".to_owned()))?;
        let named = subjects
            .iter()
            .map(|(subject, per_minute)| (self.name(subject), *per_minute));
        buckets.take(named.collect()).await
    }

    fn name(&self, subject: &str) -> String {
        hex(&Sha256::new().chain_update(self.names).chain_update(subject).finalize())
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meter({:?})", self.shelf)
    }
}

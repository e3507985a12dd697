//! Where sealed records lie: bytes under a folder and a name, changed by compare-and-set of the whole.
//!
//! A shelf sees no key, no value and no expiry: [`Vault`](super::Vault) seals and judges. So a new kind of store is four functions.

use std::fmt;

use futures_util::future::BoxFuture;

use crate::store::StoreError;
use crate::store::meter::Buckets;

/// A name, and what lies under it.
pub type Named = (String, Vec<u8>);

/// Names are lower-case hexadecimal; folders are words of [`Kind`](super::Kind), or `store` for the vault's own.
pub trait Shelf: fmt::Debug + Send + Sync + 'static {
    fn find(&self, folder: &'static str, name: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;

    /// Each with its name, in no order.
    fn list(&self, folder: &'static str) -> BoxFuture<'_, Result<Vec<Named>, StoreError>>;

    /// Puts `new` where `old` lies; `None` is an empty place on either side. False: something else lies there. Durable when
    /// it returns. More than `limit` in one folder is an error.
    fn swap(
        &self,
        folder: &'static str,
        name: &str,
        old: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        limit: usize,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// What others change; `None`: nobody else writes here.
    fn news(&self) -> Option<&dyn News> {
        None
    }

    /// What is counted together with others; `None`: nobody else writes here.
    fn buckets(&self) -> Option<&dyn Buckets> {
        None
    }
}

/// Of a shelf that several gateways share.
pub trait News: Send + Sync {
    /// The changes since a version that was seen before.
    fn since(&self, seen: Option<Version>) -> BoxFuture<'_, Result<Changes, StoreError>>;
}

/// Of a whole shelf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Version {
    /// Grows with every change.
    pub count: u64,
    /// Of the last change, and never given twice: a shelf that has lost changes, or was emptied, is told from the one before.
    pub mark: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changes {
    pub version: Version,
    /// `folder/name` of each, in order; `None`: nobody knows any more, all must be read.
    pub names: Option<Vec<String>>,
}

//! What a gateway keeps besides its memory: the generations that it has made live, and [`Records`] of people and their credentials.
//!
//! What is confirmed survives `kill -9` and a lost power line. The files of a generation are JSON here, as the
//! control half wrote it: nothing in it is looked at. [`Generations`] is what every kind of store does; [`Files`] is the one under
//! the state directory, [`Replicas`] the one of several gateways. Records are sealed before they leave the process ([`Vault`]), wherever they lie ([`Shelf`]); those that every
//! request needs are mirrored in memory ([`Mirror`]).

mod carried;
mod durable;
mod files;
mod folder;
mod keys;
mod meter;
mod mirror;
mod record;
mod redis;
mod replicas;
mod shelf;
mod vault;

use std::fmt;
use std::io;
use std::path::Path;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use carried::Carried;
pub use files::Files;
pub use folder::Folder;
pub use keys::{Keys, own_key};
pub use meter::{Buckets, Empty, Meter};
pub use mirror::{Mirror, Touched};
pub use record::{Expect, Kind, MAX_KEY, MAX_VALUE, Record, Records};
pub use redis::Redis;
pub use replicas::{Answers, Committed, Look, Proposed, Replicas};
pub use shelf::{Changes, Named, News, Shelf, Version};
pub use vault::Vault;

/// Generations that are kept; older ones go.
pub const KEPT: usize = 50;

/// What is known of a generation besides its files.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Head {
    /// From 1; never given twice.
    pub generation: u64,
    /// Of the files.
    pub digest: String,
    /// When it was made live, RFC 3339.
    pub at: String,
    /// Who did: `local:NAME` at the socket, `token:NAME` over TCP, `gateway` by itself.
    pub by: String,
    #[serde(flatten)]
    pub how: How,
}

/// How a generation came to be.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum How {
    /// By `mcpgw apply`.
    Apply,
    /// The followed files had changed.
    Files,
    /// By `mcpgw rollback`, to the files of this generation.
    Rollback { to: u64 },
    /// They were the files when the gateway started.
    Start,
}

/// A generation with its files, a JSON document.
#[derive(Clone, Debug)]
pub struct Kept {
    pub head: Head,
    pub files: Box<RawValue>,
}

/// A generation that is to be kept; its number is the store's to give.
#[derive(Clone, Debug)]
pub struct New {
    pub digest: String,
    pub by: String,
    pub how: How,
    pub files: Box<RawValue>,
}

/// For people; names the place, holds no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreError(String);

/// A place for generations. Several gateways may share one, so a new generation says which one it follows.
pub trait Generations: fmt::Debug + Send + Sync {
    /// All that are kept, oldest first.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Head>, StoreError>>;

    /// `None`: it is not kept any more, or never was.
    fn find(&self, generation: u64) -> BoxFuture<'_, Result<Option<Kept>, StoreError>>;

    /// The newest one, with its files.
    fn newest(&self) -> BoxFuture<'_, Result<Option<Kept>, StoreError>>;

    /// Keeps it as the successor of the generation `after`, 0 for none; there must be no newer one. When this returns
    /// it is kept, as `after + 1`.
    fn append(&self, after: u64, new: New) -> BoxFuture<'_, Result<Head, StoreError>>;
}

impl StoreError {
    fn full(kind: &str, limit: usize) -> Self {
        Self(format!(
            "the store is full: it holds {limit} records of the kind `{kind}`"
        ))
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError(format!("the store cannot {what} {}: {error}", path.display()))
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

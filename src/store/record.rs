//! What is remembered of people, clients and their credentials: small JSON documents under a kind and a key.
//!
//! [`Records`] is what `auth`, `upstream` and `serve` see. A change is confirmed when its future returns; a compare-and-set
//! by version keeps two writers from losing each other's work. An expired record is not there.

use std::fmt;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::store::StoreError;

/// Bytes of one value.
pub const MAX_VALUE: usize = 64 << 10;
/// Bytes of one key.
pub const MAX_KEY: usize = 1024;

/// What a record is about; each kind has its own key space.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// What the identity provider last said of a person.
    Account,
    /// A registered client of the authorization server.
    Client,
    /// What an MCP client has set in its session, or that the session has ended early.
    ClientSession,
    /// An authorization code.
    Code,
    /// What a server is reached with, shared or a person's own.
    Credential,
    /// An authorization that is under way.
    Flow,
    /// What a person let a client do.
    Grant,
    /// What is held.
    Hold,
    /// A browser session.
    Session,
    /// Until when all sessions of a caller's MCP clients were ended.
    SessionsEnd,
}

/// A record as it was found.
#[derive(Clone, Eq, PartialEq)]
pub struct Record {
    /// Grows with every change, and is never given twice for one key.
    pub version: u64,
    /// From then on it is not there; `None`: it stays.
    pub expires: Option<Timestamp>,
    /// JSON, opened.
    pub value: Vec<u8>,
}

/// What must be so for a change to happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// There is none.
    Absent,
    /// It is still this version.
    Version(u64),
    /// Whatever there is.
    Any,
}

/// A place for records. What cannot be read or written is an error, and never an absent record.
pub trait Records: fmt::Debug + Send + Sync {
    /// `None`: there is none, or it has expired.
    fn find(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>>;

    /// All of a kind with their keys, ordered by key.
    fn list(&self, kind: Kind) -> BoxFuture<'_, Result<Vec<(String, Record)>, StoreError>>;

    /// Confirmed when this returns, with the new version. `Ok(None)`: what was expected is not so (somebody was faster).
    /// An error where the value is over [`MAX_VALUE`], the key over [`MAX_KEY`], or the kind is full.
    fn put(
        &self,
        kind: Kind,
        key: &str,
        expect: Expect,
        value: &[u8],
        expires: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<Option<u64>, StoreError>>;

    /// False: there was none, or what was expected is not so. Confirmed when this returns.
    fn remove(&self, kind: Kind, key: &str, expect: Expect) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Removes and returns at once: of several who take it, one gets it. For what counts once (codes, flows).
    fn take(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>>;
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Account,
        Self::Client,
        Self::ClientSession,
        Self::Code,
        Self::Credential,
        Self::Flow,
        Self::Grant,
        Self::Hold,
        Self::Session,
        Self::SessionsEnd,
    ];

    /// The name of its folder or hash.
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Client => "client",
            Self::ClientSession => "client-session",
            Self::Code => "code",
            Self::Credential => "credential",
            Self::Flow => "flow",
            Self::Grant => "grant",
            Self::Hold => "hold",
            Self::Session => "session",
            Self::SessionsEnd => "sessions-end",
        }
    }

    /// How many there may be: what strangers can make without an account is bounded lower.
    pub fn limit(self) -> usize {
        match self {
            Self::Client | Self::Code | Self::Flow | Self::SessionsEnd => 10_000,
            Self::Account | Self::ClientSession | Self::Credential | Self::Grant | Self::Session => 100_000,
            Self::Hold => 1_000,
        }
    }

    /// Does every request need it, so that it is mirrored in memory?
    pub(super) fn is_mirrored(self) -> bool {
        matches!(self, Self::ClientSession | Self::Grant | Self::Hold | Self::SessionsEnd)
    }
}

impl Record {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The value may be a credential.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("version", &self.version)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

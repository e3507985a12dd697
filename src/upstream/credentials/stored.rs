//! A credential as it lies in the store: JSON, sealed there.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A secret inside a record. It is written to the store, which seals it, and never printed.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Hidden(pub(super) String);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Stored {
    /// Random, given when a person connects: another one is another account, perhaps.
    pub(super) account: String,
    /// Scheme, host and port of the server that it was given for; `None`: a command. It is sent nowhere else.
    #[serde(default)]
    pub(super) at: Option<String>,
    /// The token; empty where one could not be had yet.
    pub(super) access: Hidden,
    #[serde(default)]
    pub(super) refresh: Option<Hidden>,
    /// Of `access`; `None`: nobody said.
    #[serde(default)]
    pub(super) expires: Option<Timestamp>,
    /// When the present `access` was issued or pasted.
    pub(super) since: Timestamp,
    /// The server, or the authorization server, did not take it.
    #[serde(default)]
    pub(super) refused: bool,
    /// What was asked for.
    #[serde(default)]
    pub(super) scopes: BTreeSet<String>,
    /// What the server wanted besides: asked for when the person connects again.
    #[serde(default)]
    pub(super) wanted: BTreeSet<String>,
    /// `None`: a person pasted it.
    #[serde(default)]
    pub(super) issued: Option<Issued>,
    /// Until then one replica is refreshing it.
    #[serde(default)]
    pub(super) lease: Option<Timestamp>,
}

/// By whom a token was issued, and how another one is asked for. Never used with another issuer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Issued {
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    pub(super) client: Client,
    /// RFC 8707, byte for byte as the server's metadata says; `None`: not sent.
    pub(super) resource: Option<String>,
}

/// What the gateway is to one authorization server.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Client {
    pub(super) id: String,
    #[serde(default)]
    pub(super) secret: Option<Hidden>,
    pub(super) method: ClientMethod,
}

/// RFC 7591 `token_endpoint_auth_method`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ClientMethod {
    Basic,
    None,
    Post,
}

impl Stored {
    /// A token that a person pasted.
    pub(super) fn pasted(token: &str, at: Option<&str>, account: String, now: Timestamp) -> Self {
        Self {
            account,
            at: at.map(str::to_owned),
            access: Hidden(token.to_owned()),
            refresh: None,
            expires: None,
            since: now,
            refused: false,
            scopes: BTreeSet::new(),
            wanted: BTreeSet::new(),
            issued: None,
            lease: None,
        }
    }

    /// Was it given for the server that stands there?
    pub(super) fn is_for(&self, at: Option<&str>) -> bool {
        self.at.as_deref() == at
    }

    /// Does the token still count, as far as its own end says?
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        !self.access.0.is_empty() && self.expires.is_none_or(|expires| now < expires)
    }

    /// Is it time for another one? A minute ahead of the end, or a fifth of its life where that is shorter.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| {
            let life = Duration::try_from(expires.duration_since(self.since)).unwrap_or_default();
            let ahead = Duration::from_secs(60).min(life / 5);
            now + ahead >= expires
        })
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

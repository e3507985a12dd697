//! What a session has set, where other gateways and later processes find it: log level, subscriptions, capabilities too long for an
//! id; and that it has ended.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::gate::level::Level;
use crate::name::ServerName;

/// Resources that one session may be subscribed to.
const MAX_SUBSCRIPTIONS: usize = 1_000;
/// Bytes of what one session may save.
const MAX: usize = 32 << 10;

/// A version of what is saved, and the bytes.
pub type Versioned = (u64, Vec<u8>);

/// Where it is saved. A record goes by itself at its session's hard end.
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// No other gateway writes here.
    fn is_alone(&self) -> bool;

    /// Which version is known here; another gateway may have written a newer one a moment ago. From memory.
    fn version(&self, session: &str) -> Option<u64>;

    /// With its version. From memory.
    fn known(&self, session: &str) -> Option<Versioned>;

    /// As it is now.
    fn find(&self, session: &str) -> BoxFuture<'_, Result<Option<Versioned>, String>>;

    /// In place of the version that was `seen`, `None` of nothing; gives the new version. `Ok(None)`: somebody was faster. `end`:
    /// milliseconds since 1970.
    fn put(
        &self,
        session: &str,
        seen: Option<u64>,
        value: Vec<u8>,
        end: u64,
    ) -> BoxFuture<'_, Result<Option<u64>, String>>;

    /// Ticks when another gateway may have written.
    fn changes(&self) -> tokio::sync::watch::Receiver<u64>;
}

#[derive(Clone, Debug, Default)]
pub(in crate::gate) struct Saved {
    pub(in crate::gate) is_ended: bool,
    pub(in crate::gate) level: Option<Level>,
    pub(in crate::gate) subscriptions: BTreeSet<(ServerName, String)>,
    /// A JSON object.
    pub(in crate::gate) capabilities: Option<Bytes>,
}

/// Why it was not saved.
#[derive(Debug)]
pub(in crate::gate) enum Unsaved {
    /// The session has ended meanwhile.
    Ended,
    /// There is no room for more.
    TooMuch,
    /// This caller has had more sessions saved than it may.
    TooOften,
    /// The store is away or full; for the log.
    Store(String),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ended: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subscriptions: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capabilities: Option<Box<RawValue>>,
}

impl Saved {
    pub(super) fn ended() -> Self {
        Self {
            is_ended: true,
            ..Self::default()
        }
    }

    /// `None`: no version of the gateway has written it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        let subscriptions = written.subscriptions.into_iter();
        Some(Self {
            is_ended: written.ended,
            level: match written.level {
                Some(level) => Some(Level::parse(&level)?),
                None => None,
            },
            subscriptions: subscriptions
                .map(|(server, uri)| Some((ServerName::new(&server).ok()?, uri)))
                .collect::<Option<_>>()?,
            capabilities: written
                .capabilities
                .map(|raw| Bytes::copy_from_slice(raw.get().as_bytes())),
        })
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, Unsaved> {
        if self.subscriptions.len() > MAX_SUBSCRIPTIONS {
            return Err(Unsaved::TooMuch);
        }
        let raw = |bytes: &Bytes| {
            let text = std::str::from_utf8(bytes).ok()?;
            RawValue::from_string(text.to_owned()).ok()
        };
        let written = Written {
            ended: self.is_ended,
            level: self.level.map(|level| level.as_str().to_owned()),
            subscriptions: self
                .subscriptions
                .iter()
                .map(|(server, uri)| (server.as_str().to_owned(), uri.clone()))
                .collect(),
            capabilities: match &self.capabilities {
                Some(bytes) => Some(raw(bytes).ok_or(Unsaved::TooMuch)?),
                None => None,
            },
        };
        let bytes = serde_json::to_vec(&written).map_err(|error| Unsaved::Store(error.to_string()))?;
        if bytes.len() > MAX {
            return Err(Unsaved::TooMuch);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_again_within_its_bound() {
        let mut saved = Saved {
            is_ended: false,
            level: Level::parse("warning"),
            subscriptions: BTreeSet::from([(ServerName::new("s").unwrap(), "a://b".to_owned())]),
            capabilities: Some(Bytes::from_static(b"{\"roots\": {}}")),
        };
        let again = Saved::read(&saved.write().unwrap()).unwrap();
        assert_eq!(
            (again.level, &again.subscriptions, &again.capabilities),
            (saved.level, &saved.subscriptions, &saved.capabilities)
        );
        assert!(!again.is_ended && Saved::read(b"{\"later\":1}").is_none());
        saved
            .subscriptions
            .insert((ServerName::new("s").unwrap(), "x".repeat(MAX)));
        assert!(matches!(saved.write(), Err(Unsaved::TooMuch)));
    }
}

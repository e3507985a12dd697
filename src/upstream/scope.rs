//! Who opens a conversation, what the client can do, and where a server's unasked messages go.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::mcp::Version;
use crate::name::{Principal, ServerName};

/// For whom a conversation is opened. What `isolation` makes of it is in `pool`.
#[derive(Clone, Debug)]
pub struct Scope {
    pub principal: Principal,
    /// Of a client that holds a session with the gateway. An anonymous caller without one never shares what `auto` would isolate.
    pub session: Option<SessionKey>,
    pub profile: Profile,
    pub sink: Option<Sink>,
}

/// A gateway session, by a key that says nothing to others.
pub type SessionKey = Arc<str>;

/// What a legacy `initialize` is told about the client.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Profile {
    pub version: Version,
    /// The client's capabilities, a raw JSON object.
    pub capabilities: Bytes,
}

/// Where a server's messages outside any call go. Bounded: what finds it full is dropped and counted.
pub type Sink = mpsc::Sender<Unsolicited>;

/// A request or notification that a server sent outside any call; whole, as it came.
#[derive(Clone, Debug)]
pub struct Unsolicited {
    pub server: ServerName,
    pub message: Bytes,
}

impl Profile {
    /// The gateway's own: it can answer no question of a server.
    pub(super) fn own() -> Self {
        Self {
            version: Version::NEWEST,
            capabilities: Bytes::from_static(b"{}"),
        }
    }
}

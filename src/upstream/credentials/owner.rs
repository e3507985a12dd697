//! Whose credential it is.

use std::fmt;
use std::sync::Arc;

use crate::name::{Principal, ServerName};

/// Part of every key under which credentials, connections, processes and catalogues are kept.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Owner {
    /// The gateway's, for everybody who may use the server.
    Shared,
    /// A service's, which stands in its table.
    Service(crate::name::ServiceName),
    /// A person's.
    User(Arc<str>),
}

impl Owner {
    /// Whose a personal credential of this caller is; `anonymous` has none.
    pub fn of(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Anonymous => None,
            Principal::Service(name) => Some(Self::Service(name.clone())),
            Principal::User(name) => Some(Self::User(Arc::clone(name))),
        }
    }

    /// The record's key.
    pub(super) fn key(&self, server: &ServerName) -> String {
        format!("{server}/{self}")
    }

    /// Reads a record's key; `None`: it is none of a credential.
    pub(super) fn read(key: &str) -> Option<(ServerName, Self)> {
        let (server, owner) = key.split_once('/')?;
        let server = ServerName::new(server).ok()?;
        let owner = match owner.split_once(':') {
            None if owner == "shared" => Self::Shared,
            Some(("user", name)) if !name.is_empty() => Self::User(name.into()),
            _ => return None,
        };
        Some((server, owner))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("shared"),
            Self::Service(name) => write!(f, "service:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
        }
    }
}

//! Who is calling, and the terms by which a role names callers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::ServiceName;

/// One caller's identity, as it stands in caches, logs and rules.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Principal {
    Anonymous,
    Service(ServiceName),
    /// A person: a local account, a name of the identity provider, or `PREFIX` + name of an external issuer.
    User(Arc<str>),
}

impl Principal {
    /// Reads `user:NAME`, `service:NAME` or `anonymous`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("user", name)) if !name.is_empty() => Some(Self::User(name.into())),
            Some(("service", name)) => ServiceName::new(name).ok().map(Self::Service),
            None if text == "anonymous" => Some(Self::Anonymous),
            _ => None,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Service(name) => write!(f, "service:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
        }
    }
}

/// A principal with the groups that its token, provider or table gives it.
///
/// Groups that `[group.*]` tables add are not in here: `snapshot::access` resolves them, so that a reload counts at once.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Caller {
    pub principal: Principal,
    pub groups: BTreeSet<Arc<str>>,
}

impl Caller {
    pub fn anonymous() -> Self {
        Self {
            principal: Principal::Anonymous,
            groups: BTreeSet::new(),
        }
    }
}

/// A term of `members` in a role or a group.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Member {
    Anonymous,
    /// Every person, service and issuer's token.
    Authenticated,
    Group(Arc<str>),
    Service(ServiceName),
    User(Arc<str>),
}

impl Member {
    /// Reads `anonymous`, `authenticated`, `group:NAME`, `service:NAME` or `user:NAME`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("group", name)) if !name.is_empty() => Some(Self::Group(name.into())),
            Some(("service", name)) => ServiceName::new(name).ok().map(Self::Service),
            Some(("user", name)) if !name.is_empty() => Some(Self::User(name.into())),
            None if text == "anonymous" => Some(Self::Anonymous),
            None if text == "authenticated" => Some(Self::Authenticated),
            _ => None,
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Authenticated => f.write_str("authenticated"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Service(name) => write!(f, "service:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
        }
    }
}

//! What can be held: a caller, a group, an endpoint, a server, a tool.

use std::fmt;
use std::sync::Arc;

use super::{EndpointName, Principal, ServerName};

/// The WHAT of `mcpgw hold`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Target {
    Endpoint(EndpointName),
    /// Everybody who is in it, by a provider, an issuer, or a `[group.*]` table.
    Group(Arc<str>),
    Principal(Principal),
    Server(ServerName),
    /// By its server's own name for it.
    Tool {
        server: ServerName,
        tool: Arc<str>,
    },
}

impl Target {
    /// Reads `user:NAME`, `service:NAME`, `anonymous`, `group:NAME`, `endpoint:NAME`, `server:NAME` or `tool:SERVER/TOOL`.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.split_once(':').map_or(text, |(_, name)| name);
        if name.trim() != name {
            return None;
        }
        match text.split_once(':') {
            Some(("endpoint", name)) => EndpointName::new(name).ok().map(Self::Endpoint),
            Some(("group", name)) if !name.is_empty() => Some(Self::Group(name.into())),
            Some(("server", name)) => ServerName::new(name).ok().map(Self::Server),
            Some(("tool", path)) => {
                let (server, tool) = path.split_once('/').filter(|(_, tool)| !tool.is_empty())?;
                Some(Self::Tool {
                    server: ServerName::new(server).ok()?,
                    tool: tool.into(),
                })
            }
            _ => Principal::parse(text).map(Self::Principal),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(name) => write!(f, "endpoint:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Principal(principal) => principal.fmt(f),
            Self::Server(name) => write!(f, "server:{name}"),
            Self::Tool { server, tool } => write!(f, "tool:{server}/{tool}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "user:alice@example.com",
            "service:bot",
            "anonymous",
            "group:corp:admins",
            "endpoint:support",
            "server:github",
            "tool:github/issues/create",
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "alice",
            "user:",
            "group:",
            "tool:github",
            "tool:github/",
            "server:a/b",
            "role:x",
            "user:a ",
            "user: a",
        ] {
            assert_eq!(Target::parse(wrong), None, "{wrong}");
        }
    }
}

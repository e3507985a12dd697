//! THE answer to "may X call Y": `gate`, `plan`, `test` and `explain` all ask here, for lists and for calls.
//!
//! In come a Snapshot, a caller, and what the caller wants; out comes a [`Decision`] that names the rule, or the
//! [`Permit`] without which `upstream` reaches no server. No I/O. What always holds: nothing is allowed that no rule
//! allows; a `deny` wins; where something is in doubt (an argument, a hint, a URI) the answer is no; what is listed is
//! exactly what some call could be allowed for.

mod arguments;
mod holds;
mod judge;
mod permit;
mod rights;
mod trace;
mod uri;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use std::fmt;

pub use arguments::{Arguments, ArgumentsError};
pub use holds::{Holds, LiveHolds};
pub use judge::Verdict;
pub use permit::{Denied, Permit, Purpose};
pub use rights::{Rights, RightsKey};
pub use trace::{Considered, Reach, trace, who};
pub use uri::uri_is_safe;

use super::RuleId;
use crate::name::{ServerName, Target};

/// Something of a server that a caller may ask for, by the server's own name for it (never the shown one).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Object<'a> {
    Tool {
        server: &'a ServerName,
        tool: &'a str,
    },
    Prompt {
        server: &'a ServerName,
        name: &'a str,
    },
    /// A resource, or a template by its text.
    Resource {
        server: &'a ServerName,
        uri: &'a str,
    },
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ObjectKind {
    Tool,
    Prompt,
    Resource,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// By this `allow`.
    Allowed {
        rule: RuleId,
    },
    Denied {
        reason: Reason,
    },
    /// Only without arguments: they decide, by these rules. Listed, as some call could be allowed.
    Conditional {
        /// Those that could allow; a rule without `argument` is among them where only a `deny` asks for arguments.
        allow: Vec<RuleId>,
        /// Those that could deny.
        deny: Vec<RuleId>,
    },
}

/// Why not. For the log and `explain`; a client is told only what [`Reason::is_about_arguments`] says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// It is held, whatever the rules say.
    Held(Target),
    /// The endpoint does not exist, does not offer the server, or its globs do not select the name.
    NotSelected,
    /// The server is pinned and the tool or prompt does not stand in its lock.
    NotLocked,
    /// The server wants personal credentials and this service (or `anonymous`) has none.
    NoCredential,
    /// A resource URI with dot segments, or an encoded `/`, `.` or `\`.
    UnsafeUri,
    /// No `allow` of the caller's roles covers it.
    NoRule,
    /// This `deny` covers it.
    Rule(RuleId),
    /// This `deny` covers it because of the arguments; `None`: no `allow` does with these arguments.
    Arguments(Option<RuleId>),
    /// Rules ask for the arguments, which cannot be judged.
    UnclearArguments(ArgumentsError),
}

impl<'a> Object<'a> {
    pub fn server(self) -> &'a ServerName {
        match self {
            Self::Tool { server, .. } | Self::Prompt { server, .. } | Self::Resource { server, .. } => server,
        }
    }

    /// The tool's or prompt's name, or the URI.
    pub fn name(self) -> &'a str {
        match self {
            Self::Tool { tool: name, .. } | Self::Prompt { name, .. } | Self::Resource { uri: name, .. } => name,
        }
    }

    pub fn kind(self) -> ObjectKind {
        match self {
            Self::Tool { .. } => ObjectKind::Tool,
            Self::Prompt { .. } => ObjectKind::Prompt,
            Self::Resource { .. } => ObjectKind::Resource,
        }
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server(), self.name())
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
        })
    }
}

impl Decision {
    /// Whether lists show it: some call could be allowed.
    pub fn is_listed(&self) -> bool {
        !matches!(self, Self::Denied { .. })
    }
}

impl Reason {
    /// The client sees the tool in its list, so that it is told what stood in the way (a tool error). For every other
    /// reason the answer is that of a name that does not exist.
    pub fn is_about_arguments(&self) -> bool {
        matches!(self, Self::Arguments(_) | Self::UnclearArguments(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(target) => write!(f, "`{target}` is held"),
            Self::NotSelected => f.write_str("the endpoint does not select it"),
            Self::NotLocked => f.write_str("the server is locked and its lock does not have it"),
            Self::NoCredential => f.write_str("the server wants personal credentials and the caller has none"),
            Self::UnsafeUri => f.write_str("the URI has dot segments, or an encoded `/`, `.` or `\\`"),
            Self::NoRule => f.write_str("no rule allows it"),
            Self::Rule(rule) => write!(f, "{rule} denies it"),
            Self::Arguments(Some(rule)) => write!(f, "{rule} denies it with these arguments"),
            Self::Arguments(None) => f.write_str("no rule allows it with these arguments"),
            Self::UnclearArguments(error) => write!(f, "rules ask for the arguments, but {error}"),
        }
    }
}

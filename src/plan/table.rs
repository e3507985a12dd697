//! Which table a change is of.

use std::fmt;

/// In the order in which changes are told.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    Gateway,
    Server,
    Endpoint,
    /// `[endpoint.NAME.server.SERVER]`.
    Selection,
    Login,
    User,
    Service,
    Issuer,
    Group,
    Role,
    Pii,
    /// `locked/SERVER.json`.
    Lock,
    /// A file that a table names and that is part of the configuration.
    File,
}

/// One table, or one file beside them.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Table {
    pub kind: Kind,
    /// Empty where there is only one; `ENDPOINT.server.SERVER` of a selection.
    pub name: String,
}

impl Table {
    pub(super) fn new(kind: Kind, name: impl fmt::Display) -> Self {
        Self {
            kind,
            name: name.to_string(),
        }
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Server => "server",
            Self::Endpoint | Self::Selection => "endpoint",
            Self::Login => "login",
            Self::User => "user",
            Self::Service => "service",
            Self::Issuer => "issuer",
            Self::Group => "group",
            Self::Role => "role",
            Self::Pii => "pii",
            Self::Lock => "lock",
            Self::File => "file",
        }
    }
}

/// `server github`.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        Ok(())
    }
}

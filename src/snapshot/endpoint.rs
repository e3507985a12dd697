//! `[endpoint.NAME]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::lock::Lock;
use crate::name::{Pattern, PiiName, ServerName};

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// Default: the endpoint's name.
    pub title: String,
    pub description: Option<String>,
    /// `None`: the gateway's. `Some(None)`: `pii = ""`, which takes the gateway's off.
    pub pii: Option<Option<PiiName>>,
    pub tool_names: ToolNames,
    /// `access-duration`: default 30d, max 90d.
    pub access_default: Duration,
    pub access_max: Duration,
    pub limits: Limits,
    pub exposure: Exposure,
    /// In the order of the configuration, which decides the order of lists and who serves a contested resource URI.
    pub servers: Vec<Selection>,
}

/// How shown names are made: `"{server}_{tool}"` or `"{tool}"`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ToolNames {
    ServerAndTool,
    Tool,
}

impl ToolNames {
    /// The name of a tool or prompt that nothing renames; a long one is shortened where it is served.
    pub fn of(self, server: &ServerName, name: &str) -> String {
        match self {
            Self::ServerAndTool => format!("{server}_{name}"),
            Self::Tool => name.to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exposure {
    List,
    Search,
}

/// Limits of an endpoint or a tool; `None` sets none here. Of several the smallest holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// 0 = off.
    pub calls_per_minute: Option<u32>,
    pub call_timeout: Option<Duration>,
    pub response_body: Option<u64>,
}

/// `[endpoint.NAME.server.SERVER]`: what of one server the endpoint offers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Selection {
    pub server: ServerName,
    pub tools: Globs,
    pub prompts: Globs,
    pub resources: Globs,
    /// By the server's own tool name.
    pub overrides: BTreeMap<Arc<str>, ToolOverride>,
}

impl Selection {
    /// The selected tools that the files know: those of the server's lock; without one, those named without a glob.
    pub fn known_tools<'a>(&'a self, lock: Option<&'a Lock>) -> BTreeSet<&'a str> {
        let mut tools: BTreeSet<&str> = if let Some(lock) = lock {
            lock.tools().map(|(name, _)| &**name).collect()
        } else {
            let named = self.tools.with.iter().filter_map(Pattern::literal);
            named.chain(self.overrides.keys().map(|name| &**name)).collect()
        };
        tools.retain(|tool| self.tools.is_match(tool));
        tools
    }

    /// The first glob by which tools are selected. Without a lock it admits whatever the server adds later.
    pub fn tool_glob(&self) -> Option<&Pattern> {
        self.tools.with.iter().find(|pattern| pattern.literal().is_none())
    }
}

/// `tools = ["get_*", "!get_secret"]`; empty selects nothing. A `!` takes away wherever it stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Globs {
    pub with: Vec<Pattern>,
    pub without: Vec<Pattern>,
}

impl Globs {
    pub fn is_match(&self, name: &str) -> bool {
        self.with.iter().any(|pattern| pattern.is_match(name))
            && !self.without.iter().any(|pattern| pattern.is_match(name))
    }
}

/// `[endpoint.NAME.server.SERVER.tool.TOOL]`: what clients see instead.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ToolOverride {
    /// Shown as written, without the endpoint's prefix.
    pub name: Option<String>,
    pub description: Option<String>,
    pub limits: Limits,
}

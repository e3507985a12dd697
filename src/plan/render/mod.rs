//! A plan as text: for people, for programs, for a comment on a pull request, for GitHub's annotations.
//!
//! Renderers only print. All foreign text (names of tools, of files, of people) is made safe here, and the worst stands
//! first everywhere.

mod github;
mod human;
pub(super) mod json;
mod markdown;
mod words;

use serde::{Deserialize, Serialize};

pub use github::github;
pub use human::human;
pub use json::json;
pub use markdown::markdown;

use super::{Place, Plan};

/// A plan, and what must be said around it.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    pub plan: &'a Plan,
    pub current: Base,
    pub proposed: Base,
    /// Of the proposed files.
    pub findings: Vec<Finding>,
    pub holds: Vec<Hold>,
    /// What makes exactly this live, as it is typed; `None` where nothing can.
    pub command: Option<String>,
    /// Show what does not change, too.
    pub all: bool,
}

/// What one side is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Base {
    /// `live`, `applied`, `git`, `path` or `empty`.
    pub kind: &'static str,
    /// For people: `gateway on .mcpgw/control.sock, generation 4`.
    pub name: String,
    pub digest: Option<String>,
}

/// Something to be said of the proposed files.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// `error` or `warning`.
    pub severity: &'static str,
    pub code: &'static str,
    pub title: String,
    pub place: Option<Place>,
    pub help: Option<String>,
}

/// Something that is taken away from the running gateway, whatever its files say.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hold {
    pub what: String,
    pub by: String,
    pub reason: Option<String>,
    /// The TOML that would make it permanent.
    pub toml: String,
}

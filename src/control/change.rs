//! How a change of the running gateway goes and ends, as it tells: lines of JSON.

use serde::Deserialize;

/// One line.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Outcome(Changed),
    Event(Event),
}

/// What is under way.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// Secrets, ports and certificates, then so many servers are asked.
    Checking {
        servers: usize,
    },
    Server(Answered),
    /// Of a newer gateway.
    #[serde(other)]
    Other,
}

/// How a server answered before the swap.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Answered {
    pub server: String,
    pub answer: Answer,
    pub tools: Option<usize>,
    /// In words that may be the server's.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Answers,
    Failed,
    /// It failed, and was allowed to.
    LetThrough,
    /// Nobody's credential can open it yet.
    NotAuthorizedYet,
}

/// How it ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Changed {
    Swapped {
        generation: u64,
        digest: String,
        /// Servers that do not answer yet.
        #[serde(default)]
        servers: Vec<Answered>,
        /// Replicas that had not swapped when this was told.
        #[serde(default)]
        behind: Vec<String>,
    },
    /// It was served already.
    Unchanged { generation: u64 },
    /// Nothing has changed; all that is wrong is told.
    Refused { findings: Vec<Told>, problems: Vec<String> },
    /// Something else is served, or to be served, than who asked has seen.
    Stale { reason: String },
    /// The replicas had agreed, and their store does not say whether it is decided.
    Unknown { reason: String },
}

/// A finding.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Told {
    pub code: String,
    /// `file:line:column`.
    pub place: String,
    pub title: String,
    pub help: Option<String>,
}

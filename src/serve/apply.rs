//! A change that somebody asks for over the control API: what it is, what it tells on its way, how it ends.

use std::collections::BTreeSet;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::config::Bundle;
use crate::name::ServerName;
use crate::serve::live::Failure;
use crate::store::How;

/// Events that wait to be read; who reads too slowly misses some, and never the outcome.
pub(super) const EVENTS: usize = 1024;

/// Somebody who waits for the outcome.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) what: Change,
    /// As history names them.
    pub(super) by: String,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) outcome: oneshot::Sender<Outcome>,
}

#[derive(Debug)]
pub(super) enum Change {
    /// The followed files as they are now; `expected` is the digest that they were seen with.
    Reload {
        expected: Option<String>,
    },
    Apply(Box<Apply>),
}

/// Files to be made live, in place of those with the digest `base`.
#[derive(Debug)]
pub(super) struct Apply {
    pub(super) base: String,
    pub(super) bundle: Bundle,
    pub(super) how: How,
    /// Every server must be in the lock.
    pub(super) locked: bool,
    /// `None`: no server needs to answer.
    pub(super) servers: Option<Required>,
}

/// New and changed servers must answer, but for these.
#[derive(Debug, Default)]
pub(super) struct Required {
    pub(super) unreachable_ok: BTreeSet<ServerName>,
}

/// What is under way; for people who wait.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub(super) enum Event {
    /// Secrets, ports and certificates come first.
    Checking {
        servers: usize,
    },
    Server(Answered),
}

/// How a server answered before the swap.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Answered {
    pub(super) server: String,
    pub(super) answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Answers,
    Failed,
    /// It failed, and `--unreachable-ok` names it.
    LetThrough,
    /// Nobody's credential can open it yet.
    NotAuthorizedYet,
}

/// How a change ended.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub(super) enum Outcome {
    Swapped {
        generation: u64,
        digest: String,
        /// Servers that do not answer yet.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        servers: Vec<Answered>,
        /// Replicas that had not swapped when this was told.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        behind: Vec<String>,
    },
    Unchanged {
        generation: u64,
    },
    Refused(Failure),
    /// Something else is served, or to be served, than who asked has seen.
    Stale {
        reason: String,
    },
    /// It was decided in the store, which does not say how.
    Unknown {
        reason: String,
    },
}

impl Outcome {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Swapped { .. } => "swapped",
            Self::Unchanged { .. } => "unchanged",
            Self::Refused(_) => "refused",
            Self::Stale { .. } => "stale",
            Self::Unknown { .. } => "unknown",
        }
    }
}

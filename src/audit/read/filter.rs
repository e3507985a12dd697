//! Which entries somebody wants to see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::Entry;

/// All that is given must hold; the default lets everything through.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Filter {
    pub endpoint: Option<String>,
    pub server: Option<String>,
    /// A tool's, prompt's or resource's own name, also with its server in front.
    pub tool: Option<String>,
    /// `user:NAME`, `service:NAME`, `anonymous`, or the NAME alone.
    pub user: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    pub status: Option<Status>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The server gave a result.
    Answered,
    /// The client took it back, or its connection was lost.
    Cancelled,
    /// By a rule, or because there is no such thing for this caller. It reached no server.
    Denied,
    /// The server answered with an error, or the tool said that it failed.
    Error,
    /// The server could not be reached, did not answer in time, or broke the protocol.
    Failed,
    /// By the lock: the session that was to run it does not list what was reviewed. It was not sent.
    HeldBack,
    /// It has not ended yet.
    Open,
    /// By a limit, or because it could not be recorded. It reached no server.
    Refused,
    /// The gateway ended before the call did.
    Unknown,
}

impl Status {
    pub const ALL: [Self; 9] = [
        Self::Answered,
        Self::Cancelled,
        Self::Denied,
        Self::Error,
        Self::Failed,
        Self::HeldBack,
        Self::Open,
        Self::Refused,
        Self::Unknown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
            Self::Error => "error",
            Self::Failed => "failed",
            Self::HeldBack => "held-back",
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Filter {
    pub fn admits(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, key: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| entry.members.text(key).as_ref() == Some(wanted))
        };
        self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time < until)
            && self.status.is_none_or(|status| entry.status == Some(status))
            && is(&self.endpoint, "endpoint")
            && is(&self.server, "server")
            && self.tool.as_ref().is_none_or(|tool| is_tool(entry, tool))
            && self.user.as_ref().is_none_or(|user| is_user(entry, user))
    }
}

fn is_tool(entry: &Entry, wanted: &str) -> bool {
    let named = ["tool", "prompt", "resource"]
        .iter()
        .filter_map(|key| entry.members.text(key));
    named.into_iter().any(|name| name == *wanted) || entry.object().as_deref() == Some(wanted)
}

fn is_user(entry: &Entry, wanted: &str) -> bool {
    entry.principal().is_some_and(|principal| {
        principal == *wanted || principal.split_once(':').is_some_and(|(_, name)| name == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::json!(status), status.as_str());
        }
    }
}

//! What differs from the lock, for people, for a comment on a pull request, for programs.
//!
//! All text of servers is foreign: it is made safe here, and nothing in it can look like a row of the diff.

mod human;
mod json;
mod lines;
mod markdown;
mod text;

use super::{Diff, Lock};
use crate::name::ServerName;
use crate::text::{count, safe};

pub use human::{human, human_diff};
pub use json::json;
pub use markdown::{markdown, markdown_diff};

/// By server, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub servers: Vec<Reviewed>,
}

/// One server beside its lock.
#[derive(Clone, Debug)]
pub struct Reviewed {
    pub server: ServerName,
    /// Its lock, as it is shown to people.
    pub file: String,
    pub state: State,
    /// The lock was written.
    pub written: bool,
}

#[derive(Clone, Debug)]
pub enum State {
    Differs(Diff),
    /// Nothing of it was reviewed: it has no file, or one that cannot be read, and why.
    New {
        live: Lock,
        unreadable: Option<String>,
    },
    Same,
    /// It could not be listed.
    Unlisted {
        reason: String,
    },
}

impl Report {
    /// Is there anything that was not reviewed?
    pub fn differs(&self) -> bool {
        self.count(State::differs) > 0
    }

    pub fn is_complete(&self) -> bool {
        self.count(|state| matches!(state, State::Unlisted { .. })) == 0
    }

    fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.servers.iter().filter(|reviewed| is(&reviewed.state)).count()
    }

    /// `4 servers: 1 differs from the lock, 1 was recorded, 2 are as reviewed`.
    fn totals(&self) -> String {
        let open = |is: fn(&State) -> bool| {
            let open = self.servers.iter().filter(|reviewed| !reviewed.written);
            open.filter(|reviewed| is(&reviewed.state)).count()
        };
        let differ = open(|state| matches!(state, State::Differs(_)));
        let new = open(|state| matches!(state, State::New { .. }));
        let written = self
            .servers
            .iter()
            .filter(|reviewed| reviewed.written && reviewed.state.differs());
        let written = written.count();
        let same = self.count(|state| matches!(state, State::Same));
        let unlisted = self.count(|state| matches!(state, State::Unlisted { .. }));
        let verb = |count: usize, one: &'static str, many: &'static str| if count == 1 { one } else { many };
        let parts: Vec<String> = [
            (differ, verb(differ, "differs from the lock", "differ from the lock")),
            (new, verb(new, "is not in it yet", "are not in it yet")),
            (written, verb(written, "was recorded", "were recorded")),
            (same, verb(same, "is as reviewed", "are as reviewed")),
            (unlisted, "could not be listed"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
        let servers = count(self.servers.len(), "server");
        if parts.is_empty() {
            return servers;
        }
        format!("{servers}: {}", parts.join(", "))
    }
}

impl State {
    /// Is there something that was not reviewed?
    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs(_) | Self::New { .. })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Differs(_) => "differs",
            Self::New { .. } => "new",
            Self::Same => "same",
            Self::Unlisted { .. } => "unlisted",
        }
    }

    /// In a few words, safe to print.
    fn summary(&self) -> String {
        match self {
            Self::Differs(diff) => diff.summary(),
            Self::New { live, unreadable } => {
                let why = match unreadable {
                    Some(why) => format!("its lock cannot be read ({})", safe(why)),
                    None => "not in the lock yet".to_owned(),
                };
                format!("{why}: {}", contents(live))
            }
            Self::Same => "as reviewed".to_owned(),
            Self::Unlisted { reason } => format!("could not be listed: {}", safe(reason)),
        }
    }
}

/// `2 tools, 1 prompt`.
fn contents(lock: &Lock) -> String {
    let counts = [
        (lock.tools.len(), "tool"),
        (lock.prompts.len(), "prompt"),
        (lock.templates.len(), "template"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| count(*number, noun))
        .collect();
    if counts.is_empty() {
        return "it lists nothing".to_owned();
    }
    counts.join(", ")
}

//! Recorded definitions of a server's tools and prompts (`locked/SERVER.json`): what they are and what differs.
//!
//! In come the bytes of a lock file or the definitions that a server lists, out comes a [`Lock`]; a server that has one is
//! pinned. Two of them differ in a [`Diff`], which a [`Report`] shows to people and programs. No I/O. What always holds: rendering is canonical, so that equal locks are equal files and git's own diff shows
//! what changed.

mod definition;
mod diff;
mod file;
mod number;
mod render;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use definition::{Difference, LockedPrompt, LockedTemplate, LockedTool};
pub use diff::Diff;
pub use render::{Report, Reviewed, State, human, human_diff, json, markdown, markdown_diff};

/// What was reviewed of one server: everything it lists, selected or not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lock {
    protocol: String,
    tools: BTreeMap<Arc<str>, LockedTool>,
    prompts: BTreeMap<Arc<str>, LockedPrompt>,
    /// By URI template.
    templates: BTreeMap<Arc<str>, LockedTemplate>,
}

/// Why bytes are not a lock, or definitions cannot be recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LockError {
    /// In bytes from the start of what was read.
    pub offset: usize,
    pub message: String,
}

impl Lock {
    /// The tool as it was reviewed; `None` for one that is new.
    pub fn tool(&self, name: &str) -> Option<&LockedTool> {
        self.tools.get(name)
    }

    pub fn prompt(&self, name: &str) -> Option<&LockedPrompt> {
        self.prompts.get(name)
    }

    pub fn template(&self, uri_template: &str) -> Option<&LockedTemplate> {
        self.templates.get(uri_template)
    }

    /// Why a tool that a server lists is not what was reviewed, in a few words; `None`: it is.
    pub fn tool_differs(&self, name: &str, live: &[u8]) -> Option<String> {
        differs(self.tool(name), |known| known.differs(live))
    }

    pub fn prompt_differs(&self, name: &str, live: &[u8]) -> Option<String> {
        differs(self.prompt(name), |known| known.differs(live))
    }

    pub fn template_differs(&self, uri_template: &str, live: &[u8]) -> Option<String> {
        differs(self.template(uri_template), |known| known.differs(live))
    }

    /// Takes over one tool as `live` has it, which may be not at all; everything else stays as it was reviewed. `false`:
    /// neither of them knows it.
    pub fn take_tool(&mut self, live: &Self, name: &str) -> bool {
        match live.tools.get_key_value(name) {
            Some((name, tool)) => {
                self.tools.insert(Arc::clone(name), tool.clone());
                true
            }
            None => self.tools.remove(name).is_some(),
        }
    }

    /// The version that the server spoke when it was recorded.
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// By name.
    pub fn tools(&self) -> impl Iterator<Item = (&Arc<str>, &LockedTool)> {
        self.tools.iter()
    }

    /// By name.
    pub fn prompts(&self) -> impl Iterator<Item = (&Arc<str>, &LockedPrompt)> {
        self.prompts.iter()
    }

    /// By URI template.
    pub fn templates(&self) -> impl Iterator<Item = (&Arc<str>, &LockedTemplate)> {
        self.templates.iter()
    }
}

fn differs<T>(known: Option<&T>, compare: impl FnOnce(&T) -> Option<Difference>) -> Option<String> {
    match known {
        None => Some("it is new".to_owned()),
        Some(known) => compare(known).map(|difference| difference.reason().to_owned()),
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for LockError {}

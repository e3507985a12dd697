//! Recorded definitions as rules of this folder look at them: whose it is, and every text that a model reads.

use crate::name::ServerName;
use crate::snapshot::{Snapshot, Subject};

pub(super) struct Definition<'a> {
    pub(super) server: &'a ServerName,
    /// "the tool", "the prompt", "the template".
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) texts: Vec<&'a str>,
}

impl Definition<'_> {
    /// The file that holds it.
    pub(super) fn subject(&self) -> Subject {
        Subject::Lock(self.server.clone())
    }

    /// For a title.
    pub(super) fn shown(&self) -> String {
        format!("{} `{}/{}`", self.kind, self.server, self.name)
    }
}

/// Of all locks.
pub(super) fn definitions(snapshot: &Snapshot) -> impl Iterator<Item = Definition<'_>> {
    snapshot.locks.iter().flat_map(|(server, lock)| {
        let definition = move |kind, name, texts| Definition {
            server,
            kind,
            name,
            texts,
        };
        let tools = lock
            .tools()
            .map(move |(name, tool)| definition("the tool", &**name, tool.texts()));
        let prompts = lock
            .prompts()
            .map(move |(name, prompt)| definition("the prompt", &**name, prompt.texts()));
        let templates = lock
            .templates()
            .map(move |(name, template)| definition("the template", &**name, template.texts()));
        tools.chain(prompts).chain(templates)
    })
}

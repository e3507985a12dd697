//! What of the lock is to be recorded anew: `--update`, once or several times.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::exit::Failure;
use crate::snapshot::Snapshot;
use crate::text::safe;

/// `--update` without a value.
pub(in crate::cli) const ALL: &str = "*";

/// By server; a server that is not there is not asked.
pub(super) struct Wanted(BTreeMap<String, Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// Nothing: what differs is only shown.
    Shown,
    Tools(Vec<String>),
    Whole,
}

impl Wanted {
    pub(super) fn parse(updates: &[String], snapshot: &Snapshot) -> Result<Self, Failure> {
        let all = |part: Part| {
            let names = snapshot.servers.keys().map(|name| name.as_str().to_owned());
            Self(names.map(|name| (name, part.clone())).collect())
        };
        if updates.is_empty() {
            return Ok(all(Part::Shown));
        }
        if updates.iter().any(|update| update == ALL) {
            return Ok(all(Part::Whole));
        }
        let mut wanted = BTreeMap::new();
        for update in updates {
            let (server, tool) = match update.split_once('/') {
                Some((server, tool)) => (server, Some(tool)),
                None => (update.as_str(), None),
            };
            if !snapshot.servers.contains_key(server) {
                return Err(unknown(update, server));
            }
            let part = wanted.entry(server.to_owned()).or_insert(Part::Tools(Vec::new()));
            match (part, tool) {
                (part, None) => *part = Part::Whole,
                (Part::Tools(tools), Some(tool)) => tools.push(tool.to_owned()),
                (Part::Shown | Part::Whole, Some(_)) => {}
            }
        }
        Ok(Self(wanted))
    }

    pub(super) fn part(&self, server: &str) -> Option<&Part> {
        self.0.get(server)
    }
}

fn unknown(update: &str, server: &str) -> Failure {
    let failure = Failure::new(format_args!("no server is called `{}`", safe(server)));
    if Path::new(update).exists() {
        let path = safe(update);
        return failure.hint(format_args!(
            "what follows `--update` is a server; for a PATH write `mcpgw lock {path} --update`"
        ));
    }
    failure.hint("write the name of a `[server.NAME]`, or SERVER/TOOL")
}

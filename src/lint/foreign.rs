//! A server that speaks of another server's tools: that is how one server makes a model misuse another ("shadowing").

use std::collections::{BTreeMap, BTreeSet};

use super::Advice;
use super::definition::{Definition, definitions};
use crate::diag::Code;
use crate::name::{Pattern, ServerName};
use crate::snapshot::Snapshot;

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    let names = Names::of(snapshot);
    let mut beside = BTreeMap::new();
    for definition in definitions(snapshot) {
        let mut told = BTreeSet::new();
        for (mention, other) in names.in_texts(&definition, snapshot) {
            let pair = (definition.server, other);
            if !*beside.entry(pair).or_insert_with(|| are_beside(pair, snapshot)) || !told.insert(other) {
                continue;
            }
            advice.push(Advice {
                code: Code::ForeignMention,
                subject: definition.subject(),
                title: format!("{} speaks of `{mention}` of the server `{other}`", definition.shown()),
                label: "",
                also: None,
                help: format!(
                    "read its text in this file: a server has no business with `{other}`; keep the two on different endpoints if in doubt"
                ),
            });
        }
    }
}

/// Do both stand on some endpoint, so that a model sees both?
fn are_beside((one, other): (&ServerName, &ServerName), snapshot: &Snapshot) -> bool {
    snapshot.endpoints.values().any(|endpoint| {
        let offers = |name: &ServerName| endpoint.servers.iter().any(|selection| selection.server == *name);
        offers(one) && offers(other)
    })
}

/// What a text can mention, in lower case.
struct Names<'a> {
    /// Tools with names that are no everyday words, and whose they are.
    tools: BTreeMap<String, BTreeSet<&'a ServerName>>,
    servers: BTreeMap<&'a str, &'a ServerName>,
}

impl<'a> Names<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let locked = snapshot.locks.iter();
        let locked = locked.flat_map(|(server, lock)| lock.tools().map(move |(name, _)| (&**name, server)));
        let selections = snapshot.endpoints.values().flat_map(|endpoint| &endpoint.servers);
        let selected = selections.flat_map(|selection| {
            let names = selection.tools.with.iter().filter_map(Pattern::literal);
            names.map(move |name| (name, &selection.server))
        });
        let mut tools: BTreeMap<String, BTreeSet<&ServerName>> = BTreeMap::new();
        for (name, server) in locked.chain(selected).filter(|(name, _)| is_telling(name)) {
            tools.entry(name.to_lowercase()).or_default().insert(server);
        }
        Self {
            tools,
            servers: snapshot.servers.keys().map(|name| (name.as_str(), name)).collect(),
        }
    }

    /// Foreign tools, and foreign servers spoken of as servers. A name that the own server has too is its own.
    fn in_texts(&self, definition: &Definition<'_>, snapshot: &Snapshot) -> Vec<(String, &'a ServerName)> {
        let own = snapshot.locks.get(definition.server);
        let mut found = Vec::new();
        for text in &definition.texts {
            let text = text.to_lowercase();
            let words: Vec<&str> = words(&text).collect();
            for (at, word) in words.iter().enumerate() {
                let next = words.get(at + 1).copied().unwrap_or_default();
                if let Some(owners) = self.tools.get(*word)
                    && own.is_none_or(|lock| lock.tool(word).is_none())
                    && !owners.contains(definition.server)
                {
                    found.extend(owners.iter().map(|owner| ((*word).to_owned(), *owner)));
                }
                if let Some(server) = self.servers.get(word)
                    && matches!(next, "server" | "mcp" | "tool" | "tools")
                    && *server != definition.server
                {
                    found.push((format!("{word} {next}"), *server));
                }
            }
        }
        found
    }
}

/// `read_file` is a name; `search` is a word of every description.
fn is_telling(name: &str) -> bool {
    name.len() >= 6 && name.contains(['_', '-', '.'])
}

/// With what names are made of; the point that ends a sentence is no part of one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    text.split(move |character| !is_part(character))
        .map(|word| word.trim_matches(['.', '-']))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        let found: Vec<&str> = words("before `read_file`, call files.get. unread_files").collect();
        assert_eq!(found, ["before", "read_file", "call", "files.get", "unread_files"]);
        assert!(is_telling("create_issue") && !is_telling("search"));
    }
}

//! A server that speaks of another server's tools: that is how one server makes a model misuse another ("shadowing").

use std::collections::BTreeSet;

use super::Advice;
use super::definition::{Definition, definitions};
use crate::diag::Code;
use crate::name::ServerName;
use crate::snapshot::{Endpoint, Snapshot};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for definition in definitions(snapshot) {
        for other in neighbours(definition.server, snapshot) {
            let Some(mention) = mention(&definition, other, snapshot) else {
                continue;
            };
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

/// Servers that stand beside it on some endpoint: a model sees both.
fn neighbours<'a>(server: &ServerName, snapshot: &'a Snapshot) -> BTreeSet<&'a ServerName> {
    let offers = |endpoint: &&Endpoint| endpoint.servers.iter().any(|selection| selection.server == *server);
    let beside = snapshot
        .endpoints
        .values()
        .filter(offers)
        .flat_map(|endpoint| &endpoint.servers);
    beside
        .map(|selection| &selection.server)
        .filter(|name| *name != server)
        .collect()
}

/// The other server itself, as one, or one of its tools that is not also the name of an own one.
fn mention(definition: &Definition<'_>, other: &ServerName, snapshot: &Snapshot) -> Option<String> {
    let own = snapshot.locks.get(definition.server);
    let tools = tools(other, snapshot);
    let foreign = tools
        .iter()
        .filter(|tool| is_telling(tool) && own.is_none_or(|lock| lock.tool(tool).is_none()));
    let mut names: Vec<String> = foreign.map(|tool| (*tool).to_owned()).collect();
    names.extend(["server", "mcp", "mcp server", "tool", "tools"].map(|word| format!("{other} {word}")));
    let says = |name: &String| definition.texts.iter().any(|text| has_word(text, name));
    names.into_iter().find(says)
}

fn tools<'a>(server: &ServerName, snapshot: &'a Snapshot) -> BTreeSet<&'a str> {
    let lock = snapshot.locks.get(server).map(|lock| &**lock);
    let selections = snapshot.endpoints.values().flat_map(|endpoint| &endpoint.servers);
    selections
        .filter(|selection| selection.server == *server)
        .flat_map(|selection| selection.known_tools(lock))
        .collect()
}

/// `read_file` is a name; `search` is a word of every description.
fn is_telling(name: &str) -> bool {
    name.len() >= 6 && name.contains(['_', '-', '.'])
}

/// As a whole word, whatever its case.
fn has_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    text.match_indices(&word).any(|(at, found)| {
        !text[..at].chars().next_back().is_some_and(is_part)
            && !text[at + found.len()..].chars().next().is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_whole() {
        assert!(has_word("Before `Read_File`, call this.", "read_file"));
        assert!(!has_word("unread_files", "read_file") && !has_word("read_file_range", "read_file"));
        assert!(is_telling("create_issue") && !is_telling("search"));
    }
}

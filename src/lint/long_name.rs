//! Clients take names of at most 64 characters; a longer one is shortened, which nobody likes to read.

use super::Advice;
use crate::diag::Code;
use crate::snapshot::{Snapshot, Subject};

const MOST: usize = 64;

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (endpoint, table) in &snapshot.endpoints {
        for selection in &table.servers {
            let lock = snapshot.locks.get(&selection.server).map(|lock| &**lock);
            for tool in selection.known_tools(lock) {
                let own = selection.overrides.get(tool).and_then(|change| change.name.clone());
                let (word, does) = match own {
                    Some(_) => ("called by", "many clients refuse"),
                    None => ("shown under", "is shortened"),
                };
                let shown = own.unwrap_or_else(|| table.tool_names.of(&selection.server, tool));
                let length = shown.chars().count();
                if length > MOST {
                    advice.push(Advice {
                        code: Code::LongToolName,
                        subject: Subject::Selection(endpoint.clone(), selection.server.clone()),
                        title: format!("`{tool}` is {word} a name of {length} characters, which {does}"),
                        label: "selected here",
                        also: None,
                        help: format!(
                            "give it a name of at most {MOST}:\n[endpoint.{endpoint}.server.{}.tool.\"{tool}\"]\nname = \"…\"",
                            selection.server
                        ),
                    });
                }
            }
        }
    }
}

//! Clients take names of at most 64 characters; a longer one is shortened, which nobody likes to read.

use std::collections::BTreeSet;

use super::Advice;
use crate::diag::Code;
use crate::lock::Lock;
use crate::name::ServerName;
use crate::snapshot::{Snapshot, Subject};

const MOST: usize = 64;

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    // Most servers have none, and then their many selections need no look.
    let long = |server: &ServerName, lock: &Lock| {
        lock.tools()
            .any(|(name, _)| name.chars().count() + server.as_str().len() + 1 > MOST)
    };
    let with_long: BTreeSet<&ServerName> = snapshot
        .locks
        .iter()
        .filter(|(server, lock)| long(server, lock))
        .map(|(server, _)| server)
        .collect();
    for (endpoint, table) in &snapshot.endpoints {
        for selection in &table.servers {
            let lock = snapshot.locks.get(&selection.server).map(|lock| &**lock);
            if lock.is_some() && selection.overrides.is_empty() && !with_long.contains(&selection.server) {
                continue;
            }
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

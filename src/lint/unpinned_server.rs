//! A server without a lock: a tool may mean something else tomorrow, and nobody is asked.

use super::Advice;
use crate::diag::Code;
use crate::name::ServerName;
use crate::snapshot::{Snapshot, Subject, Transport};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    let selections = || snapshot.endpoints.values().flat_map(|endpoint| &endpoint.servers);
    for name in snapshot.servers.keys() {
        let used = selections().any(|selection| selection.server == *name);
        if used && !snapshot.locks.contains_key(name) && !is_own(name, snapshot) {
            advice.push(Advice {
                code: Code::UnpinnedServer,
                subject: Subject::Server(name.clone()),
                title: format!("the definitions of the server `{name}` are not locked"),
                label: "its tools may change without a review",
                also: None,
                help: format!("run `mcpgw lock --update {name}`, review `locked/{name}.json`, and commit it"),
            });
        }
    }
}

/// This very program: its tools change with it.
pub(super) fn is_own(server: &ServerName, snapshot: &Snapshot) -> bool {
    let server = snapshot.servers.get(server);
    matches!(server.map(|server| &server.transport), Some(Transport::Stdio { argv, .. }) if argv.first().is_some_and(|word| word == "mcpgw"))
}

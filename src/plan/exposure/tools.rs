//! Tools that the lock says may destroy: newly reachable, or newly called so while an endpoint selects them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, What};
use crate::plan::access::{Access, Target};
use crate::snapshot::Subject;
use crate::text::safe;

pub(super) fn compare(access: &Access, found: &mut Found<'_>) {
    let mut reached: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for change in &access.changes {
        for line in change
            .lines
            .iter()
            .filter(|line| line.is_destructive && line.is_gained())
        {
            if let Target::Named(name) = &line.target {
                let tool = (format!("{}/{name}", line.server), change.endpoint.to_string());
                reached
                    .entry(tool)
                    .or_default()
                    .extend(change.who.iter().map(ToString::to_string));
            }
        }
    }
    for ((tool, endpoint), who) in reached {
        let title = format!(
            "`{}` may destroy, and becomes reachable on endpoint `{endpoint}`",
            safe(&tool)
        );
        let who: Vec<String> = who.into_iter().collect();
        found.with(
            What::DestructiveTool,
            title,
            vec![format!("for {}", safe(&who.join(", ")))],
            None,
        );
    }
    relabelled(found);
}

fn relabelled(found: &mut Found<'_>) {
    let (from, to) = (found.current.snapshot, found.proposed.snapshot);
    for (server, lock) in &to.locks {
        let Some(before) = from.locks.get(server).filter(|before| *before != lock) else {
            continue;
        };
        let selections = || to.endpoints.values().flat_map(|endpoint| &endpoint.servers);
        for (name, tool) in lock.tools() {
            let was = before.tool(name).is_some_and(|before| !before.is_destructive());
            let selected =
                || selections().any(|selection| selection.server == *server && selection.tools.is_match(name));
            if was && tool.is_destructive() && selected() {
                let title = format!("`{server}/{}` may destroy, says the lock, which it did not", safe(name));
                found.add(What::DestructiveTool, title, Some(&Subject::Server(server.clone())));
            }
        }
    }
}

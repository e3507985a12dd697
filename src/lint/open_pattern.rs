//! A glob over the tools of a server that is not locked: what the server adds tomorrow is callable tomorrow.

use super::Advice;
use super::reach::{admits, is_open, rules};
use super::unpinned_server::is_own;
use crate::diag::Code;
use crate::snapshot::{Condition, Effect, Rule, RuleId, Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (endpoint, table) in &snapshot.endpoints {
        let open = rules(snapshot, Effect::Allow).filter(|(role, _, rule)| {
            !role.members.is_empty() && is_open(rule) && holds(rule.endpoint.as_ref(), endpoint.as_str())
        });
        let open: Vec<(RuleId, &Rule)> = open.map(|(_, id, rule)| (id, rule)).collect();
        for selection in &table.servers {
            let server = &selection.server;
            let pinned = snapshot.locks.contains_key(server) || is_own(server, snapshot);
            let (false, Some(glob)) = (pinned, selection.tool_glob()) else {
                continue;
            };
            let covers = |rule: &Rule| holds(rule.server.as_ref(), server.as_str()) && admits(rule, selection);
            let Some((rule, _)) = open.iter().find(|(_, rule)| covers(rule)) else {
                continue;
            };
            advice.push(Advice {
                code: Code::OpenPattern,
                subject: Subject::Selection(endpoint.clone(), server.clone()),
                title: format!("`{}` admits tools that `{server}` adds later", glob.as_str()),
                label: "selected by a glob, and the server is not locked",
                also: Some((Subject::Rule(rule.clone()), "and allowed by this")),
                help: format!(
                    "run `mcpgw lock --update {server}`, so that new tools wait for a review, or name the tools: `tools = [\"…\"]`"
                ),
            });
        }
    }
}

fn holds(condition: Option<&Condition>, name: &str) -> bool {
    condition.is_none_or(|condition| condition.holds(name))
}

//! A glob over the tools of a server that is not locked: what the server adds tomorrow is callable tomorrow.

use super::Advice;
use super::reach::{is_open, meet, rules};
use super::unpinned_server::is_own;
use crate::diag::Code;
use crate::name::EndpointName;
use crate::snapshot::{Condition, Effect, Operator, Rule, RuleId, Scalar, Selection, Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (endpoint, table) in &snapshot.endpoints {
        for selection in &table.servers {
            let server = &selection.server;
            let pinned = snapshot.locks.contains_key(server) || is_own(server, snapshot);
            let (false, Some(glob)) = (pinned, selection.tool_glob()) else {
                continue;
            };
            let Some(rule) = admitting(endpoint, selection, snapshot) else {
                continue;
            };
            advice.push(Advice {
                code: Code::OpenPattern,
                subject: Subject::Selection(endpoint.clone(), server.clone()),
                title: format!("`{}` admits tools that `{server}` adds later", glob.as_str()),
                label: "selected by a glob, and the server is not locked",
                also: Some((Subject::Rule(rule), "and allowed by this")),
                help: format!(
                    "run `mcpgw lock --update {server}`, so that new tools wait for a review, or name the tools: `tools = [\"…\"]`"
                ),
            });
        }
    }
}

/// The first `allow` by which somebody gets a tool of the selection that nobody has written down.
fn admitting(endpoint: &EndpointName, selection: &Selection, snapshot: &Snapshot) -> Option<RuleId> {
    let exactly = |name: &str| {
        Some(Condition {
            operators: vec![Operator::Equal(Scalar::String(name.to_owned()))],
        })
    };
    let here = Rule {
        endpoint: exactly(endpoint.as_str()),
        server: exactly(selection.server.as_str()),
        ..Rule::default()
    };
    rules(snapshot, Effect::Allow)
        .find(|(role, _, rule)| !role.members.is_empty() && is_open(rule) && meet(rule, &here, snapshot))
        .map(|(_, id, _)| id)
}

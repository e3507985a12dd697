//! Rules that are about nothing an endpoint selects: a misspelling more often than not.
//!
//! Only what the files decide is told: a selection by glob without a lock may select anything.

use super::Context;
use super::condition::holds;
use crate::diag::{Code, Finding};
use crate::name::{Pattern, ServerName};
use crate::snapshot::{Condition, Effect, Globs, Rule, RuleId, Selection, Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, context: &mut Context<'_>) {
    // Where something is broken, what a rule covers is not known.
    if context.findings.has_errors() {
        return;
    }
    for (name, role) in &snapshot.roles {
        for (effect, rules) in [(Effect::Allow, &role.allow), (Effect::Deny, &role.deny)] {
            for (index, rule) in rules.iter().enumerate() {
                let id = RuleId {
                    role: name.clone(),
                    effect,
                    index,
                };
                if let (false, Some(place)) = (covers(rule, snapshot), context.origins.place(&Subject::Rule(id))) {
                    context.push(
                        Finding::new(
                            Code::RuleMatchesNothing,
                            place,
                            "the rule matches nothing that an endpoint selects",
                        )
                        .label("this rule")
                        .help(
                            "compare its names with the endpoint's `tools`, `prompts` and `resources`, or take it away",
                        ),
                    );
                }
            }
        }
    }
}

fn covers(rule: &Rule, snapshot: &Snapshot) -> bool {
    let on =
        |condition: &Option<Condition>, text: &str| condition.as_ref().is_none_or(|condition| holds(condition, text));
    snapshot
        .endpoints
        .iter()
        .filter(|(name, _)| on(&rule.endpoint, name.as_str()))
        .flat_map(|(_, endpoint)| &endpoint.servers)
        .filter(|selection| on(&rule.server, selection.server.as_str()))
        .any(|selection| selected(rule, selection, snapshot))
}

fn selected(rule: &Rule, selection: &Selection, snapshot: &Snapshot) -> bool {
    let server = &selection.server;
    let lock = snapshot.locks.get(server);
    let tools_only = rule.hint.is_some() || !rule.arguments.is_empty();
    if let Some(condition) = &rule.tool {
        let locked = lock.map(|lock| lock.tools().map(|(name, _)| name.to_string()).collect());
        return any(&selection.tools, condition, server, locked);
    }
    if let Some(condition) = &rule.prompt {
        let locked = lock.map(|lock| lock.prompts().map(|(name, _)| name.to_string()).collect());
        return any(&selection.prompts, condition, server, locked);
    }
    if let Some(condition) = &rule.resource {
        // A lock records templates, not resources.
        return any(&selection.resources, condition, server, None);
    }
    let some = |globs: &Globs| !globs.with.is_empty();
    some(&selection.tools) || (!tools_only && (some(&selection.prompts) || some(&selection.resources)))
}

fn any(globs: &Globs, condition: &Condition, server: &ServerName, locked: Option<Vec<String>>) -> bool {
    let names: Option<Vec<String>> = match locked {
        Some(names) => Some(names),
        None => globs
            .with
            .iter()
            .map(Pattern::literal)
            .map(|name| name.map(str::to_owned))
            .collect(),
    };
    match names {
        Some(names) => names
            .iter()
            .any(|name| globs.is_match(name) && holds(condition, &format!("{server}/{name}"))),
        // What it may select is open; of another server it is in no case.
        None => !impossible(condition, server),
    }
}

/// Does the condition name only things of other servers?
fn impossible(condition: &Condition, server: &ServerName) -> bool {
    use crate::snapshot::{Operator, Scalar};
    let prefix = format!("{server}/");
    let other = |scalar: &Scalar| !matches!(scalar, Scalar::String(text) if text.starts_with(&prefix));
    condition.operators.iter().any(|operator| match operator {
        Operator::Equal(value) => other(value),
        Operator::In(values) => values.iter().all(other),
        Operator::Glob(pattern) => pattern.literal().is_some_and(|text| !text.starts_with(&prefix)),
        Operator::NotEqual(_) | Operator::NotGlob(_) | Operator::NotIn(_) => false,
    })
}

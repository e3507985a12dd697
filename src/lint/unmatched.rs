//! Rules that are about nothing an endpoint selects: a misspelling more often than not.

use super::Advice;
use super::reach::{Reach, rules};
use crate::diag::Code;
use crate::snapshot::{Effect, Rule, Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    let reach = Reach::new(snapshot);
    let all = rules(snapshot, Effect::Allow).chain(rules(snapshot, Effect::Deny));
    for (_, id, rule) in all.filter(|(_, _, rule)| !reach.meet(rule, rule)) {
        let without_hint = Rule {
            hint: None,
            ..rule.clone()
        };
        let (title, help) = if rule.hint.is_some() && reach.meet(&without_hint, &without_hint) {
            (
                "no tool that an endpoint selects has the rule's `hint`",
                "run `mcpgw lock`: hints are those of the lock, and a tool that is not locked is never read-only",
            )
        } else {
            (
                "the rule matches nothing that an endpoint selects",
                "compare its names with the endpoint's `tools`, `prompts` and `resources`, or take it away",
            )
        };
        advice.push(Advice {
            code: Code::RuleMatchesNothing,
            subject: Subject::Rule(id),
            title: title.to_owned(),
            label: "this rule",
            also: None,
            help: help.to_owned(),
        });
    }
}

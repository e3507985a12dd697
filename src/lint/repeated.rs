//! A rule that changes nothing, since another one of its role says as much or more.

use super::Advice;
use super::reach::within;
use crate::diag::Code;
use crate::snapshot::{Effect, Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (name, role) in &snapshot.roles {
        for effect in [Effect::Allow, Effect::Deny] {
            for (id, rule) in role.rules(name, effect) {
                // Of two that say the same the second one is told.
                let says_more = |other: usize, wide| within(rule, wide) && (other < id.index || !within(wide, rule));
                let wider = role
                    .rules(name, effect)
                    .find(|(other, wide)| other.index != id.index && says_more(other.index, wide));
                if let Some((wider, _)) = wider {
                    advice.push(Advice {
                        code: Code::RepeatedRule,
                        subject: Subject::Rule(id),
                        title: "the rule changes nothing".to_owned(),
                        label: "this rule",
                        also: Some((Subject::Rule(wider), "this one says as much, or more")),
                        help: "take one of the two away".to_owned(),
                    });
                }
            }
        }
    }
}

//! A `deny` of what no rule gives anybody: it was meant for something else, or what it guarded is gone.

use super::Advice;
use super::reach::{Reach, rules};
use crate::diag::Code;
use crate::snapshot::{Effect, Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    let reach = Reach::new(snapshot);
    for (_, id, deny) in rules(snapshot, Effect::Deny) {
        // One that is about nothing at all has another advice.
        let idle =
            reach.meet(deny, deny) && !rules(snapshot, Effect::Allow).any(|(_, _, allow)| reach.meet(allow, deny));
        if idle {
            advice.push(Advice {
                code: Code::IdleDeny,
                subject: Subject::Rule(id),
                title: "the `deny` takes away what no rule gives anybody".to_owned(),
                label: "this rule",
                also: None,
                help: "compare its names with those of the `allow` it was meant for, or take it away".to_owned(),
            });
        }
    }
}

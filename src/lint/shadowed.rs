//! An `allow` all of which a `deny` takes away from everybody who has it.

use std::collections::BTreeSet;

use super::Advice;
use super::reach::{rules, within};
use crate::diag::Code;
use crate::name::Member;
use crate::snapshot::{Effect, Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (role, id, allow) in rules(snapshot, Effect::Allow) {
        let shadow = rules(snapshot, Effect::Deny).find(|(other, _, deny)| {
            deny.arguments.is_empty() && within(allow, deny) && have_both(&role.members, &other.members)
        });
        if let Some((_, deny, _)) = shadow {
            advice.push(Advice {
                code: Code::ShadowedRule,
                subject: Subject::Rule(id),
                title: "the `allow` gives nothing".to_owned(),
                label: "this rule",
                also: Some((Subject::Rule(deny), "this one takes all of it away")),
                help: "take one of the two away, or narrow the `deny`".to_owned(),
            });
        }
    }
}

/// Does everybody whom the first members name have the second role too?
fn have_both(first: &BTreeSet<Member>, second: &BTreeSet<Member>) -> bool {
    let authenticated = second.contains(&Member::Authenticated);
    first
        .iter()
        .all(|term| second.contains(term) || authenticated && *term != Member::Anonymous)
}

//! Two answers that both depend on the arguments: the same, surely narrower, or perhaps wider.

use super::Direction;
use crate::snapshot::access::Decision;
use crate::snapshot::{Condition, Effect, Operator, Rule, RuleId, Scalar, Snapshot};

/// `None`: nothing changes. [`Direction::Widens`] also where it cannot be told.
///
/// Narrower is: whatever can still allow could allow before under the same or looser conditions, and whatever could deny
/// still does, under the same or looser ones. Where a rule lies is nothing to an answer, so that only contents count.
pub(super) fn compare(from: &Snapshot, old: &Decision, to: &Snapshot, new: &Decision) -> Option<Direction> {
    let (old, new) = (Rules::of(from, old), Rules::of(to, new));
    let narrows = |old: &Rules<'_>, new: &Rules<'_>| {
        new.allow
            .iter()
            .all(|rule| old.allow.iter().any(|other| implies(rule, other)))
            && old
                .deny
                .iter()
                .all(|rule| new.deny.iter().any(|other| implies(rule, other)))
    };
    match (narrows(&old, &new), narrows(&new, &old)) {
        (true, true) => None,
        (true, false) => Some(Direction::Narrows),
        (false, _) => Some(Direction::Widens),
    }
}

type Arguments = [(crate::snapshot::ArgumentPointer, Condition)];

/// What a conditional answer hangs on: the arguments part of each rule that could still decide it.
struct Rules<'a> {
    allow: Vec<&'a Arguments>,
    deny: Vec<&'a Arguments>,
}

impl<'a> Rules<'a> {
    fn of(side: &'a Snapshot, decision: &Decision) -> Self {
        let Decision::Conditional { allow, deny } = decision else {
            return Self {
                allow: Vec::new(),
                deny: Vec::new(),
            };
        };
        let arguments = |ids: &[RuleId]| -> Vec<&'a Arguments> {
            ids.iter()
                .filter_map(|id| rule(side, id))
                .map(|rule| &*rule.arguments)
                .collect()
        };
        Self {
            allow: arguments(allow),
            deny: arguments(deny),
        }
    }
}

pub(super) fn rule<'a>(side: &'a Snapshot, id: &RuleId) -> Option<&'a Rule> {
    let role = side.roles.get(&id.role)?;
    let rules = match id.effect {
        Effect::Allow => &role.allow,
        Effect::Deny => &role.deny,
    };
    rules.get(id.index)
}

/// Do all arguments that satisfy the first satisfy the second? In doubt no.
fn implies(one: &Arguments, other: &Arguments) -> bool {
    other.iter().all(|(pointer, wanted)| {
        let mut same = one.iter().filter(|(given, _)| given.segments == pointer.segments);
        same.any(|(_, condition)| condition_implies(condition, wanted))
    })
}

fn condition_implies(one: &Condition, other: &Condition) -> bool {
    let implied = |wanted| one.operators.iter().any(|operator| operator_implies(operator, wanted));
    other.operators.iter().all(implied)
}

/// Of one value, whatever it is and in whatever doubt: positive operators are compared with positive ones only, as an
/// absent value satisfies none of them in an `allow` and only the negative ones in a `deny`.
fn operator_implies(one: &Operator, other: &Operator) -> bool {
    if one == other {
        return true;
    }
    match (values(one), values(other)) {
        (Some((true, few)), Some((true, many))) => few.iter().all(|value| many.contains(value)),
        (Some((false, many)), Some((false, few))) => few.iter().all(|value| many.contains(value)),
        _ => false,
    }
}

/// Whether the value must be among these, or must not.
fn values(operator: &Operator) -> Option<(bool, &[Scalar])> {
    match operator {
        Operator::Equal(value) => Some((true, std::slice::from_ref(value))),
        Operator::In(values) => Some((true, values)),
        Operator::NotEqual(value) => Some((false, std::slice::from_ref(value))),
        Operator::NotIn(values) => Some((false, values)),
        Operator::Glob(_) | Operator::NotGlob(_) => None,
    }
}

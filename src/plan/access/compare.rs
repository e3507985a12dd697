//! One class of callers on both sides: every answer that differs.

use std::sync::Arc;

use super::cause::Causes;
use super::principals::{Asked, Class};
use super::scope::{Offered, Scope};
use super::{AccessLine, Direction, Outcome, condition};
use crate::name::EndpointName;
use crate::snapshot::Snapshot;
use crate::snapshot::access::{Decision, Object, Reason, Rights, RightsKey};

/// By endpoint; none of them is empty.
pub(super) type Lines = Vec<(EndpointName, Arc<[AccessLine]>)>;

pub(super) fn lines(scope: &Scope<'_>, class: &Class) -> Lines {
    let Some(comparison) = Comparison::new(scope, class) else {
        return Lines::new();
    };
    let all = scope.endpoints.iter().filter_map(|(name, offered)| {
        let lines = comparison.endpoint(name, offered);
        (!lines.is_empty()).then(|| ((*name).clone(), lines.into()))
    });
    all.collect()
}

struct Comparison<'a> {
    scope: &'a Scope<'a>,
    class: &'a Class,
    current: Option<Rights>,
    proposed: Option<Rights>,
    /// The same roles, none of which changed.
    has_same_roles: bool,
}

impl<'a> Comparison<'a> {
    /// `None` where nothing can differ.
    fn new(scope: &'a Scope<'_>, class: &'a Class) -> Option<Self> {
        let key = |asked: &'a Option<Asked>| asked.as_ref().map(|asked| &asked.key);
        let (old, new) = (key(&class.current), key(&class.proposed));
        let [before, after] = [old, new].map(|key| key.map(RightsKey::roles).unwrap_or_default());
        let has_same_roles = before == after && before.iter().all(|name| !scope.changed_roles.contains(name));
        let is_same_everywhere = || scope.endpoints.values().flatten().all(|offered| offered.is_same);
        let no_roles = before.is_empty() && after.is_empty();
        if no_roles || has_same_roles && old == new && is_same_everywhere() {
            return None;
        }
        let rights =
            |side: &Snapshot, asked: &Option<Asked>| asked.as_ref().map(|asked| Rights::of(side, &asked.caller));
        Some(Self {
            current: rights(scope.current.snapshot, &class.current),
            proposed: rights(scope.proposed.snapshot, &class.proposed),
            scope,
            class,
            has_same_roles,
        })
    }

    fn endpoint(&self, name: &EndpointName, offered: &[Offered<'_>]) -> Vec<AccessLine> {
        let enters = |rights: &Option<Rights>| rights.as_ref().is_some_and(|rights| rights.may_enter(name));
        if !enters(&self.current) && !enters(&self.proposed) {
            return Vec::new();
        }
        let has_same_rules = self.has_same_roles
            || match (&self.current, &self.proposed) {
                (Some(old), Some(new)) => old.has_same_rules(new, name),
                _ => false,
            };
        let mut lines = Vec::new();
        for offered in offered {
            if !(has_same_rules && offered.is_same && self.has_same_credential(offered)) {
                self.server(name, offered, &mut lines);
            }
        }
        lines
    }

    fn has_same_credential(&self, offered: &Offered<'_>) -> bool {
        let closed = |asked: &Option<Asked>| asked.as_ref().map(|asked| asked.key.is_closed(offered.server));
        closed(&self.class.current) == closed(&self.class.proposed)
    }

    fn server(&self, name: &EndpointName, offered: &Offered<'_>, lines: &mut Vec<AccessLine>) {
        let mut told = Vec::new();
        let lock = self.scope.proposed.snapshot.locks.get(offered.server);
        let mut causes = Causes::new(self.scope, name, offered.server, self.proposed.is_some());
        for candidate in self.scope.candidates(offered) {
            let object = candidate.object(offered.server);
            let old = decide(self.current.as_ref(), name, object);
            let new = decide(self.proposed.as_ref(), name, object);
            let Some(direction) = self.direction(&old, &new) else {
                continue;
            };
            let (current, proposed) = (outcome(&old), outcome(&new));
            if let Some(pattern) = &candidate.of {
                let tale = (candidate.kind, pattern, current, proposed);
                if told.contains(&tale) {
                    continue;
                }
                told.push(tale);
            }
            let tool = lock
                .filter(|_| matches!(object, Object::Tool { .. }))
                .and_then(|lock| lock.tool(&candidate.name));
            lines.push(AccessLine {
                server: offered.server.clone(),
                kind: candidate.kind,
                target: candidate.target.clone(),
                current,
                proposed,
                direction,
                is_destructive: tool.is_some_and(crate::lock::LockedTool::is_destructive),
                cause: causes.of(&old, &new),
            });
        }
    }

    fn direction(&self, old: &Decision, new: &Decision) -> Option<Direction> {
        match (outcome(old), outcome(new)) {
            (Outcome::Conditional, Outcome::Conditional) => {
                let (from, to) = (self.scope.current.snapshot, self.scope.proposed.snapshot);
                condition::compare(from, old, to, new)
            }
            (current, proposed) if current < proposed => Some(Direction::Widens),
            (current, proposed) if current > proposed => Some(Direction::Narrows),
            _ => None,
        }
    }
}

/// Who is not there is denied.
fn decide(rights: Option<&Rights>, endpoint: &EndpointName, object: Object<'_>) -> Decision {
    let nobody = Decision::Denied { reason: Reason::NoRule };
    rights.map_or(nobody, |rights| rights.decide(endpoint, object, None))
}

pub(super) fn outcome(decision: &Decision) -> Outcome {
    match decision {
        Decision::Allowed { .. } => Outcome::Allowed,
        Decision::Conditional { .. } => Outcome::Conditional,
        Decision::Denied { .. } => Outcome::Denied,
    }
}

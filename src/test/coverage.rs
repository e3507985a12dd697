//! Which rules no test touches.

use std::collections::BTreeSet;

use crate::compile::{Origin, Origins};
use crate::snapshot::{Effect, RuleId, Snapshot};

/// A rule is touched when a test asked something of which all the rule's conditions hold, arguments included.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// All rules of all roles.
    pub rules: usize,
    /// By role; where each stands.
    pub untouched: Vec<(RuleId, Option<Origin>)>,
}

impl Coverage {
    pub(super) fn of(snapshot: &Snapshot, origins: &Origins, touched: &BTreeSet<RuleId>) -> Self {
        let effects = [Effect::Allow, Effect::Deny];
        let rules = snapshot
            .roles
            .iter()
            .flat_map(|(name, role)| effects.map(|effect| role.rules(name, effect)));
        let all: Vec<RuleId> = rules.flatten().map(|(id, _)| id).collect();
        Self {
            rules: all.len(),
            untouched: all
                .into_iter()
                .filter(|rule| !touched.contains(rule))
                .map(|rule| {
                    let origin = origins.rule(&rule).cloned();
                    (rule, origin)
                })
                .collect(),
        }
    }

    pub fn touched(&self) -> usize {
        self.rules - self.untouched.len()
    }
}

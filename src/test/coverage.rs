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
        let mut all = Vec::new();
        for (name, role) in &snapshot.roles {
            for (effect, rules) in [(Effect::Allow, &role.allow), (Effect::Deny, &role.deny)] {
                all.extend((0..rules.len()).map(|index| RuleId {
                    role: name.clone(),
                    effect,
                    index,
                }));
            }
        }
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

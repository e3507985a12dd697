//! Those who get the same lines on an endpoint stand together.

use std::collections::HashMap;
use std::sync::Arc;

use super::compare::Lines;
use super::{Access, AccessChange, AccessLine, Direction, Who};
use crate::name::{EndpointName, Member};

#[derive(Default)]
pub(super) struct Blocks(HashMap<(EndpointName, Arc<[AccessLine]>), Vec<Who>>);

impl Blocks {
    pub(super) fn add(&mut self, who: &[Who], lines: &Lines) {
        for (endpoint, lines) in lines {
            let key = (endpoint.clone(), Arc::clone(lines));
            self.0.entry(key).or_default().extend_from_slice(who);
        }
    }

    /// In an order that depends on nothing but what is in it.
    pub(super) fn access(self) -> Access {
        let changes = self.0.into_iter().map(|((endpoint, lines), mut who)| {
            who.sort();
            who.dedup();
            AccessChange {
                who,
                endpoint,
                lines: lines.to_vec(),
            }
        });
        let mut changes: Vec<AccessChange> = changes.collect();
        changes.sort_by(|a, b| {
            let order = |change: &AccessChange| (rank(change), is_pair(change));
            let names = |change: &AccessChange| (change.who.clone(), change.endpoint.clone());
            order(a).cmp(&order(b)).then_with(|| names(a).cmp(&names(b)))
        });
        Access { changes }
    }
}

/// Loud first.
fn rank(change: &AccessChange) -> u8 {
    let names = |term: Member| change.who.contains(&Who::One(term));
    let widens = change.lines.iter().any(|line| line.direction == Direction::Widens);
    match (widens, names(Member::Anonymous), names(Member::Authenticated)) {
        (true, true, _) => 0,
        (true, _, true) => 1,
        (true, ..) => 2,
        (false, true, _) => 3,
        (false, _, true) => 4,
        (false, ..) => 5,
    }
}

fn is_pair(change: &AccessChange) -> bool {
    matches!(change.who.first(), Some(Who::Both(..)))
}

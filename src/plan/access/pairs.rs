//! Somebody in two groups: what a change of one's `deny` does to what the other allows.
//!
//! Told only where it says more than its parts. That is possible in one way: the denying term's `deny` comes or goes. Whatever
//! a pair gains by an `allow` its allowing part gains too, unless a `deny` of its own stands in the way, which stands in the
//! pair's way as well.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::block::Blocks;
use super::compare::{self, Lines};
use super::principals::{Asked, Class, is_joinable};
use super::scope::Scope;
use super::{AccessLine, Direction, Target, Who};
use crate::name::{EndpointName, Member, ServerName};
use crate::snapshot::access::{ObjectKind, RightsKey};
use crate::snapshot::{Role, Rule, Snapshot};

pub(super) fn add(scope: &Scope<'_>, classes: &[Class], told: &[Lines], blocks: &mut Blocks) {
    let (from, to) = (scope.current.snapshot, scope.proposed.snapshot);
    let joinable = |class: &Class| class.members.iter().any(|member| is_joinable(member, from, to));
    let allowing: Vec<usize> = indices(classes, |class| {
        joinable(class) && has_rules(scope, class, |role| &role.allow)
    });
    let denying: Vec<usize> = indices(classes, |class| joinable(class) && changes_deny(scope, class));
    // Many pairs come to the same roles: they are compared once.
    let mut compared: BTreeMap<(Option<RightsKey>, Option<RightsKey>), Lines> = BTreeMap::new();
    // Two terms that both allow and deny are one pair.
    let mut seen: HashSet<(Member, Member)> = HashSet::new();
    for &deny in &denying {
        for &allow in allowing.iter().filter(|&&allow| allow != deny) {
            let (a, b) = (&classes[allow], &classes[deny]);
            if says_no_more(scope, a, b) {
                continue;
            }
            let pair = a.both(b, from, to);
            let key = |asked: &Option<Asked>| asked.as_ref().map(|asked| asked.key.clone());
            let key = (key(&pair.current), key(&pair.proposed));
            let lines = compared.entry(key).or_insert_with(|| compare::lines(scope, &pair));
            let more = beyond(lines, [&told[allow], &told[deny]]);
            if !more.is_empty() {
                let mut who = names(a, b, from, to);
                who.retain(|who| match who {
                    Who::Both(one, other) => seen.insert((one.min(other).clone(), one.max(other).clone())),
                    Who::One(_) => true,
                });
                if !who.is_empty() {
                    blocks.add(&who, &more);
                }
            }
        }
    }
}

fn indices(classes: &[Class], is: impl Fn(&Class) -> bool) -> Vec<usize> {
    let found = classes.iter().enumerate().filter(|(_, class)| is(class));
    found.map(|(index, _)| index).collect()
}

fn names(allowing: &Class, denying: &Class, from: &Snapshot, to: &Snapshot) -> Vec<Who> {
    let joinable = |class: &'_ Class| -> Vec<Member> {
        class
            .members
            .iter()
            .filter(|member| is_joinable(member, from, to))
            .cloned()
            .collect()
    };
    let mut pairs = Vec::new();
    for allow in joinable(allowing) {
        for deny in joinable(denying) {
            // Nobody has two names.
            if !matches!((&allow, &deny), (Member::User(_), Member::User(_))) {
                pairs.push(Who::Both(allow.clone(), deny));
            }
        }
    }
    pairs
}

fn rules<'a>(side: &'a Snapshot, asked: Option<&Asked>, of: fn(&Role) -> &Vec<Rule>) -> Vec<&'a Rule> {
    let names = asked.map(|asked| asked.key.roles()).unwrap_or_default();
    let roles = names.iter().filter_map(|name| side.roles.get(name));
    roles.flat_map(of).collect()
}

fn has_rules(scope: &Scope<'_>, class: &Class, of: fn(&Role) -> &Vec<Rule>) -> bool {
    !rules(scope.current.snapshot, class.current.as_ref(), of).is_empty()
        && !rules(scope.proposed.snapshot, class.proposed.as_ref(), of).is_empty()
}

/// Its `deny` rules are others, or mean others because a lock does.
fn changes_deny(scope: &Scope<'_>, class: &Class) -> bool {
    let old = rules(scope.current.snapshot, class.current.as_ref(), |role| &role.deny);
    let new = rules(scope.proposed.snapshot, class.proposed.as_ref(), |role| &role.deny);
    old != new || !scope.changed_locks.is_empty() && new.iter().any(|rule| rule.hint.is_some())
}

/// Both deny the same on each side, and allow what they did: whatever happens to the pair happens to the part that is allowed
/// it. Spares most pairs where one change is made in many roles.
fn says_no_more(scope: &Scope<'_>, a: &Class, b: &Class) -> bool {
    type Of = fn(&Role) -> &Vec<Rule>;
    let (allow, deny): (Of, Of) = (|role| &role.allow, |role| &role.deny);
    let old = |class: &Class, of| rules(scope.current.snapshot, class.current.as_ref(), of);
    let new = |class: &Class, of| rules(scope.proposed.snapshot, class.proposed.as_ref(), of);
    let is_there = |class: &Class| class.current.is_some() && class.proposed.is_some();
    // Hints are those of the locks.
    scope.changed_locks.is_empty()
        && [a, b]
            .into_iter()
            .all(|class| is_there(class) && old(class, allow) == new(class, allow))
        && old(a, deny) == old(b, deny)
        && new(a, deny) == new(b, deny)
}

/// The lines of a pair that neither part has in the same direction.
fn beyond(lines: &Lines, parts: [&Lines; 2]) -> Lines {
    type Told<'a> = (&'a EndpointName, &'a ServerName, ObjectKind, &'a Target, Direction);
    fn told<'a>(endpoint: &'a EndpointName, line: &'a AccessLine) -> Told<'a> {
        (endpoint, &line.server, line.kind, &line.target, line.direction)
    }
    if lines.is_empty() {
        return Lines::new();
    }
    let parts = parts.into_iter().flatten();
    let known: HashSet<Told<'_>> = parts
        .flat_map(|(endpoint, lines)| lines.iter().map(move |line| told(endpoint, line)))
        .collect();
    let more = lines.iter().filter_map(|(endpoint, lines)| {
        let more: Arc<[AccessLine]> = lines
            .iter()
            .filter(|line| !known.contains(&told(endpoint, line)))
            .cloned()
            .collect();
        (!more.is_empty()).then(|| (endpoint.clone(), more))
    });
    more.collect()
}

//! Who is asked for: every declared user and service, and every term of a role's or group's members taken alone.
//!
//! Those whom the same roles name on both sides form a class, and are asked for once.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{Caller, Member, Principal};
use crate::snapshot::Snapshot;
use crate::snapshot::access::RightsKey;

/// Terms that get the same answers to everything, on each side.
pub(super) struct Class {
    pub(super) members: Vec<Member>,
    pub(super) current: Option<Asked>,
    pub(super) proposed: Option<Asked>,
}

/// Somebody who can be there on one side, and what decides the answers.
pub(super) struct Asked {
    pub(super) caller: Caller,
    pub(super) key: RightsKey,
}

pub(super) fn classes(current: &Snapshot, proposed: &Snapshot) -> Vec<Class> {
    // Who cannot be one half of a pair must not stand for those who can.
    let mut classes: BTreeMap<(bool, Option<RightsKey>, Option<RightsKey>), Class> = BTreeMap::new();
    let members: BTreeSet<Member> = terms(current).chain(terms(proposed)).collect();
    for member in members {
        let class = Class::new(
            asked(current, caller(current, proposed, &member)),
            asked(proposed, caller(proposed, current, &member)),
        );
        let key = |asked: &Option<Asked>| asked.as_ref().map(|asked| asked.key.clone());
        let is_joinable = is_joinable(&member, current, proposed);
        let class = classes
            .entry((is_joinable, key(&class.current), key(&class.proposed)))
            .or_insert(class);
        class.members.push(member);
    }
    classes.into_values().collect()
}

impl Class {
    fn new(current: Option<Asked>, proposed: Option<Asked>) -> Self {
        Self {
            members: Vec::new(),
            current,
            proposed,
        }
    }

    /// Somebody who has the terms of both.
    pub(super) fn both(&self, other: &Self, current: &Snapshot, proposed: &Snapshot) -> Self {
        let join = |own: &Option<Asked>, other: &Option<Asked>| match (own, other) {
            (Some(own), Some(other)) => Some(joined(&own.caller, &other.caller)),
            // Who has no table on one side has no other name there either.
            (one, None) | (None, one) => one.as_ref().map(|one| one.caller.clone()),
        };
        Self::new(
            asked(current, join(&self.current, &other.current)),
            asked(proposed, join(&self.proposed, &other.proposed)),
        )
    }
}

/// Provider's names and groups come together freely; those of a table are in the table, everybody is `authenticated`.
pub(super) fn is_joinable(member: &Member, from: &Snapshot, to: &Snapshot) -> bool {
    match member {
        Member::Anonymous | Member::Authenticated | Member::Service(_) => false,
        Member::Group(_) => true,
        Member::User(name) => !from.users.contains_key(&**name) && !to.users.contains_key(&**name),
    }
}

fn asked(side: &Snapshot, caller: Option<Caller>) -> Option<Asked> {
    caller.map(|caller| Asked {
        key: RightsKey::of(side, &caller),
        caller,
    })
}

fn joined(one: &Caller, other: &Caller) -> Caller {
    let nameless = |caller: &Caller| caller.principal == nobody();
    let named = if nameless(one) { other } else { one };
    Caller {
        principal: named.principal.clone(),
        groups: one.groups.union(&other.groups).cloned().collect(),
    }
}

fn terms(side: &Snapshot) -> impl Iterator<Item = Member> {
    let roles = side.roles.values().flat_map(|role| &role.members);
    let groups = side.groups.values().flat_map(|group| &group.members);
    let users = side.users.keys().map(|name| Member::User(name.as_str().into()));
    let services = side.services.keys().map(|name| Member::Service(name.clone()));
    roles.chain(groups).cloned().chain(users).chain(services)
}

/// A caller whom only the term describes; `None` where nobody can be that on this side: a service without a table has no
/// token, and a local account that was not there could not sign in unless a provider knows the name too.
fn caller(side: &Snapshot, other: &Snapshot, term: &Member) -> Option<Caller> {
    let (principal, groups) = match term {
        Member::Anonymous => (Principal::Anonymous, BTreeSet::new()),
        Member::Authenticated => (nobody(), BTreeSet::new()),
        Member::Group(name) => (nobody(), BTreeSet::from([name.clone()])),
        Member::Service(name) => (
            Principal::Service(name.clone()),
            side.services.get(name)?.groups.clone(),
        ),
        Member::User(name) => {
            let table = side.users.get(&**name);
            if table.is_none() && other.users.contains_key(&**name) && !knows_strangers(side) {
                return None;
            }
            let groups = table.map(|user| user.groups.clone()).unwrap_or_default();
            (Principal::User(name.clone()), groups)
        }
    };
    Some(Caller { principal, groups })
}

/// A person whose name no term can have.
fn nobody() -> Principal {
    Principal::User("".into())
}

/// Can somebody sign in who has no table?
pub(super) fn knows_strangers(side: &Snapshot) -> bool {
    let provider = side.login.as_ref().is_some_and(|login| login.oidc.is_some());
    provider || !side.issuers.is_empty()
}

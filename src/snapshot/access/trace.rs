//! For people: which rules were looked at and how each answered, and who reaches a tool.

use std::collections::BTreeSet;

use super::judge::{Question, Verdict, covers_endpoint, judge};
use super::rights::roles_of;
use super::{Arguments, Decision, Object, Rights};
use crate::name::{Caller, EndpointName, Member, Principal};
use crate::snapshot::{Effect, RuleId, Snapshot};

/// A rule of one of the caller's roles, and its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Considered {
    pub rule: RuleId,
    pub verdict: Verdict,
}

/// Somebody who reaches something on an endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reach {
    pub endpoint: EndpointName,
    pub who: Member,
    /// `Allowed` or `Conditional`.
    pub decision: Decision,
}

/// Every rule of the caller's roles with its answer: by role, `deny` first, then in the order of the files.
///
/// What it says agrees with [`Rights::decide`], which also asks whether the endpoint selects the object.
pub fn trace(
    snapshot: &Snapshot,
    caller: &Caller,
    endpoint: &EndpointName,
    object: Object<'_>,
    arguments: Option<&Arguments>,
) -> Vec<Considered> {
    let lock = snapshot.locks.get(object.server()).map(|lock| &**lock);
    let question = Question::new(object, lock, arguments);
    let mut considered = Vec::new();
    for (name, role) in roles_of(snapshot, caller) {
        for effect in [Effect::Deny, Effect::Allow] {
            considered.extend(role.rules(name, effect).map(|(id, rule)| Considered {
                rule: id,
                verdict: if covers_endpoint(rule, effect, endpoint) {
                    judge(rule, effect, &question)
                } else {
                    Verdict::Endpoint
                },
            }));
        }
    }
    considered
}

/// Who may call it, on all endpoints or one: every declared user and service with its groups, and every term of a
/// role's or group's members taken alone. By endpoint, then by term.
pub fn who(snapshot: &Snapshot, object: Object<'_>, endpoint: Option<&EndpointName>) -> Vec<Reach> {
    let asked: Vec<(Member, Rights)> = terms(snapshot)
        .into_iter()
        .map(|term| (term.clone(), Rights::of(snapshot, &caller_of(snapshot, &term))))
        .collect();
    let mut reached = Vec::new();
    for name in snapshot
        .endpoints
        .keys()
        .filter(|name| endpoint.is_none_or(|only| only == *name))
    {
        for (who, rights) in &asked {
            let decision = rights.decide(name, object, None);
            if decision.is_listed() {
                reached.push(Reach {
                    endpoint: name.clone(),
                    who: who.clone(),
                    decision,
                });
            }
        }
    }
    reached
}

fn terms(snapshot: &Snapshot) -> BTreeSet<Member> {
    let roles = snapshot.roles.values().flat_map(|role| &role.members);
    let groups = snapshot.groups.values().flat_map(|group| &group.members);
    let users = snapshot.users.keys().map(|name| Member::User(name.as_str().into()));
    let services = snapshot.services.keys().map(|name| Member::Service(name.clone()));
    roles.chain(groups).cloned().chain(users).chain(services).collect()
}

/// A caller that only the term describes. A group or `authenticated` alone is a person whose name no term can have.
fn caller_of(snapshot: &Snapshot, term: &Member) -> Caller {
    let (principal, group) = match term {
        Member::Anonymous => (Principal::Anonymous, None),
        Member::Authenticated => (Principal::User("".into()), None),
        Member::Group(name) => (Principal::User("".into()), Some(name.clone())),
        Member::Service(name) => (Principal::Service(name.clone()), None),
        Member::User(name) => (Principal::User(name.clone()), None),
    };
    let groups = snapshot.declared_groups(&principal).into_iter().chain(group).collect();
    Caller { principal, groups }
}

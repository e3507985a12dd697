//! What one caller may do, compiled out of the roles that name it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::holds::LiveHolds;
use super::judge::{Question, Verdict, covers_endpoint, judge};
use super::{Arguments, Decision, Object, ObjectKind, Reason, uri_is_safe};
use crate::lock::Lock;
use crate::name::{Caller, EndpointName, Member, Principal, RoleName, ServerName};
use crate::snapshot::{Credentials, Effect, Endpoint, Role, Rule, RuleId, Selection, Snapshot};

/// A caller's roles over the endpoints that they open. Holds all it needs, so that a decision can never mix two Snapshots.
///
/// Cheap to clone. Compiling one costs time (all rules of the roles are looked at): callers keep it per [`Caller`], as
/// long as they keep the Snapshot.
#[derive(Clone, Debug)]
pub struct Rights {
    principal: Principal,
    compiled: Arc<Compiled>,
    holds: Arc<LiveHolds>,
}

/// Equal for callers of the same Snapshot that get the same answers to everything, so that lists may be shared by it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RightsKey {
    roles: Arc<[RoleName]>,
    /// Servers with personal credentials that this caller can never have.
    closed: Arc<[ServerName]>,
}

#[derive(Debug)]
struct Compiled {
    key: RightsKey,
    /// Those with at least one `allow`.
    endpoints: BTreeMap<EndpointName, Entered>,
    locks: BTreeMap<ServerName, Arc<Lock>>,
}

/// An endpoint that the caller may enter.
#[derive(Debug)]
struct Entered {
    servers: Vec<Selection>,
    allow: Vec<(RuleId, Rule)>,
    deny: Vec<(RuleId, Rule)>,
}

impl Rights {
    /// Finds the roles whose `members` name the caller, groups of `[group.*]` resolved, and compiles their rules.
    pub fn of(snapshot: &Snapshot, caller: &Caller) -> Self {
        let roles = roles_of(snapshot, caller);
        let endpoints = snapshot
            .endpoints
            .iter()
            .filter_map(|(name, endpoint)| Some((name.clone(), enter(name, endpoint, &roles)?)))
            .collect();
        Self {
            principal: caller.principal.clone(),
            compiled: Arc::new(Compiled {
                key: RightsKey::with(snapshot, caller, &roles),
                endpoints,
                locks: snapshot.locks.clone(),
            }),
            holds: LiveHolds::none(),
        }
    }

    /// The same, without what is held at the moment of each question. Whether the caller itself is held is for whoever lets it in.
    #[must_use]
    pub fn under(mut self, holds: &Arc<LiveHolds>) -> Self {
        self.holds = Arc::clone(holds);
        self
    }

    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub fn key(&self) -> &RightsKey {
        &self.compiled.key
    }

    /// Whether any `allow` is about the endpoint. Where not: 401 for `anonymous`, 404 for everybody known, and the same for
    /// endpoints that do not exist.
    pub fn may_enter(&self, endpoint: &EndpointName) -> bool {
        self.compiled.endpoints.contains_key(endpoint) && self.holds.on_endpoint(endpoint).is_none()
    }

    /// The endpoints that the caller may enter, by name.
    pub fn endpoints(&self) -> impl Iterator<Item = &EndpointName> {
        let all = self.compiled.endpoints.keys();
        all.filter(|endpoint| self.holds.on_endpoint(endpoint).is_none())
    }

    /// Whether the rules of both about the endpoint are the same, wherever they stand: then answers can differ only by what
    /// the endpoint selects, the locks, and the credentials. `false` promises nothing.
    pub fn has_same_rules(&self, other: &Self, endpoint: &EndpointName) -> bool {
        fn same(own: &[(RuleId, Rule)], others: &[(RuleId, Rule)]) -> bool {
            let rules = own.iter().map(|(_, rule)| rule);
            rules.eq(others.iter().map(|(_, rule)| rule))
        }
        let [own, others] = [self, other].map(|rights| rights.compiled.endpoints.get(endpoint));
        match (own, others) {
            (None, None) => true,
            (Some(own), Some(others)) => same(&own.allow, &others.allow) && same(&own.deny, &others.deny),
            _ => false,
        }
    }

    /// Whether a call needs its arguments judged. `permit` does so by itself.
    pub fn needs_arguments(&self, endpoint: &EndpointName, object: Object<'_>) -> bool {
        matches!(self.decide(endpoint, object, None), Decision::Conditional { .. })
    }

    /// Without arguments: the answer for a list. With them: for a call, never `Conditional`.
    pub fn decide(&self, endpoint: &EndpointName, object: Object<'_>, arguments: Option<&Arguments>) -> Decision {
        let Some(entered) = self.compiled.endpoints.get(endpoint) else {
            return Decision::Denied { reason: Reason::NoRule };
        };
        if let Some(target) = self.holds.on(endpoint, object) {
            return Decision::Denied {
                reason: Reason::Held(target),
            };
        }
        if let Some(reason) = self.held_back(entered, object) {
            return Decision::Denied { reason };
        }
        let lock = self.compiled.locks.get(object.server()).map(|lock| &**lock);
        weigh(entered, &Question::new(object, lock, arguments))
    }

    /// What stands in the way whatever the rules say.
    fn held_back(&self, entered: &Entered, object: Object<'_>) -> Option<Reason> {
        if object.kind() == ObjectKind::Resource && !uri_is_safe(object.name()) {
            return Some(Reason::UnsafeUri);
        }
        let selected = entered.servers.iter().any(|selection| selects(selection, object));
        if !selected {
            return Some(Reason::NotSelected);
        }
        if self.compiled.key.closed.contains(object.server()) {
            return Some(Reason::NoCredential);
        }
        let lock = self.compiled.locks.get(object.server())?;
        let locked = match object {
            Object::Tool { tool, .. } => lock.tool(tool).is_some(),
            Object::Prompt { name, .. } => lock.prompt(name).is_some(),
            // Locks have no resources; templates are compared where they are listed.
            Object::Resource { .. } => true,
        };
        (!locked).then_some(Reason::NotLocked)
    }
}

impl RightsKey {
    /// Of the [`Rights`] that the caller has, without compiling them.
    pub fn of(snapshot: &Snapshot, caller: &Caller) -> Self {
        Self::with(snapshot, caller, &roles_of(snapshot, caller))
    }

    fn with(snapshot: &Snapshot, caller: &Caller, roles: &[(&RoleName, &Role)]) -> Self {
        Self {
            roles: roles.iter().map(|(name, _)| (*name).clone()).collect(),
            closed: closed_servers(snapshot, &caller.principal),
        }
    }

    /// By name.
    pub fn roles(&self) -> &[RoleName] {
        &self.roles
    }

    /// Servers with personal credentials that the caller can never have.
    pub fn is_closed(&self, server: &ServerName) -> bool {
        self.closed.contains(server)
    }
}

fn selects(selection: &Selection, object: Object<'_>) -> bool {
    let globs = match object.kind() {
        ObjectKind::Tool => &selection.tools,
        ObjectKind::Prompt => &selection.prompts,
        ObjectKind::Resource => &selection.resources,
    };
    selection.server == *object.server() && !object.name().is_empty() && globs.is_match(object.name())
}

/// Deny wins; what does not depend on arguments decides before what does.
fn weigh(entered: &Entered, question: &Question<'_>) -> Decision {
    let mut deny = Vec::new();
    for (id, rule) in &entered.deny {
        match judge(rule, Effect::Deny, question) {
            Verdict::Matches if rule.arguments.is_empty() => {
                return Decision::Denied {
                    reason: Reason::Rule(id.clone()),
                };
            }
            Verdict::Matches | Verdict::DependsOnArguments => deny.push(id.clone()),
            _ => {}
        }
    }
    let (mut allow, mut depends, mut refused) = (Vec::new(), false, false);
    let mut by = None;
    for (id, rule) in &entered.allow {
        match judge(rule, Effect::Allow, question) {
            Verdict::Matches => {
                by.get_or_insert(id);
                allow.push(id.clone());
            }
            Verdict::DependsOnArguments => {
                depends = true;
                allow.push(id.clone());
            }
            Verdict::Argument(_) => refused = true,
            _ => {}
        }
    }
    let denied = |reason| Decision::Denied { reason };
    match (question.has_arguments(), by, deny.first()) {
        (_, None, _) if !depends && !refused => denied(Reason::NoRule),
        (true, _, Some(deny)) => denied(Reason::Arguments(Some(deny.clone()))),
        (_, Some(rule), None) => Decision::Allowed { rule: rule.clone() },
        (true, None, None) => denied(Reason::Arguments(None)),
        (false, ..) => Decision::Conditional { allow, deny },
    }
}

/// The roles whose `members` name the caller, by name.
pub(super) fn roles_of<'a>(snapshot: &'a Snapshot, caller: &Caller) -> Vec<(&'a RoleName, &'a Role)> {
    let groups = groups_of(snapshot, caller);
    let is_member = |role: &Role| role.members.iter().any(|term| names(term, &caller.principal, &groups));
    snapshot.roles.iter().filter(|(_, role)| is_member(role)).collect()
}

/// The caller's own groups and those that `[group.*]` puts it into, through as many groups as it takes. A group is added
/// once, so that a cycle ends.
pub(super) fn groups_of<'a>(snapshot: &'a Snapshot, caller: &'a Caller) -> BTreeSet<&'a str> {
    let mut groups: BTreeSet<&str> = caller.groups.iter().map(|group| &**group).collect();
    loop {
        let joined: Vec<&str> = snapshot
            .groups
            .iter()
            .filter(|(name, _)| !groups.contains(name.as_str()))
            .filter(|(_, group)| group.members.iter().any(|term| names(term, &caller.principal, &groups)))
            .map(|(name, _)| name.as_str())
            .collect();
        if joined.is_empty() {
            return groups;
        }
        groups.extend(joined);
    }
}

fn names(term: &Member, principal: &Principal, groups: &BTreeSet<&str>) -> bool {
    match (term, principal) {
        (Member::Anonymous, Principal::Anonymous) => true,
        (Member::Authenticated, principal) => *principal != Principal::Anonymous,
        (Member::Group(name), _) => groups.contains(&**name),
        (Member::Service(name), Principal::Service(service)) => name == service,
        (Member::User(name), Principal::User(user)) => name == user,
        _ => false,
    }
}

fn closed_servers(snapshot: &Snapshot, principal: &Principal) -> Arc<[ServerName]> {
    let has_credential = |server: &ServerName| match principal {
        Principal::User(_) => true,
        Principal::Anonymous => false,
        Principal::Service(name) => snapshot
            .services
            .get(name)
            .is_some_and(|service| service.credentials.contains_key(server)),
    };
    snapshot
        .servers
        .iter()
        .filter(|(name, server)| server.credentials == Credentials::Personal && !has_credential(name))
        .map(|(name, _)| name.clone())
        .collect()
}

fn enter(name: &EndpointName, endpoint: &Endpoint, roles: &[(&RoleName, &Role)]) -> Option<Entered> {
    let about_it = |effect: Effect| -> Vec<(RuleId, Rule)> {
        roles
            .iter()
            .flat_map(|(role, table)| table.rules(role, effect))
            .filter(|(_, rule)| covers_endpoint(rule, effect, name))
            .map(|(id, rule)| (id, rule.clone()))
            .collect()
    };
    let allow = about_it(Effect::Allow);
    (!allow.is_empty()).then(|| Entered {
        servers: endpoint.servers.clone(),
        allow,
        deny: about_it(Effect::Deny),
    })
}

//! What is asked about: the things of each server that an endpoint selects on either side, and those that a pattern would
//! select.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::meet::alternatives;
use super::probe::{exact_names, rule_patterns, witnesses};
use super::{Side, Target};
use crate::name::{EndpointName, Pattern, RoleName, ServerName};
use crate::plan::Catalogue;
use crate::snapshot::access::{Object, ObjectKind};
use crate::snapshot::{Globs, Selection, Snapshot};

pub(super) const KINDS: [ObjectKind; 3] = [ObjectKind::Tool, ObjectKind::Prompt, ObjectKind::Resource];

/// Both sides, and what of them may differ.
pub(super) struct Scope<'a> {
    pub(super) current: &'a Side<'a>,
    pub(super) proposed: &'a Side<'a>,
    pub(super) endpoints: BTreeMap<&'a EndpointName, Vec<Offered<'a>>>,
    /// Roles that are not the same on both sides.
    pub(super) changed_roles: BTreeSet<&'a RoleName>,
    /// Servers whose locks are not the same.
    pub(super) changed_locks: BTreeSet<&'a ServerName>,
    servers: BTreeMap<&'a ServerName, Listed>,
}

/// One server on one endpoint, on either side.
pub(super) struct Offered<'a> {
    pub(super) server: &'a ServerName,
    /// Selection, lock and kind of credentials are as they were: only the rules can change an answer.
    pub(super) is_same: bool,
    current: Option<&'a Selection>,
    proposed: Option<&'a Selection>,
    candidates: OnceCell<Vec<Candidate>>,
}

/// Something to ask for.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) kind: ObjectKind,
    /// What is asked.
    pub(super) name: Arc<str>,
    /// What the answer is about.
    pub(super) target: Target,
    /// The pattern of a selection that it stands for: where another name has told the same of it, it tells nothing more.
    pub(super) of: Option<Arc<str>>,
}

/// Names of one server that anybody knows.
#[derive(Default)]
struct Listed {
    names: BTreeMap<ObjectKind, BTreeSet<Arc<str>>>,
    /// Somebody listed its tools: a gateway, or a lock.
    is_known: bool,
}

impl<'a> Scope<'a> {
    pub(super) fn new(current: &'a Side<'a>, proposed: &'a Side<'a>, catalogue: &Catalogue) -> Self {
        let (from, to) = (current.snapshot, proposed.snapshot);
        let roles: BTreeSet<&RoleName> = from.roles.keys().chain(to.roles.keys()).collect();
        let names: BTreeSet<&ServerName> = from.servers.keys().chain(to.servers.keys()).collect();
        let changed_locks: BTreeSet<&ServerName> = names
            .iter()
            .copied()
            .filter(|name| from.locks.get(*name) != to.locks.get(*name))
            .collect();
        let names = names.into_iter().map(|name| (name, listed(name, from, to, catalogue)));
        Self {
            servers: names.collect(),
            endpoints: endpoints(from, to, &changed_locks),
            changed_roles: roles
                .into_iter()
                .filter(|name| from.roles.get(*name) != to.roles.get(*name))
                .collect(),
            changed_locks,
            current,
            proposed,
        }
    }

    /// Everything that either side selects of the server; what neither does is denied on both.
    pub(super) fn candidates<'s>(&self, offered: &'s Offered<'a>) -> &'s [Candidate] {
        offered.candidates.get_or_init(|| {
            let mut all = Vec::new();
            let Some(listed) = self.servers.get(offered.server) else {
                return all;
            };
            for kind in KINDS {
                let names = listed.names.get(&kind).into_iter().flatten();
                all.extend(names.filter(|name| offered.selects(kind, name)).map(|name| Candidate {
                    kind,
                    name: name.clone(),
                    target: Target::Named(name.clone()),
                    of: None,
                }));
                self.patterns(offered, kind, listed.is_known, &mut all);
            }
            all
        })
    }

    /// Names that no list has, one or more for each pattern, so that the answers tell of what will come.
    fn patterns(&self, offered: &Offered<'a>, kind: ObjectKind, known: bool, all: &mut Vec<Candidate>) {
        let pinned = |side: &Side<'_>| side.snapshot.locks.contains_key(offered.server);
        // A server that is pinned serves nothing new until its lock says so, which is a change with a plan of its own.
        if kind != ObjectKind::Resource && pinned(self.current) && pinned(self.proposed) {
            return;
        }
        let patterns = offered.globs(kind).flat_map(|globs| &globs.with);
        let patterns: BTreeMap<&str, &Pattern> = patterns.map(|pattern| (pattern.as_str(), pattern)).collect();
        for pattern in patterns.into_values().filter(|pattern| pattern.literal().is_none()) {
            let of: Arc<str> = pattern.as_str().into();
            let mut rules = rule_patterns([self.current.snapshot, self.proposed.snapshot], kind, offered.server);
            // What one side takes away with `!` the other may select.
            let without = offered.globs(kind).flat_map(|globs| &globs.without);
            rules.extend(without.flat_map(|pattern| alternatives(pattern.as_str())));
            all.extend(witnesses(pattern, &rules).into_iter().map(|witness| {
                let text = witness.pattern.into();
                Candidate {
                    kind,
                    name: witness.name.into(),
                    target: match (kind, known) {
                        (ObjectKind::Resource, _) => Target::Matching(text),
                        (_, true) => Target::Future(text),
                        (_, false) => Target::Unknown(text),
                    },
                    of: Some(Arc::clone(&of)),
                }
            }));
        }
    }
}

impl<'a> Offered<'a> {
    fn globs(&self, kind: ObjectKind) -> impl Iterator<Item = &'a Globs> {
        [self.current, self.proposed]
            .into_iter()
            .flatten()
            .map(move |selection| match kind {
                ObjectKind::Tool => &selection.tools,
                ObjectKind::Prompt => &selection.prompts,
                ObjectKind::Resource => &selection.resources,
            })
    }

    fn selects(&self, kind: ObjectKind, name: &str) -> bool {
        self.globs(kind).any(|globs| globs.is_match(name))
    }
}

impl Candidate {
    pub(super) fn object<'a>(&'a self, server: &'a ServerName) -> Object<'a> {
        match self.kind {
            ObjectKind::Tool => Object::Tool {
                server,
                tool: &self.name,
            },
            ObjectKind::Prompt => Object::Prompt {
                server,
                name: &self.name,
            },
            ObjectKind::Resource => Object::Resource {
                server,
                uri: &self.name,
            },
        }
    }
}

fn endpoints<'a>(
    from: &'a Snapshot,
    to: &'a Snapshot,
    changed_locks: &BTreeSet<&ServerName>,
) -> BTreeMap<&'a EndpointName, Vec<Offered<'a>>> {
    let names: BTreeSet<&EndpointName> = from.endpoints.keys().chain(to.endpoints.keys()).collect();
    let offered = |name: &EndpointName| {
        let [old, new] = [from, to].map(|side| selections(side, name));
        let servers: BTreeSet<&ServerName> = old.keys().chain(new.keys()).copied().collect();
        let offered = servers.into_iter().map(|server| {
            let (current, proposed) = (old.get(server).copied(), new.get(server).copied());
            let globs = |selection: &'a Selection| (&selection.tools, &selection.prompts, &selection.resources);
            Offered {
                server,
                is_same: current.map(globs) == proposed.map(globs)
                    && !changed_locks.contains(server)
                    && from.is_personal(server) == to.is_personal(server),
                current,
                proposed,
                candidates: OnceCell::new(),
            }
        });
        offered.collect()
    };
    names.into_iter().map(|name| (name, offered(name))).collect()
}

fn selections<'a>(side: &'a Snapshot, name: &EndpointName) -> BTreeMap<&'a ServerName, &'a Selection> {
    let endpoint = side.endpoints.get(name);
    let selections = endpoint.into_iter().flat_map(|endpoint| &endpoint.servers);
    selections.map(|selection| (&selection.server, selection)).collect()
}

fn listed(name: &ServerName, from: &Snapshot, to: &Snapshot, catalogue: &Catalogue) -> Listed {
    let mut listed = Listed::default();
    let mut add = |kind, names: &mut dyn Iterator<Item = Arc<str>>| listed.names.entry(kind).or_default().extend(names);
    for lock in [from, to].into_iter().filter_map(|side| side.locks.get(name)) {
        add(ObjectKind::Tool, &mut lock.tools().map(|(name, _)| name.clone()));
        add(ObjectKind::Prompt, &mut lock.prompts().map(|(name, _)| name.clone()));
        add(ObjectKind::Resource, &mut lock.templates().map(|(uri, _)| uri.clone()));
    }
    if let Some(known) = catalogue.0.get(name) {
        add(ObjectKind::Tool, &mut known.tools.iter().cloned());
        add(ObjectKind::Prompt, &mut known.prompts.iter().cloned());
        add(ObjectKind::Resource, &mut known.templates.iter().cloned());
    }
    for side in [from, to] {
        for kind in KINDS {
            add(kind, &mut exact_names(side, kind, name));
        }
    }
    listed.is_known = catalogue.0.contains_key(name) || [from, to].iter().any(|side| side.locks.contains_key(name));
    listed
}

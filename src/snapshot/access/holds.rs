//! What is taken away from the running gateway, whatever its files say. A hold only ever takes away.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;

use super::Object;
use super::rights::groups_of;
use crate::name::{Caller, EndpointName, Target};
use crate::snapshot::Snapshot;

/// Those in force at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Holds(BTreeSet<Target>);

/// Those in force now: shared by all that decide, changed in one place.
#[derive(Debug, Default)]
pub struct LiveHolds(ArcSwap<Holds>);

impl Holds {
    pub fn new(targets: impl IntoIterator<Item = Target>) -> Self {
        Self(targets.into_iter().collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, target: &Target) -> bool {
        self.0.contains(target)
    }

    /// What refuses this caller altogether.
    pub fn on_caller(&self, snapshot: &Snapshot, caller: &Caller) -> Option<Target> {
        if self.is_empty() {
            return None;
        }
        let own = Target::Principal(caller.principal.clone());
        if self.contains(&own) {
            return Some(own);
        }
        if !self.0.iter().any(|target| matches!(target, Target::Group(_))) {
            return None;
        }
        let groups = groups_of(snapshot, caller).into_iter();
        groups
            .map(|name| Target::Group(name.into()))
            .find(|group| self.contains(group))
    }

    pub(super) fn on_endpoint(&self, endpoint: &EndpointName) -> Option<Target> {
        if self.is_empty() {
            return None;
        }
        Some(Target::Endpoint(endpoint.clone())).filter(|target| self.contains(target))
    }

    pub(super) fn on(&self, endpoint: &EndpointName, object: Object<'_>) -> Option<Target> {
        if self.is_empty() {
            return None;
        }
        let server = || Some(Target::Server(object.server().clone())).filter(|target| self.contains(target));
        let tool = || match object {
            Object::Tool { server, tool } => Some(Target::Tool {
                server: server.clone(),
                tool: tool.into(),
            })
            .filter(|target| self.contains(target)),
            Object::Prompt { .. } | Object::Resource { .. } => None,
        };
        self.on_endpoint(endpoint).or_else(server).or_else(tool)
    }
}

impl LiveHolds {
    pub fn new(holds: Holds) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(holds)))
    }

    /// Where nothing can be held.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<LiveHolds>> = LazyLock::new(Arc::default);
        Arc::clone(&NONE)
    }

    pub fn now(&self) -> Arc<Holds> {
        self.0.load_full()
    }

    /// From the next decision on; `false` where they were the same already.
    pub fn set(&self, holds: Holds) -> bool {
        let is_new = **self.0.load() != holds;
        if is_new {
            self.0.store(Arc::new(holds));
        }
        is_new
    }

    /// What refuses this caller altogether.
    pub fn on_caller(&self, snapshot: &Snapshot, caller: &Caller) -> Option<Target> {
        self.0.load().on_caller(snapshot, caller)
    }

    /// Are they the same as then?
    pub fn are(&self, holds: &Arc<Holds>) -> bool {
        Arc::ptr_eq(&self.0.load(), holds)
    }

    pub(super) fn on_endpoint(&self, endpoint: &EndpointName) -> Option<Target> {
        self.0.load().on_endpoint(endpoint)
    }

    pub(super) fn on(&self, endpoint: &EndpointName, object: Object<'_>) -> Option<Target> {
        self.0.load().on(endpoint, object)
    }
}

//! One generation: everything that requests are answered with, swapped whole.
//!
//! A request loads it once and passes references on; nothing in it changes but caches that follow the catalogues.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use crate::auth::Issuers;
use crate::auth::oidc::Provider;
use crate::gate::auth::Identities;
use crate::gate::filter::{Filter, Filters};
use crate::gate::http::Doors;
use crate::gate::offer::Offer;
use crate::gate::record::Recording;
use crate::gate::view::View;
use crate::name::{EndpointName, ServerName};
use crate::pii::Cover;
use crate::snapshot::access::{Rights, RightsKey};
use crate::snapshot::{Endpoint, Snapshot};
use crate::telemetry::Traces;
use crate::upstream::Upstream;

/// The first list waits this long for the first catalogue of each server, in parallel.
const FIRST_CATALOGUES: Duration = Duration::from_secs(10);

/// Views of one endpoint that are kept; there is one per set of roles, so more than this is a flood of odd callers.
const MAX_VIEWS: usize = 1_000;

pub struct Generation {
    /// Of the files, as history has them: secrets that were renewed are the same generation.
    pub number: u64,
    /// Of the files.
    pub digest: String,
    pub snapshot: Arc<Snapshot>,
    /// Every `[server.*]` of the snapshot.
    pub upstreams: BTreeMap<ServerName, Arc<Upstream>>,
    pub recording: Recording,
    /// `None`: traces are off.
    pub traces: Option<Arc<Traces>>,
    /// Of `[login.oidc]`.
    pub provider: Option<Arc<Provider>>,
    pub(super) doors: Doors,
    pub(super) identities: Identities,
    filters: Filters,
    endpoints: BTreeMap<EndpointName, EndpointState>,
}

/// What a generation is made of.
pub struct GenerationParts {
    pub number: u64,
    pub digest: String,
    pub snapshot: Arc<Snapshot>,
    pub upstreams: BTreeMap<ServerName, Arc<Upstream>>,
    pub filters: Filters,
    pub recording: Recording,
    pub traces: Option<Arc<Traces>>,
    pub issuers: Issuers,
    pub provider: Option<Arc<Provider>>,
}

#[derive(Default)]
struct EndpointState {
    waited: AtomicBool,
    offer: Mutex<Option<Arc<Offer>>>,
    views: Mutex<HashMap<RightsKey, Arc<View>>>,
}

impl Generation {
    pub fn new(parts: GenerationParts) -> Self {
        let GenerationParts {
            number,
            digest,
            snapshot,
            upstreams,
            filters,
            recording,
            traces,
            issuers,
            provider,
        } = parts;
        Self {
            number,
            digest,
            recording,
            traces,
            provider,
            doors: Doors::of(&snapshot.gateway),
            identities: Identities::of(&snapshot, issuers),
            endpoints: snapshot
                .endpoints
                .keys()
                .map(|name| (name.clone(), EndpointState::default()))
                .collect(),
            snapshot,
            upstreams,
            filters,
        }
    }

    pub fn issuers(&self) -> &Issuers {
        self.identities.issuers()
    }

    /// What is redacted between clients of `endpoint` and `server`.
    pub(super) fn filter(&self, endpoint: &EndpointName, server: &ServerName) -> Filter {
        self.filters.of(&self.snapshot, endpoint, server)
    }

    /// What is taken out of texts that belong to no one call.
    pub fn cover(&self) -> &Cover {
        self.filters.cover()
    }

    /// What an endpoint offers to anybody, made anew when a catalogue has changed.
    pub fn offer(&self, endpoint: &EndpointName) -> Option<Arc<Offer>> {
        let state = self.endpoints.get(endpoint)?;
        let table = self.snapshot.endpoints.get(endpoint)?;
        let kept = lock(&state.offer).clone();
        if let Some(offer) = kept.as_ref().filter(|offer| offer.is_current()) {
            return Some(Arc::clone(offer));
        }
        let offer = Arc::new(Offer::of(self, endpoint, table));
        offer.tell_changes(kept.as_deref(), endpoint);
        *lock(&state.offer) = Some(Arc::clone(&offer));
        Some(offer)
    }

    /// What of it the holder of these rights may use.
    pub(super) fn view(&self, endpoint: &EndpointName, rights: &Rights) -> Option<Arc<View>> {
        let state = self.endpoints.get(endpoint)?;
        let kept = lock(&state.views).get(rights.key()).cloned();
        if let Some(view) = kept.filter(|view| view.offer.is_current()) {
            return Some(view);
        }
        let view = Arc::new(View::of(endpoint, self.offer(endpoint)?, rights));
        let mut views = lock(&state.views);
        if views.len() >= MAX_VIEWS {
            views.clear();
        }
        views.insert(rights.key().clone(), Arc::clone(&view));
        Some(view)
    }

    /// Waits for the endpoint's first catalogues, once: a server that is late then is announced by `list_changed`.
    pub(super) async fn first_catalogues(&self, endpoint: &EndpointName) {
        let (Some(state), Some(table)) = (self.endpoints.get(endpoint), self.snapshot.endpoints.get(endpoint)) else {
            return;
        };
        if state.waited.load(Ordering::Relaxed) {
            return;
        }
        let all = futures_util::future::join_all(self.of_endpoint(table).map(|upstream| upstream.first_catalogue()));
        let _late = timeout(FIRST_CATALOGUES, all).await;
        state.waited.store(true, Ordering::Relaxed);
    }

    fn of_endpoint(&self, table: &Endpoint) -> impl Iterator<Item = &Arc<Upstream>> {
        table
            .servers
            .iter()
            .filter_map(|selection| self.upstreams.get(&selection.server))
    }
}

/// Nothing panics while it holds one of these locks; a poisoned one still holds a whole value.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

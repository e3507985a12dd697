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
use crate::name::{Caller, EndpointName, Principal, ServerName};
use crate::pii::Cover;
use crate::snapshot::access::{LiveHolds, Rights, RightsKey};
use crate::snapshot::{Endpoint, Selection, Snapshot};
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
    /// Of the store: they change while this is served.
    pub(super) holds: Arc<LiveHolds>,
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
    pub holds: Arc<LiveHolds>,
}

type Views = HashMap<(RightsKey, Option<Principal>), Arc<View>>;

struct EndpointState {
    /// Do callers with the same rights see different things, by their own accounts?
    is_personal: bool,
    /// Servers that serve each owner of a credential apart.
    several: Vec<Arc<Upstream>>,
    waited: AtomicBool,
    /// Of everybody, or of each caller where servers know callers apart.
    offers: Mutex<HashMap<Option<Principal>, Arc<Offer>>>,
    views: Mutex<Views>,
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
            holds,
        } = parts;
        Self {
            number,
            digest,
            recording,
            traces,
            provider,
            doors: Doors::of(&snapshot.gateway),
            identities: Identities::of(&snapshot, &holds, issuers),
            endpoints: snapshot
                .endpoints
                .iter()
                .map(|(name, table)| (name.clone(), EndpointState::of(table, &snapshot, &upstreams)))
                .collect(),
            snapshot,
            upstreams,
            filters,
            holds,
        }
    }

    /// Of a caller who is let in.
    pub fn rights(&self, caller: &Caller) -> Rights {
        Rights::of(&self.snapshot, caller).under(&self.holds)
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

    /// What an endpoint offers to anybody: without what its servers show to each account apart.
    pub fn offer(&self, endpoint: &EndpointName) -> Option<Arc<Offer>> {
        self.offer_to(endpoint, None)
    }

    /// Made anew when a catalogue has changed. `caller`: of an endpoint that serves each apart.
    fn offer_to(&self, endpoint: &EndpointName, caller: Option<&Principal>) -> Option<Arc<Offer>> {
        let state = self.endpoints.get(endpoint)?;
        let table = self.snapshot.endpoints.get(endpoint)?;
        let key = caller.cloned();
        let kept = lock(&state.offers).get(&key).cloned();
        if let Some(offer) = kept.as_ref().filter(|offer| offer.is_current()) {
            return Some(Arc::clone(offer));
        }
        let offer = Arc::new(Offer::of(self, endpoint, table, caller));
        offer.tell_changes(kept.as_deref(), endpoint);
        let mut offers = lock(&state.offers);
        if offers.len() >= MAX_VIEWS {
            offers.clear();
        }
        offers.insert(key, Arc::clone(&offer));
        Some(offer)
    }

    /// What of it the holder of these rights may use.
    pub(super) fn view(&self, endpoint: &EndpointName, rights: &Rights) -> Option<Arc<View>> {
        let state = self.endpoints.get(endpoint)?;
        let apart = state.is_personal.then(|| rights.principal().clone());
        let key = (rights.key().clone(), apart);
        let kept = lock(&state.views).get(&key).cloned();
        if let Some(view) = kept.filter(|view| view.offer.is_current() && self.holds.are(&view.holds)) {
            return Some(view);
        }
        let (holds, offer) = (self.holds.now(), self.offer_to(endpoint, key.1.as_ref())?);
        let view = Arc::new(View::of(endpoint, offer, rights, holds));
        let mut views = lock(&state.views);
        if views.len() >= MAX_VIEWS {
            views.clear();
        }
        views.insert(key, Arc::clone(&view));
        Some(view)
    }

    /// Waits for the endpoint's first catalogues, once: a server that is late then is announced by `list_changed`.
    pub(super) async fn first_catalogues(&self, endpoint: &EndpointName, caller: &Principal) {
        let (Some(state), Some(table)) = (self.endpoints.get(endpoint), self.snapshot.endpoints.get(endpoint)) else {
            return;
        };
        let own: Vec<_> = state
            .several
            .iter()
            .filter_map(|upstream| upstream.of(caller))
            .filter(|upstream| !upstream.was_listed())
            .collect();
        if !own.is_empty() {
            let all = futures_util::future::join_all(own.iter().map(|upstream| upstream.first_catalogue()));
            let _late = timeout(FIRST_CATALOGUES, all).await;
        }
        if state.waited.load(Ordering::Relaxed) {
            return;
        }
        let all = of_endpoint(table, &self.upstreams).map(|upstream| upstream.first_catalogue());
        let all = futures_util::future::join_all(all);
        let _late = timeout(FIRST_CATALOGUES, all).await;
        state.waited.store(true, Ordering::Relaxed);
    }
}

impl EndpointState {
    fn of(table: &Endpoint, snapshot: &Snapshot, upstreams: &Upstreams) -> Self {
        let is_personal = |selection: &Selection| snapshot.is_personal(&selection.server);
        Self {
            is_personal: table.servers.iter().any(is_personal),
            several: of_endpoint(table, upstreams)
                .filter(|upstream| upstream.is_several())
                .cloned()
                .collect(),
            waited: AtomicBool::new(false),
            offers: Mutex::default(),
            views: Mutex::default(),
        }
    }
}

type Upstreams = BTreeMap<ServerName, Arc<Upstream>>;

fn of_endpoint<'a>(table: &'a Endpoint, upstreams: &'a Upstreams) -> impl Iterator<Item = &'a Arc<Upstream>> {
    let servers = table.servers.iter();
    servers.filter_map(|selection| upstreams.get(&selection.server))
}

/// Nothing panics while it holds one of these locks; a poisoned one still holds a whole value.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

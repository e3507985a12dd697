//! The way of a request, phase by phase, from HTTP to a server and back.
//!
//! In come requests of the listener, out go answers; [`handle`] never fails. A request loads the Generation once and
//! sees no other. Nothing reaches a server without a `Permit` of `snapshot::access` and a body that a `pii` redactor has seen.

mod accounts;
mod auth;
mod body;
mod bounds;
mod bridge;
mod call;
mod classify;
mod connect;
mod counters;
mod discover;
mod error;
mod exchange;
mod filter;
mod generation;
mod holds;
mod http;
mod legacy;
mod level;
mod limit;
mod list;
mod listen;
mod offer;
mod people;
mod pump;
mod record;
mod reply;
mod session;
mod target;
mod tasks;
mod template;
mod trace;
mod view;
mod visible;
mod wakes;
mod withheld;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use ::http::header::ORIGIN;
use ::http::request::Parts;
use ::http::{Method, Request, Response};
use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use body::{Body, Broken};
pub use counters::{BUCKETS, CallCounters, Called, Counters, Histogram};
pub use filter::Filters;
pub use generation::{Generation, GenerationParts};
pub use limit::SharedRates;
pub use offer::{Offer, OfferItem, OfferServer, OfferTool, Problem};
pub use record::Recording;
pub use session::{SessionStore, Versioned};

use crate::auth::{Auth, Route, Whose};
use crate::gate::auth::Identity;
use crate::gate::error::Error;
use crate::gate::holds::Cuts;
use crate::gate::limit::Rates;
use crate::gate::session::Sessions;
use crate::gate::tasks::Tasks;
use crate::gate::wakes::Wakes;
use crate::mcp::Version;
use crate::mcp::header::MCP_PROTOCOL_VERSION;
use crate::name::{EndpointName, Principal};
use crate::pii::Seal;

/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_secs(15);
/// Changes of catalogues that follow each other this closely are announced once.
const SETTLE: Duration = Duration::from_millis(100);

/// Everything that outlives a generation.
pub struct Gate {
    auth: Arc<Auth>,
    /// Of tokens that clients without sessions carry.
    seal: Arc<dyn Seal>,
    live: ArcSwap<Generation>,
    sessions: Sessions,
    rates: Rates,
    cuts: Cuts,
    tasks: Tasks,
    counters: Counters,
    /// Grows when a generation, a catalogue or a hold has changed: all open streams then look what that means for them.
    changes: watch::Sender<u64>,
    /// The same for one grant.
    wakes: Wakes,
    /// Ends every stream when the gateway drains.
    draining: CancellationToken,
}

impl Gate {
    /// `rates`: what counts calls together with other gateways. Must be called within a tokio runtime.
    pub fn new(
        generation: Generation,
        auth: Arc<Auth>,
        seal: Arc<dyn Seal>,
        sessions: Arc<dyn SessionStore>,
        rates: Option<Arc<dyn SharedRates>>,
    ) -> Arc<Self> {
        let gate = Arc::new(Self {
            auth,
            sessions: Sessions::new(Arc::clone(&seal), sessions),
            seal,
            live: ArcSwap::from_pointee(generation),
            rates: Rates::new(rates),
            cuts: Cuts::default(),
            tasks: Tasks::default(),
            counters: Counters::default(),
            changes: watch::Sender::new(0),
            wakes: Wakes::default(),
            draining: CancellationToken::new(),
        });
        tokio::spawn(sweep(Arc::downgrade(&gate)));
        tokio::spawn(follow_grants(Arc::downgrade(&gate), gate.auth.watch()));
        tokio::spawn(recheck(Arc::downgrade(&gate)));
        if !gate.sessions.store().is_alone() {
            tokio::spawn(follow_sessions(Arc::downgrade(&gate), gate.sessions.store().changes()));
        }
        gate.follow_catalogues();
        gate
    }

    /// Swaps the whole world: requests that have begun go on in the old one, every later one sees the new one.
    pub fn swap(self: &Arc<Self>, generation: Generation) {
        self.live.store(Arc::new(generation));
        self.follow_catalogues();
        self.changes.send_modify(|count| *count += 1);
    }

    pub fn generation(&self) -> Arc<Generation> {
        self.live.load_full()
    }

    pub fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn sessions_by_principal(&self) -> BTreeMap<Principal, usize> {
        self.sessions.count_by_principal()
    }

    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Ends the long-lived streams; calls in flight go on.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Announces changes of the catalogues of the present generation, until it is swapped out.
    fn follow_catalogues(self: &Arc<Self>) {
        let generation = self.generation();
        for upstream in generation.upstreams.values() {
            tokio::spawn(follow(
                Arc::downgrade(self),
                Arc::downgrade(&generation),
                upstream.changes(),
            ));
        }
    }
}

/// Answers one request.
///
/// Boxed: hyper keeps room for the future of a request in every connection, idle ones too, and moves it several times.
pub fn handle(gate: Arc<Gate>, peer: SocketAddr, request: Request<Incoming>) -> BoxFuture<'static, Response<Body>> {
    Box::pin(async move {
        let generation = gate.live.load_full();
        let (parts, mut body) = request.into_parts();
        let (id, outcome) = respond(&gate, generation, peer, &parts, &mut body).await;
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                gate.counters.refuse(error.status.as_u16());
                error.into_response(id.as_deref())
            }
        };
        if answer.status() != ::http::StatusCode::FORBIDDEN {
            http::add_cors(parts.headers.get(ORIGIN), &mut answer);
        }
        if answer.status().is_client_error() {
            http::close_unless_read(&parts, &mut body, &mut answer);
        }
        answer
    })
}

/// The phases before there is a message: listener, `http`, who, where. The raw id goes with the outcome once it is known.
async fn respond(
    gate: &Arc<Gate>,
    generation: Arc<Generation>,
    peer: SocketAddr,
    parts: &Parts,
    body: &mut Incoming,
) -> (Option<Bytes>, Result<Response<Body>, Error>) {
    let begun = generation.traces.as_ref().map(|_| SystemTime::now());
    let (endpoint, identity) = match admit(gate, &generation, parts).await {
        Ok(Admitted::Preflight) => return (None, Ok(http::preflight(&parts.headers))),
        Ok(Admitted::Caller(endpoint, identity)) => (endpoint, identity),
        Ok(Admitted::Person(route)) => {
            return (None, people::answer(gate, &generation, &route, peer, parts, body).await);
        }
        Err(error) => return (None, Err(error)),
    };
    let gone = match identity.grant() {
        Some(grant) => gate.auth.gone(grant),
        None => Some(gate.cuts.token(&identity.caller)),
    };
    // Held since it was let in, and before it could be cut.
    if generation.identities.is_held(&identity.caller) {
        return (None, Err(auth::invalid_token()));
    }
    let trace = trace::Trace::of(&parts.headers, begun);
    let caller = exchange::Request {
        gate: Arc::clone(gate),
        generation,
        peer,
        identity,
        endpoint,
        trace,
    };
    let answered = async {
        match parts.method {
            Method::POST => exchange::post(caller, &parts.headers, body).await,
            Method::GET => (None, Box::pin(listen::open_feed(&caller, &parts.headers)).await),
            _ => (None, Box::pin(legacy::end_session(&caller, &parts.headers)).await),
        }
    };
    let Some(gone) = gone else { return answered.await };
    tokio::select! {
        (id, answer) = answered => (id, answer.map(|answer| answer.map(|body| body.until(gone)))),
        () = gone.cancelled() => (None, Err(Error::unauthorized(Some("invalid_token"), "the access has ended"))),
    }
}

enum Admitted {
    Preflight,
    /// For the authorization server.
    Person(Route),
    Caller(EndpointName, Arc<Identity>),
}

/// Host, origin, path, method, caller, endpoint: in this order, so that each answer gives away no more than the one before.
async fn admit(gate: &Gate, generation: &Generation, parts: &Parts) -> Result<Admitted, Error> {
    generation.doors.check_host(parts)?;
    generation.doors.check_origin(&parts.headers)?;
    let path = parts.uri.path();
    let Some(name) = path.strip_prefix("/mcp/") else {
        let route = Route::of(path).filter(|route| route.is_served(&generation.snapshot));
        return route
            .map(Admitted::Person)
            .ok_or_else(|| Error::not_found("endpoints are at /mcp/NAME"));
    };
    match parts.method {
        Method::OPTIONS => return Ok(Admitted::Preflight),
        Method::GET | Method::DELETE if speaks_modern(parts) => return Err(Error::method_not_allowed("POST")),
        Method::GET | Method::DELETE | Method::POST => {}
        _ => return Err(Error::method_not_allowed("POST, GET, DELETE, OPTIONS")),
    }
    let named = EndpointName::new(name).ok();
    let challenged = |error: Error| match &named {
        Some(endpoint) if Route::ResourceMetadata(None).is_served(&generation.snapshot) => error.with_metadata(|| {
            let base = http::base(&generation.snapshot.gateway, parts);
            base + &Route::resource_metadata(endpoint)
        }),
        _ => error,
    };
    let identity = generation
        .identities
        .identify(&gate.auth, &parts.headers, named.as_ref())
        .await
        .map_err(challenged)?;
    match named.clone().filter(|endpoint| identity.rights.may_enter(endpoint)) {
        Some(_) if identity.is_anonymous() && !is_local(generation, parts) => Err(Error::forbidden(
            "anonymous access is for this machine only",
        )
        .with_detail("an anonymous request came through a proxy or for a foreign host; `public-anonymous` is off")),
        Some(endpoint) => Ok(Admitted::Caller(endpoint, identity)),
        None if identity.is_anonymous() => Err(challenged(Error::unauthorized(
            None,
            "send a token: `Authorization: Bearer TOKEN`",
        ))),
        None => Err(Error::not_found("there is no such endpoint")),
    }
}

/// Without `public-anonymous`, anonymous requests must be as local as they look.
fn is_local(generation: &Generation, parts: &Parts) -> bool {
    generation.snapshot.gateway.public_anonymous
        || (!http::is_forwarded(&parts.headers) && http::host(parts).is_some_and(http::is_loopback_name))
}

fn speaks_modern(parts: &Parts) -> bool {
    parts
        .headers
        .get(&MCP_PROTOCOL_VERSION)
        .is_some_and(|value| value.as_bytes() == Version::V2026_07_28.as_str().as_bytes())
}

/// Asks the identity provider again about who has grants.
async fn recheck(gate: Weak<Gate>) {
    loop {
        let Some(generation) = gate.upgrade().map(|gate| gate.generation()) else {
            return;
        };
        let pause = crate::auth::pause(&*generation);
        drop(generation);
        tokio::time::sleep(pause).await;
        let Some(gate) = gate.upgrade() else { return };
        let generation = gate.generation();
        gate.auth.recheck(&*generation).await;
    }
}

async fn sweep(gate: Weak<Gate>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(gate) = gate.upgrade() else { return };
        gate.sessions
            .sweep(gate.generation().snapshot.gateway.limits.session_idle);
        // Grants end by the clock too, and nothing in the store changes then.
        gate.auth.forget_ended();
        gate.changes.send_modify(|count| *count += 1);
    }
}

/// Open streams look again whether they may go on when their grant has changed or gone, and all when more than grants has.
async fn follow_grants(gate: Weak<Gate>, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        let Some(gate) = gate.upgrade() else { return };
        let whose = gate.auth.follow();
        gate.follow_holds();
        match whose {
            Whose::Everybodys => gate.changes.send_modify(|count| *count += 1),
            Whose::Grants(ids) => ids.iter().for_each(|id| gate.wakes.wake(id)),
        }
    }
}

/// Takes over what other gateways have saved of sessions.
async fn follow_sessions(gate: Weak<Gate>, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        let Some(gate) = gate.upgrade() else { return };
        gate.sessions
            .follow(|principal| gate.auth.sessions_ended_until(principal));
        drop(gate);
        tokio::time::sleep(SETTLE).await;
    }
}

async fn follow(gate: Weak<Gate>, generation: Weak<Generation>, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        tokio::time::sleep(SETTLE).await;
        changes.mark_unchanged();
        match gate.upgrade() {
            Some(gate) if std::ptr::eq(Arc::as_ptr(&gate.live.load()), generation.as_ptr()) => {
                let generation = gate.generation();
                // What the lock holds back from now on is logged now, whoever asks when.
                for endpoint in generation.snapshot.endpoints.keys() {
                    drop(generation.offer(endpoint));
                }
                gate.changes.send_modify(|count| *count += 1);
            }
            _ => return,
        }
    }
}

//! From files to a served generation: everything is built, bound, asked and kept before one swap, or nothing changes.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::to_raw_value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::gate::Generation;
use crate::serve::Follows;
use crate::serve::apply::{Answered, Asked, Event, Outcome, Required};
use crate::serve::changes;
use crate::serve::control;
use crate::serve::files::Files;
use crate::serve::fixed::Fixed;
use crate::serve::listener::{self, Listener};
use crate::serve::live::{Failure, Live};
use crate::serve::logging::Log;
use crate::serve::preflight::{self, Found};
use crate::serve::start::{serve_endpoints, serve_metrics};
use crate::serve::world::{Draft, Upstreams, World};
use crate::snapshot::Snapshot;
use crate::store::{Generations, How, Keys, New, Vault};
use crate::upstream::{Context, Upstream};

/// How often a generation that was swapped out is looked at, whether its last request has ended.
const RETIREMENT: Duration = Duration::from_millis(50);

/// Of one server that has nothing more to answer: its sessions are ended, its processes told to go.
pub(super) const SHUT_DOWN: Duration = Duration::from_secs(5);

/// What is served, and everything that a swap needs.
pub(super) struct Adopter {
    pub(super) live: Arc<Live>,
    pub(super) log: Log,
    pub(super) context: Context,
    pub(super) store: Arc<dyn Generations>,
    pub(super) vault: Vault,
    pub(super) fixed: Fixed,
    /// For who asks over TCP.
    pub(super) ask: mpsc::Sender<Asked>,
    pub(super) world: World,
    pub(super) endpoints: Option<Listener>,
    pub(super) metrics: Option<Listener>,
    pub(super) control: Option<Listener>,
}

/// Why files are adopted.
pub(super) struct Reason<'a> {
    pub(super) by: &'a str,
    pub(super) how: How,
    /// Somebody waits for it, who may give up until the swap.
    pub(super) waiting: Option<&'a mpsc::Sender<Event>>,
    /// `None`: no server is asked.
    pub(super) servers: Option<&'a Required>,
}

pub(super) enum Ready {
    Prepared(Box<Prepared>),
    /// It is what is served.
    Unchanged {
        generation: u64,
    },
}

/// All that the swap needs; it is committed or discarded.
pub(super) struct Prepared {
    next: World,
    moved: Moved,
    keys: Keys,
    generation: Generation,
    /// What is served until then.
    old: Arc<Generation>,
    /// Or only what the files refer to is.
    is_new: bool,
    /// Servers that do not answer yet and need not.
    passed: Vec<Answered>,
}

impl Prepared {
    /// As the store keeps it.
    pub(super) fn kept(&self, reason: &Reason<'_>) -> Result<New, String> {
        kept(&self.next.files, reason.by, reason.how)
    }

    /// What was started for it is ended.
    pub(super) fn discard(self) {
        let started = gone(&self.generation.upstreams, &self.old.upstreams);
        tokio::spawn(retire(Weak::new(), started, Duration::ZERO));
    }
}

impl Adopter {
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.world.files.snapshot
    }

    /// Pre-flights everything and tells all that fails; then swaps once.
    pub(super) async fn adopt(&mut self, files: Files, reason: &Reason<'_>) -> Result<Outcome, Failure> {
        let prepared = match self.prepare(files, reason, None).await? {
            Ready::Prepared(prepared) => *prepared,
            Ready::Unchanged { generation } => return Ok(Outcome::Unchanged { generation }),
        };
        let now = self.live.served().generation;
        if prepared.is_new
            && let Err(failure) = self.keep(&prepared.next.files, now, reason).await
        {
            prepared.discard();
            return Err(failure);
        }
        Ok(self.commit(prepared, reason.by, reason.how).await)
    }

    /// Builds, binds and asks; nothing is served yet. `number` is that of a generation which others serve too; else new files
    /// are the next one, and the same are no change.
    pub(super) async fn prepare(
        &self,
        files: Files,
        reason: &Reason<'_>,
        number: Option<u64>,
    ) -> Result<Ready, Failure> {
        let draft = Draft::build(files, &self.fixed).await;
        let served = self.live.served();
        if number.is_none() && draft.problems.is_empty() && draft.part().is_same(&self.world) {
            return Ok(Ready::Unchanged {
                generation: served.generation,
            });
        }
        let old = self.live.gate.generation();
        let mut problems = Vec::new();
        let moved = self.bind(draft.part(), &mut problems);
        let found = match (reason.servers, reason.waiting) {
            (Some(required), Some(waiting)) => tokio::select! {
                found = preflight::servers(draft.part(), &self.world, &old.upstreams, required, &self.context, waiting) => found,
                () = waiting.closed() => return Err(given_up()),
            },
            _ => Found::default(),
        };
        problems.extend(found.problems);
        let next = match draft.whole() {
            Ok(next) if problems.is_empty() => next,
            Ok(_) => return Err(Failure::of_problems(problems)),
            Err(lacking) => return Err(Failure::of_problems(lacking.into_iter().chain(problems).collect())),
        };
        if !next.is_shelf_of(&self.world) {
            return Err(Failure::of_problems(vec![self.other_shelf().to_owned()]));
        }
        let keys = next
            .keys(&self.live.state)
            .map_err(|why| Failure::of_problems(vec![why]))?;
        if let Err(error) = self.vault.check(&keys).await {
            return Err(Failure::of_problems(vec![error.to_string()]));
        }
        let is_new = number.is_some() || !next.files.is_same(&self.world.files);
        let number = number.unwrap_or(served.generation + u64::from(is_new));
        let generation = next
            .generation(
                number,
                Some(&old),
                &self.context,
                &self.live.state,
                self.live.gate.auth().held(),
            )
            .map_err(Failure::of_problems)?;
        Ok(Ready::Prepared(Box::new(Prepared {
            next,
            moved,
            keys,
            generation,
            old,
            is_new,
            passed: found.passed,
        })))
    }

    /// The one swap. Nothing here can refuse any more.
    pub(super) async fn commit(&mut self, prepared: Prepared, by: &str, how: How) -> Outcome {
        let Prepared {
            next,
            moved,
            keys,
            generation,
            old,
            is_new,
            passed,
        } = prepared;
        let number = generation.number;
        let gone = gone(&old.upstreams, &generation.upstreams);
        generation.recording.log().limit(&next.audit(&self.live.state));
        // Calls of the old generation go on for a while, and its filters with them.
        self.log.cover(generation.cover().and(old.cover()));
        match self.vault.rekey(keys.clone()).await {
            Ok(()) => {
                if let Some(group) = &self.live.group {
                    group.store.rekey(keys);
                }
            }
            Err(error) => tracing::error!(%error, "the store keeps its old keys"),
        }
        if is_new {
            let of = (number, &*next.files.digest);
            changes::live(generation.recording.log(), of, by, how).await;
        }
        self.live.gate.swap(generation);
        self.live.serve(next.files.served(number));
        self.settle(next, moved);
        if !gone.is_empty() {
            let limit = self.snapshot().gateway.limits.drain_timeout;
            tokio::spawn(retire(Arc::downgrade(&old), gone, limit));
        }
        Outcome::Swapped {
            generation: number,
            digest: self.world.files.digest.to_string(),
            servers: passed,
            behind: Vec::new(),
        }
    }

    fn other_shelf(&self) -> &'static str {
        match self.live.follows {
            Follows::Files => {
                "`gateway.store.redis` has changed: records are not moved while they are used, start the gateway anew"
            }
            Follows::Applies | Follows::Start => {
                "`gateway.store.redis` cannot be applied: start each gateway with `mcpgw serve --state DIR --redis-env NAME \
                 --key-file FILE`, which stand in its place"
            }
        }
    }

    /// What is applied is kept or not served; what follows files stands in them, and a store that cannot keep it only
    /// costs history.
    async fn keep(&self, files: &Files, now: u64, reason: &Reason<'_>) -> Result<(), Failure> {
        if reason.waiting.is_some_and(mpsc::Sender::is_closed) {
            return Err(given_up());
        }
        match keep(&*self.store, files, now, reason.by, reason.how).await {
            Err(problem) if matches!(reason.how, How::Files | How::Start) => {
                tracing::warn!(problem, "history lacks what is served now");
                Ok(())
            }
            Err(problem) => Err(Failure::of_problems(vec![problem])),
            Ok(()) => Ok(()),
        }
    }

    /// New addresses are bound while the old ones still serve.
    fn bind(&self, next: &World, problems: &mut Vec<String>) -> Moved {
        let mut moved = |key, old: Option<SocketAddr>, new: Option<SocketAddr>| match new {
            _ if old == new => Change::None,
            None => Change::Off,
            Some(address) => listener::bind(key, address).map_or_else(
                |problem| {
                    problems.push(problem);
                    Change::None
                },
                Change::To,
            ),
        };
        let metrics = |world: &World| world.files.snapshot.gateway.telemetry.metrics;
        let control = |world: &World| world.control.as_ref().map(|control| control.listen);
        Moved {
            endpoints: moved("gateway.listen", self.world.listen(), next.listen()),
            metrics: moved("gateway.telemetry.metrics", metrics(&self.world), metrics(next)),
            control: moved("gateway.control.listen", control(&self.world), control(next)),
        }
    }

    /// What follows the swap; nothing of it can refuse any more.
    fn settle(&mut self, next: World, moved: Moved) {
        let gateway = &next.files.snapshot.gateway;
        let live = &self.live;
        live.shared
            .tls
            .store(next.tls.as_ref().map(|tls| Arc::clone(&tls.config)));
        live.shared.connections.limit(gateway.limits.connections);
        live.control.follow(next.control.as_ref());
        self.log.change(&gateway.telemetry);
        moved.endpoints.settle(&mut self.endpoints, "gateway.listen", |bound| {
            serve_endpoints(bound, live)
        });
        moved
            .metrics
            .settle(&mut self.metrics, "gateway.telemetry.metrics", |bound| {
                serve_metrics(bound, live)
            });
        moved
            .control
            .settle(&mut self.control, "gateway.control.listen", |bound| {
                control::serve_remote(bound, live, &self.ask)
            });
        self.world = next;
        let address = |listener: &Option<Listener>| listener.as_ref().map(|listener| listener.address);
        let (listen, metrics, control) = (address(&self.endpoints), address(&self.metrics), address(&self.control));
        self.live.update(|report| {
            report.listen = listen;
            report.metrics = metrics;
            report.control = control;
            report.since = Timestamp::now();
        });
    }
}

/// Keeps files as the generation after `now`.
pub(super) async fn keep(store: &dyn Generations, files: &Files, now: u64, by: &str, how: How) -> Result<(), String> {
    store
        .append(now, kept(files, by, how)?)
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

fn kept(files: &Files, by: &str, how: How) -> Result<New, String> {
    Ok(New {
        digest: files.digest.to_string(),
        by: by.to_owned(),
        how,
        files: to_raw_value(&*files.bundle).map_err(|error| error.to_string())?,
    })
}

pub(super) fn given_up() -> Failure {
    Failure::of_problems(vec!["who asked for it has gone before the swap".to_owned()])
}

struct Moved {
    endpoints: Change,
    metrics: Change,
    control: Change,
}

enum Change {
    None,
    Off,
    To(TcpListener),
}

impl Change {
    fn settle(
        self,
        listener: &mut Option<Listener>,
        key: &str,
        serve: impl FnOnce(TcpListener) -> std::io::Result<Listener>,
    ) {
        match self {
            Self::None => {}
            Self::Off => *listener = None,
            Self::To(bound) => match serve(bound) {
                Ok(new) => *listener = Some(new),
                Err(error) => tracing::error!(%error, key, "the new listener does not start: the old one goes on"),
            },
        }
    }
}

fn gone(old: &Upstreams, new: &Upstreams) -> Vec<Arc<Upstream>> {
    let kept = |name, upstream| new.get(name).is_some_and(|other| Arc::ptr_eq(other, upstream));
    old.iter()
        .filter(|(name, upstream)| !kept(*name, upstream))
        .map(|(_, upstream)| Arc::clone(upstream))
        .collect()
}

/// Shuts down the servers that the new generation does not have, once the old one's requests are answered.
async fn retire(old: Weak<Generation>, gone: Vec<Arc<Upstream>>, limit: Duration) {
    let deadline = Instant::now() + limit;
    while old.strong_count() > 0 && Instant::now() < deadline {
        sleep(RETIREMENT).await;
    }
    for upstream in gone {
        tracing::info!(server = %upstream.name(), "the server is no longer used: it is shut down");
        upstream.shut_down(Instant::now() + SHUT_DOWN).await;
    }
}

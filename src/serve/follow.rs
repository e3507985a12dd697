//! The one task that reloads: what changes, or is asked for, becomes the next generation or is refused whole.
//!
//! Reloads never overlap, and the newest state wins: what changes while one is under way is the cause of the next.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::gate::Generation;
use crate::serve::files::{self, Files, Refused};
use crate::serve::listener::{self, Listener};
use crate::serve::live::{Failure, LastReload, Live, Outcome};
use crate::serve::logging::Log;
use crate::serve::start::{serve_endpoints, serve_metrics};
use crate::serve::watch::{BURST, Watch, Watched};
use crate::serve::world::{self, Upstreams, World};
use crate::snapshot::Snapshot;
use crate::upstream::{Context, Upstream};

/// How often secrets that come from commands are asked for again.
const ROTATION: Duration = Duration::from_secs(30);
/// How often a generation that was swapped out is looked at, whether its last request has ended.
const RETIREMENT: Duration = Duration::from_millis(50);

/// Of one server that has nothing more to answer: its sessions are ended, its processes told to go.
pub(super) const SHUT_DOWN: Duration = Duration::from_secs(5);

/// Somebody who waits for a reload's outcome.
pub(super) type Asked = oneshot::Sender<Outcome>;

pub(super) struct Follower {
    pub(super) live: Arc<Live>,
    pub(super) paths: Vec<PathBuf>,
    pub(super) locked: bool,
    pub(super) log: Log,
    pub(super) context: Context,
    pub(super) world: World,
    pub(super) endpoints: Listener,
    pub(super) metrics: Option<Listener>,
    /// What the files were made of at the start.
    pub(super) watched: Watched,
}

enum Cause {
    /// Files have changed.
    Files,
    Asked(Asked),
    Hangup,
    /// Only what the tables refer to may have changed: secrets and certificates.
    Rotation,
}

impl Follower {
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Asked>, mut hangup: Signal) {
        let mut watch = Watch::new();
        let mut again = interval_at(Instant::now() + ROTATION, ROTATION);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.watch_on(&mut watch);
        loop {
            let cause = tokio::select! {
                Some(asked) = asked.recv() => Cause::Asked(asked),
                Some(()) = hangup.recv() => Cause::Hangup,
                () = watch.changed() => if self.live.follows { Cause::Files } else { Cause::Rotation },
                _ = again.tick() => match self.again() {
                    Some(cause) => cause,
                    None => continue,
                },
            };
            if matches!(cause, Cause::Files) {
                self.wait_for_burst(&mut watch).await;
            }
            watch.begin();
            let outcome = self.reload(&cause).await;
            self.watch_on(&mut watch);
            if let Cause::Asked(asked) = cause {
                // Who asked may have gone; the outcome stands in `status` too.
                let _gone = asked.send(outcome);
            }
        }
    }

    /// Nothing announces what happens in a directory that has just appeared: it is watched, and the burst waited for.
    async fn wait_for_burst(&mut self, watch: &mut Watch) {
        let end = Instant::now() + BURST;
        while Instant::now() < end {
            let (paths, state, locked) = (self.paths.clone(), self.live.state.clone(), self.locked);
            let found = tokio::task::spawn_blocking(move || files::load(&paths, &state, locked).1).await;
            let Ok(found) = found else { return };
            if found.directories.is_subset(&self.watched.directories) {
                return;
            }
            self.watched = found;
            self.watch_on(watch);
            watch.quiet().await;
        }
    }

    /// What nobody announces: a secret of a command, and what held good files back (a secret, a port) and may be there now.
    fn again(&self) -> Option<Cause> {
        if self.live.follows && self.live.is_held_back() {
            return Some(Cause::Files);
        }
        world::has_commands(self.snapshot()).then_some(Cause::Rotation)
    }

    fn snapshot(&self) -> &Snapshot {
        &self.world.files.snapshot
    }

    /// The files as last read, good or bad, and what the served tables refer to.
    fn watch_on(&self, watch: &mut Watch) {
        let mut all = world::referred(self.snapshot());
        if self.live.follows {
            all.files.extend(self.watched.files.iter().cloned());
            all.directories.extend(self.watched.directories.iter().cloned());
        }
        watch.follow(all);
    }

    async fn reload(&mut self, cause: &Cause) -> Outcome {
        let outcome = match self.next_files(cause).await {
            Ok(files) => match self.adopt(files).await {
                Ok(outcome) => outcome,
                Err(failure) => Outcome::Refused(failure),
            },
            Err(failure) => {
                // The files are held back; what the served ones refer to may still have been rotated.
                let rotation = self
                    .adopt(self.world.files.clone())
                    .await
                    .unwrap_or_else(Outcome::Refused);
                self.record(&Cause::Rotation, &rotation);
                Outcome::Refused(failure)
            }
        };
        self.record(cause, &outcome);
        outcome
    }

    async fn next_files(&mut self, cause: &Cause) -> Result<Files, Failure> {
        if matches!(cause, Cause::Rotation) {
            return Ok(self.world.files.clone());
        }
        let (paths, state, locked) = (self.paths.clone(), self.live.state.clone(), self.locked);
        let loaded = tokio::task::spawn_blocking(move || files::load(&paths, &state, locked)).await;
        let (loaded, mut watched) =
            loaded.map_err(|error| Failure::of_problems(vec![format!("the files cannot be compiled: {error}")]))?;
        if let Ok(files) = &loaded {
            // A secret that is missing now may come: its file is watched before it is served.
            watched.files.extend(world::referred(&files.snapshot).files);
        }
        self.watched = watched;
        loaded.map_err(|refused: Refused| Failure {
            summary: refused.summary(),
            findings: refused.told(),
            problems: Vec::new(),
        })
    }

    /// Pre-flights everything, then swaps once.
    async fn adopt(&mut self, files: Files) -> Result<Outcome, Failure> {
        let next = World::build(files).await.map_err(Failure::of_problems)?;
        let old = self.live.gate.generation();
        if next.is_same(&self.world) {
            return Ok(Outcome::Unchanged { generation: old.number });
        }
        let moved = self.bind(&next)?;
        let number = old.number + 1;
        let generation = next
            .generation(number, &old.upstreams, &self.context)
            .map_err(Failure::of_problems)?;
        let gone = gone(&old.upstreams, &generation.upstreams);
        self.live.gate.swap(generation);
        self.live.serve(next.files.served(number));
        self.settle(next, moved);
        if !gone.is_empty() {
            tokio::spawn(retire(
                Arc::downgrade(&old),
                gone,
                self.snapshot().gateway.limits.drain_timeout,
            ));
        }
        Ok(Outcome::Swapped { generation: number })
    }

    /// New addresses are bound while the old ones still serve.
    fn bind(&self, next: &World) -> Result<Moved, Failure> {
        let (old, new) = (&self.snapshot().gateway, &next.files.snapshot.gateway);
        let problem = |problem| Failure::of_problems(vec![problem]);
        let endpoints = if new.listen == old.listen {
            None
        } else {
            Some(listener::bind("gateway.listen", new.listen).map_err(problem)?)
        };
        let metrics = if new.telemetry.metrics == old.telemetry.metrics {
            Change::None
        } else if let Some(address) = new.telemetry.metrics {
            Change::To(listener::bind("gateway.telemetry.metrics", address).map_err(problem)?)
        } else {
            Change::Off
        };
        Ok(Moved { endpoints, metrics })
    }

    /// What follows the swap; nothing of it can refuse any more.
    fn settle(&mut self, next: World, moved: Moved) {
        let gateway = &next.files.snapshot.gateway;
        self.live
            .shared
            .tls
            .store(next.tls.as_ref().map(|tls| Arc::clone(&tls.config)));
        self.live.shared.connections.limit(gateway.limits.connections);
        self.log.change(&gateway.telemetry);
        if let Some(listener) = moved.endpoints {
            match serve_endpoints(listener, &self.live) {
                Ok(listener) => self.endpoints = listener,
                Err(error) => tracing::error!(%error, "the new listener does not start: the old one goes on"),
            }
        }
        match moved.metrics {
            Change::None => {}
            Change::Off => self.metrics = None,
            Change::To(listener) => match serve_metrics(listener, &self.live) {
                Ok(listener) => self.metrics = Some(listener),
                Err(error) => tracing::error!(%error, "the new metrics listener does not start"),
            },
        }
        self.world = next;
        let (listen, metrics) = (
            self.endpoints.address,
            self.metrics.as_ref().map(|metrics| metrics.address),
        );
        self.live.update(|report| {
            report.listen = listen;
            report.metrics = metrics;
            report.since = Timestamp::now();
        });
    }

    fn record(&self, cause: &Cause, outcome: &Outcome) {
        let before = self.live.report();
        let is_rotation = matches!(cause, Cause::Rotation);
        let known = if is_rotation { &before.rotation } else { &before.failure };
        let counts = &self.live.reloads;
        match outcome {
            Outcome::Swapped { generation } => {
                tracing::info!(generation, cause = cause.word(), "reloaded");
                counts.swapped.fetch_add(1, Ordering::Relaxed);
            }
            // A look at files that were only touched is nothing to tell.
            Outcome::Unchanged { .. } if known.is_none() && matches!(cause, Cause::Files | Cause::Rotation) => return,
            Outcome::Unchanged { .. } if is_rotation => tracing::info!("secrets and certificates can be read again"),
            Outcome::Unchanged { .. } => {
                if known.is_some() {
                    tracing::info!("the files are again as they are served");
                }
                counts.unchanged.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Refused(failure) if known.as_ref() == Some(failure) => {}
            Outcome::Refused(failure) => {
                tracing::error!(
                    reason = failure.summary,
                    cause = cause.word(),
                    "not reloaded: the old generation serves on"
                );
                counts.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        let failure = match outcome {
            Outcome::Refused(failure) => Some(failure.clone()),
            Outcome::Swapped { .. } | Outcome::Unchanged { .. } => None,
        };
        self.live.update(|report| {
            if is_rotation {
                report.rotation = failure;
            } else {
                report.failure = failure;
                report.last = Some(LastReload {
                    at: Timestamp::now().to_string(),
                    cause: cause.word(),
                    outcome: outcome.word(),
                });
            }
        });
    }
}

struct Moved {
    endpoints: Option<tokio::net::TcpListener>,
    metrics: Change,
}

enum Change {
    None,
    Off,
    To(tokio::net::TcpListener),
}

impl Cause {
    fn word(&self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Asked(_) => "asked",
            Self::Hangup => "SIGHUP",
            Self::Rotation => "rotation",
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

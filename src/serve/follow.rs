//! The one task that changes what is served: what changes in the files, or is asked for, becomes the next generation or is
//! refused whole.
//!
//! Changes never overlap. Of followed files the newest state wins: what changes while one is read is the cause of the next.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::Signal;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::serve::Follows;
use crate::serve::adopt::{Adopter, Reason};
use crate::serve::agree::LOOK;
use crate::serve::apply::{Apply, Asked, Change, Event, Outcome};
use crate::serve::changes;
use crate::serve::files::{self, Files, Refused};
use crate::serve::live::{Failure, LastReload, Live};
use crate::serve::take_part::Known;
use crate::serve::watch::{BURST, Watch, Watched};
use crate::serve::world;
use crate::store::How;

/// How often secrets that come from commands are asked for again.
const ROTATION: Duration = Duration::from_secs(30);

/// By whom what changes by itself is changed.
pub(super) const GATEWAY: &str = "gateway";

pub(super) struct Follower {
    pub(super) live: Arc<Live>,
    pub(super) paths: Vec<PathBuf>,
    pub(super) locked: bool,
    pub(super) adopter: Adopter,
    /// What the files were made of at the start.
    pub(super) watched: Watched,
    /// Of other replicas' changes.
    pub(super) known: Known,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Cause {
    /// Files have changed.
    Files,
    /// Somebody wants the files to be looked at now.
    Asked,
    Hangup,
    /// Only what the tables refer to may have changed: secrets and certificates.
    Rotation,
}

impl Follower {
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Asked>, mut hangup: Signal) {
        let mut watch = Watch::new();
        let mut again = interval_at(Instant::now() + ROTATION, ROTATION);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut others = interval_at(Instant::now() + LOOK, LOOK);
        others.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let group = self
            .live
            .group
            .clone()
            .filter(|_| self.live.follows == Follows::Applies);
        self.watch_on(&mut watch);
        loop {
            let (cause, asked) = tokio::select! {
                _ = others.tick(), if group.is_some() => {
                    if let Some(group) = &group && self.follow_others(group).await {
                        self.watch_on(&mut watch);
                    }
                    continue;
                }
                Some(asked) = asked.recv() => (Cause::Asked, Some(asked)),
                Some(()) = hangup.recv() => (if self.follows() { Cause::Hangup } else { Cause::Rotation }, None),
                () = watch.changed() => (if self.follows() { Cause::Files } else { Cause::Rotation }, None),
                _ = again.tick() => match self.again() {
                    Some(cause) => (cause, None),
                    None => continue,
                },
            };
            if cause == Cause::Files {
                self.wait_for_burst(&mut watch).await;
            }
            watch.begin();
            match asked {
                None => {
                    self.reload(cause, GATEWAY, None).await;
                }
                Some(asked) => {
                    let Asked {
                        what,
                        by,
                        events,
                        outcome,
                    } = asked;
                    let ended = self.change(what, &by, &events).await;
                    // Who asked may have gone; the outcome stands in `status` too.
                    let _gone = outcome.send(ended);
                }
            }
            self.watch_on(&mut watch);
        }
    }

    fn follows(&self) -> bool {
        self.live.follows == Follows::Files
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
        if self.follows() && self.live.is_held_back() {
            return Some(Cause::Files);
        }
        world::has_commands(self.adopter.snapshot()).then_some(Cause::Rotation)
    }

    /// The files as last read, good or bad, and what the served tables refer to.
    fn watch_on(&self, watch: &mut Watch) {
        let mut all = world::referred(self.adopter.snapshot());
        if self.follows() {
            all.files.extend(self.watched.files.iter().cloned());
            all.directories.extend(self.watched.directories.iter().cloned());
        }
        watch.follow(all);
    }

    /// What somebody asks for.
    async fn change(&mut self, what: Change, by: &str, events: &mpsc::Sender<Event>) -> Outcome {
        match what {
            Change::Reload { expected } => self.reload(Cause::Asked, by, expected).await,
            Change::Apply(apply) => {
                let how = apply.how;
                let outcome = self.apply(*apply, by, events).await;
                self.tell(by, &outcome);
                let generation = self.live.gate.generation();
                changes::refused(generation.recording.log(), &outcome, by, how).await;
                outcome
            }
        }
    }

    async fn apply(&mut self, apply: Apply, by: &str, events: &mpsc::Sender<Event>) -> Outcome {
        let served = self.live.served();
        if *apply.base != *served.digest {
            return self.stale();
        }
        let locked = apply.locked || self.locked;
        let compiled = tokio::task::spawn_blocking(move || (files::of_bundle(&apply.bundle, locked), apply)).await;
        let (files, apply) = match compiled {
            Ok((Ok(files), apply)) => (files, apply),
            Ok((Err(refused), _)) => return Outcome::Refused(Failure::of_findings(&refused)),
            Err(error) => return Outcome::Refused(uncompiled(&error)),
        };
        if let Some(group) = self.live.group.clone() {
            return self.apply_to_all(&group, &apply, &files, by, events).await;
        }
        let reason = Reason {
            by,
            how: apply.how,
            waiting: Some(events),
            servers: apply.servers.as_ref(),
        };
        self.adopter
            .adopt(files, &reason)
            .await
            .unwrap_or_else(Outcome::Refused)
    }

    /// Who applied is told by the answer; others by the log and the counters.
    pub(super) fn tell(&self, by: &str, outcome: &Outcome) {
        let counts = &self.live.reloads;
        match outcome {
            Outcome::Swapped { generation, .. } => {
                tracing::info!(generation, by, "applied");
                counts.swapped.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Unchanged { .. } => {
                counts.unchanged.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Stale { reason } => tracing::info!(by, reason, "not applied: it was made for other files"),
            Outcome::Unknown { reason } => tracing::error!(by, reason, "nobody knows yet whether it is applied"),
            Outcome::Refused(failure) => {
                tracing::error!(
                    by,
                    reason = failure.summary,
                    "not applied: the old generation serves on"
                );
                counts.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The followed files, or what the served ones refer to, as they are now.
    async fn reload(&mut self, cause: Cause, by: &str, expected: Option<String>) -> Outcome {
        let reason = Reason {
            by,
            how: if cause == Cause::Asked { How::Apply } else { How::Files },
            waiting: None,
            servers: None,
        };
        let outcome = match self.next_files(cause).await {
            Ok(files) if expected.as_ref().is_some_and(|expected| **expected != *files.digest) => Outcome::Stale {
                reason: "the files have changed since they were looked at".to_owned(),
            },
            Ok(files) => self
                .adopter
                .adopt(files, &reason)
                .await
                .unwrap_or_else(Outcome::Refused),
            Err(failure) => {
                // The files are held back; what the served ones refer to may still have been rotated.
                let rotation = match self.refreshed().await {
                    Ok(files) => self
                        .adopter
                        .adopt(files, &reason)
                        .await
                        .unwrap_or_else(Outcome::Refused),
                    Err(failure) => Outcome::Refused(failure),
                };
                self.record(Cause::Rotation, &rotation, &reason).await;
                Outcome::Refused(failure)
            }
        };
        self.record(cause, &outcome, &reason).await;
        outcome
    }

    async fn next_files(&mut self, cause: Cause) -> Result<Files, Failure> {
        if cause == Cause::Rotation {
            return self.refreshed().await;
        }
        let (paths, state, locked) = (self.paths.clone(), self.live.state.clone(), self.locked);
        let loaded = tokio::task::spawn_blocking(move || files::load(&paths, &state, locked)).await;
        let (loaded, mut watched) = loaded.map_err(|error| uncompiled(&error))?;
        if let Ok(files) = &loaded {
            // A secret that is missing now may come: its file is watched before it is served.
            watched.files.extend(world::referred(&files.snapshot).files);
        }
        self.watched = watched;
        loaded.map_err(|refused: Refused| Failure::of_findings(&refused))
    }

    /// What is served, with what may have changed on disk read again.
    async fn refreshed(&self) -> Result<Files, Failure> {
        let files = self.adopter.world.files.clone();
        let refreshed = tokio::task::spawn_blocking(move || files.refreshed()).await;
        refreshed.map_err(|error| uncompiled(&error))
    }

    async fn record(&self, cause: Cause, outcome: &Outcome, reason: &Reason<'_>) {
        let before = self.live.report();
        let is_rotation = cause == Cause::Rotation;
        let known = if is_rotation { &before.rotation } else { &before.failure };
        let is_known = matches!(outcome, Outcome::Refused(failure) if known.as_ref() == Some(failure));
        if !is_known || cause == Cause::Asked {
            let generation = self.live.gate.generation();
            changes::refused(generation.recording.log(), outcome, reason.by, reason.how).await;
        }
        let counts = &self.live.reloads;
        match outcome {
            Outcome::Swapped { generation, .. } => {
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
            Outcome::Stale { reason } | Outcome::Unknown { reason } => {
                tracing::info!(reason, "a change came too late: it was made for other files");
                return;
            }
            Outcome::Refused(_) if is_known => {}
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
            Outcome::Swapped { .. } | Outcome::Unchanged { .. } | Outcome::Stale { .. } | Outcome::Unknown { .. } => {
                None
            }
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

impl Cause {
    fn word(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Asked => "asked",
            Self::Hangup => "SIGHUP",
            Self::Rotation => "rotation",
        }
    }
}

fn uncompiled(error: &tokio::task::JoinError) -> Failure {
    Failure::of_problems(vec![format!("the files cannot be compiled: {error}")])
}

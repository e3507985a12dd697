//! What the running process knows of itself: read by `status`, metrics and the banner, written by the follower.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::Bundle;
use crate::gate::Gate;
use crate::serve::Follows;
use crate::serve::control::Remotes;
use crate::serve::files::{Refused, Told};
use crate::serve::listener::Shared;
use crate::serve::replicas::Group;
use crate::store::Generations;
use crate::upstream::credentials::Credentials;

/// Who reads the audit log over the control API at a time.
const READERS: usize = 8;
/// Readiness waits this long for the servers' first catalogues.
const READY: Duration = Duration::from_secs(10);

pub(super) struct Live {
    pub(super) gate: Arc<Gate>,
    pub(super) started: Timestamp,
    pub(super) paths: Vec<PathBuf>,
    pub(super) state: PathBuf,
    pub(super) follows: Follows,
    pub(super) store: Arc<dyn Generations>,
    /// The gateways on the same Redis; `None`: this one is alone.
    pub(super) group: Option<Arc<Group>>,
    pub(super) credentials: Option<Arc<Credentials>>,
    /// Of the endpoints' listener.
    pub(super) shared: Arc<Shared>,
    /// Of the control API's listener.
    pub(super) control: Remotes,
    pub(super) reloads: Reloads,
    /// Room for who reads the audit log.
    pub(super) readers: Arc<Semaphore>,
    served: ArcSwap<Served>,
    ready: AtomicBool,
    report: Mutex<Report>,
}

/// What never changes while the process runs.
pub(super) struct Parts {
    pub(super) gate: Arc<Gate>,
    pub(super) paths: Vec<PathBuf>,
    pub(super) state: PathBuf,
    pub(super) follows: Follows,
    pub(super) store: Arc<dyn Generations>,
    /// The gateways on the same Redis; `None`: this one is alone.
    pub(super) group: Option<Arc<Group>>,
    /// What people and administrators brought for servers.
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) shared: Arc<Shared>,
    pub(super) control: Remotes,
}

/// What the present generation was made of.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) generation: u64,
    pub(super) digest: Arc<str>,
    pub(super) bundle: Arc<Bundle>,
}

/// Reloads by outcome. They survive every reload.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    pub(super) swapped: AtomicU64,
    pub(super) unchanged: AtomicU64,
    pub(super) refused: AtomicU64,
}

/// What changes with a reload.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) listen: Option<SocketAddr>,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) control: Option<SocketAddr>,
    /// When the present generation was swapped in.
    pub(super) since: Timestamp,
    pub(super) last: Option<LastReload>,
    /// Why the files as they are now are not served; `None` while they are.
    pub(super) failure: Option<Failure>,
    /// Why the secrets and certificates as they are now are not served.
    pub(super) rotation: Option<Failure>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct LastReload {
    pub(super) at: String,
    pub(super) cause: &'static str,
    pub(super) outcome: &'static str,
}

/// A change that was refused.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Failure {
    /// One line: the first reason with its place, and how many more there are.
    pub(super) summary: String,
    /// What is wrong in the files.
    pub(super) findings: Vec<Told>,
    /// What else is: secrets, certificates, ports.
    pub(super) problems: Vec<String>,
}

impl Live {
    pub(super) fn new(parts: Parts, served: Served, report: Report) -> Arc<Self> {
        if let Some(credentials) = &parts.credentials {
            parts.gate.record_lost(credentials);
        }
        Arc::new(Self {
            gate: parts.gate,
            started: report.since,
            paths: parts.paths,
            state: parts.state,
            follows: parts.follows,
            store: parts.store,
            group: parts.group,
            credentials: parts.credentials,
            shared: parts.shared,
            control: parts.control,
            reloads: Reloads::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            served: ArcSwap::from_pointee(served),
            ready: AtomicBool::new(false),
            report: Mutex::new(report),
        })
    }

    /// What changes the configuration.
    pub(super) fn follows_word(&self) -> &'static str {
        match self.follows {
            Follows::Applies => "applies",
            Follows::Files => "files",
            Follows::Start => "start",
        }
    }

    /// Never read again from the files: they may have changed since.
    pub(super) fn served(&self) -> Arc<Served> {
        self.served.load_full()
    }

    pub(super) fn serve(&self, served: Served) {
        self.served.store(Arc::new(served));
    }

    pub(super) fn report(&self) -> Report {
        self.lock().clone()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.lock());
    }

    /// Are there files that hold, and could not be served for another reason?
    pub(super) fn is_held_back(&self) -> bool {
        self.lock()
            .failure
            .as_ref()
            .is_some_and(|failure| !failure.problems.is_empty())
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Ready once every server has shown its catalogue or failed to, at most ten seconds after the start.
    pub(super) async fn become_ready(self: Arc<Self>) {
        let generation = self.gate.generation();
        let all = join_all(generation.upstreams.values().map(|upstream| upstream.first_catalogue()));
        let late = timeout(READY, all).await.is_err();
        if late {
            tracing::warn!("some servers have not shown their catalogues yet: serving without them");
        }
        self.ready.store(true, Ordering::Release);
    }

    /// Nobody panics while holding it; a poisoned lock still holds a whole report.
    fn lock(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    pub(super) fn of_problems(problems: Vec<String>) -> Self {
        let summary = match problems.split_first() {
            None => "it cannot be served".to_owned(),
            Some((first, [])) => first.clone(),
            Some((first, more)) => format!("{first} (and {} more)", more.len()),
        };
        Self {
            summary,
            findings: Vec::new(),
            problems,
        }
    }

    pub(super) fn of_findings(refused: &Refused) -> Self {
        Self {
            summary: refused.summary(),
            findings: refused.told(),
            problems: Vec::new(),
        }
    }
}

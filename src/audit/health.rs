//! How the log does: what is counted of it, and whether it can be written.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A write that takes longer than this hangs, in milliseconds: what comes meanwhile is refused at once.
const HANGS: u64 = 5_000;

/// It survives nothing: each log has its own.
#[derive(Debug)]
pub struct Health {
    pub lines: AtomicU64,
    /// `write`s: each takes all lines that wait.
    pub writes: AtomicU64,
    /// Lines that could not be written.
    pub lost: AtomicU64,
    failing: AtomicBool,
    reason: Mutex<Option<String>>,
    started: Instant,
    /// Milliseconds after `started`, plus one, at which the batch at hand began to be written; 0: none is.
    busy_since: AtomicU64,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            lines: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            reason: Mutex::new(None),
            started: Instant::now(),
            busy_since: AtomicU64::new(0),
        }
    }

    /// Why the last lines could not be written; `None`: they could.
    pub fn failure(&self) -> Option<String> {
        if self.hangs() {
            return Some("writing hangs".to_owned());
        }
        let reason = || self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.failing.load(Ordering::Relaxed).then(reason).flatten()
    }

    pub(super) fn fail(&self, reason: String) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        self.failing.store(true, Ordering::Relaxed);
    }

    /// Was it failing until now?
    pub(super) fn recover(&self) -> bool {
        self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed)
    }

    pub(super) fn begin(&self) -> Instant {
        let now = Instant::now();
        self.busy_since.store(self.millis(now), Ordering::Relaxed);
        now
    }

    /// How long it took since `begun`.
    pub(super) fn end(&self, begun: Instant) -> Duration {
        self.busy_since.store(0, Ordering::Relaxed);
        begun.elapsed()
    }

    pub(super) fn hangs(&self) -> bool {
        let since = self.busy_since.load(Ordering::Relaxed);
        since > 0 && self.millis(Instant::now()).saturating_sub(since) > HANGS
    }

    fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.started);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

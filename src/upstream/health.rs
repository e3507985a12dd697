//! Is the server well? A circuit per server, opened by failures to reach it and closed by a probe.
//!
//! Only what says something about the server as a whole counts: connections that fail, lists that fail. A slow call,
//! an HTTP status of one call, one caller's crashing process and an authentication failure never open the circuit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::name::ServerName;
use crate::upstream::failure::{Failure, FailureKind};

/// Failures in a row that open the circuit.
const TOLERATED: u32 = 3;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Health {
    server: ServerName,
    /// Read on every call without the lock.
    open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    condition: Condition,
    failures: u32,
    reason: Option<String>,
    next_probe: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Not asked yet.
    #[default]
    Starting,
    Well,
    Failing,
    /// It answers, and refuses the gateway's credential.
    Unauthorized,
}

/// What `status` shows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct HealthStatus {
    pub condition: Condition,
    pub reason: Option<String>,
    /// Calls are refused without asking the server.
    pub circuit_open: bool,
    pub failures_in_a_row: u32,
    pub next_probe_in_seconds: Option<u64>,
}

impl Health {
    pub(super) fn new(server: &ServerName) -> Self {
        Self {
            server: server.clone(),
            open: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Refuses while the circuit is open.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if !self.open.load(Ordering::Acquire) {
            return Ok(());
        }
        let reason = self.state().reason.clone().unwrap_or_default();
        let detail = format!("the circuit is open: {reason}");
        Err(Failure::new(FailureKind::Refused, &self.server, detail))
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(super) fn succeeded(&self) {
        let mut state = self.state();
        if state.condition != Condition::Well {
            tracing::info!(server = %self.server, "the server is well");
        }
        *state = State {
            condition: Condition::Well,
            ..State::default()
        };
        self.open.store(false, Ordering::Release);
    }

    pub(super) fn failed(&self, failure: &Failure) {
        let mut state = self.state();
        if matches!(failure.kind, FailureKind::NotConnected | FailureKind::Unauthorized) {
            if state.condition != Condition::Unauthorized {
                tracing::warn!(server = %self.server, reason = failure.detail, "the server refuses the credential, or there is none");
            }
            *state = State {
                condition: Condition::Unauthorized,
                reason: Some(failure.detail.clone()),
                ..State::default()
            };
            self.open.store(false, Ordering::Release);
            return;
        }
        state.failures = state.failures.saturating_add(1);
        state.condition = Condition::Failing;
        state.reason = Some(format!("{}: {}", failure.kind.as_str(), failure.detail));
        if state.failures == 1 {
            tracing::warn!(server = %self.server, reason = state.reason, "the server is failing");
        }
        if state.failures >= TOLERATED && !self.open.swap(true, Ordering::AcqRel) {
            tracing::warn!(server = %self.server, reason = state.reason, "the circuit opens: calls are refused until a probe succeeds");
        }
    }

    /// How long the prober waits after a failure: doubling, at most half a minute, with a little jitter.
    pub(super) fn wait(&self) -> Duration {
        let mut state = self.state();
        let doublings = state.failures.saturating_sub(1).min(8);
        let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
        let wait = if state.condition == Condition::Unauthorized {
            LONGEST_WAIT
        } else {
            wait
        };
        let wait = jitter(wait);
        state.next_probe = Some(Instant::now() + wait);
        wait
    }

    pub(super) fn status(&self) -> HealthStatus {
        let state = self.state();
        HealthStatus {
            condition: state.condition,
            reason: state.reason.clone(),
            circuit_open: self.is_open(),
            failures_in_a_row: state.failures,
            next_probe_in_seconds: state
                .next_probe
                .map(|at| at.saturating_duration_since(Instant::now()).as_secs()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds up to a tenth, so that many gateways do not ask at one moment.
pub(super) fn jitter(wait: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without randomness there is no jitter, which harms nobody.
    let _ = getrandom::fill(&mut byte);
    wait + wait.mul_f64(f64::from(byte[0]) / 2560.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> (Health, ServerName) {
        let name = ServerName::new("files").unwrap();
        (Health::new(&name), name)
    }

    #[test]
    fn the_circuit_opens_at_the_third_failure_in_a_row_and_closes_at_a_success() {
        let (health, name) = health();
        let failure = Failure::new(FailureKind::Unreachable, &name, "connection refused");
        health.failed(&failure);
        health.failed(&failure);
        assert!(health.check().is_ok());
        health.succeeded();
        health.failed(&failure);
        health.failed(&failure);
        assert!(health.check().is_ok());
        health.failed(&failure);
        let refused = health.check().unwrap_err();
        assert_eq!(refused.kind, FailureKind::Refused);
        assert!(refused.detail.contains("connection refused"));
        health.succeeded();
        assert!(health.check().is_ok());
    }

    #[test]
    fn an_authentication_failure_never_opens_the_circuit() {
        let (health, name) = health();
        for _ in 0..10 {
            health.failed(&Failure::new(FailureKind::Unauthorized, &name, "HTTP 401"));
        }
        assert!(health.check().is_ok());
        assert_eq!(health.status().condition, Condition::Unauthorized);
    }

    #[test]
    fn the_wait_doubles_up_to_half_a_minute() {
        let (health, name) = health();
        let failure = Failure::new(FailureKind::Unreachable, &name, "");
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                health.failed(&failure);
                health.wait().as_secs()
            })
            .collect();
        for (wait, least) in waits.iter().zip([1, 2, 4, 8, 16, 30, 30, 30]) {
            assert!((least..=least + least / 10 + 1).contains(wait), "{waits:?}");
        }
    }
}

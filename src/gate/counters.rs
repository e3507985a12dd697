//! What is counted. Counters live beside the generations, so that a reload resets none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::name::{EndpointName, ServerName};

/// All of the gate's counters.
#[derive(Default)]
pub struct Counters {
    /// Requests refused before they could name a server, by HTTP status.
    refused: Mutex<BTreeMap<u16, u64>>,
    calls: Mutex<BTreeMap<(EndpointName, ServerName), Arc<CallCounters>>>,
}

/// Calls of one endpoint to one server. A label per tool comes with the histograms.
#[derive(Debug, Default)]
pub struct CallCounters {
    pub answered: AtomicU64,
    /// Denied by a rule, or refused by a limit.
    pub denied: AtomicU64,
    /// The server could not be reached, did not answer in time, or broke the protocol.
    pub failed: AtomicU64,
    /// Not sent: the session that was to run it does not list what was reviewed.
    pub held_back: AtomicU64,
    /// Cancelled by the client, or its connection was lost.
    pub cancelled: AtomicU64,
    pub in_flight: AtomicI64,
}

impl Counters {
    pub(super) fn refuse(&self, status: u16) {
        *self
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(status)
            .or_default() += 1;
    }

    pub(super) fn calls(&self, endpoint: &EndpointName, server: &ServerName) -> Arc<CallCounters> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(calls.entry((endpoint.clone(), server.clone())).or_default())
    }

    pub fn refused(&self) -> BTreeMap<u16, u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn by_server(&self) -> BTreeMap<(EndpointName, ServerName), Arc<CallCounters>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counts one call from its permit to the end of its answer.
pub(super) struct Running {
    counters: Arc<CallCounters>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Answered,
    Cancelled,
    Failed,
    HeldBack,
}

impl Running {
    /// A call that nobody ends was cancelled.
    pub(super) fn begin(counters: Arc<CallCounters>) -> Self {
        counters.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            counters,
            outcome: Outcome::Cancelled,
        }
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
        let counter = match self.outcome {
            Outcome::Answered => &self.counters.answered,
            Outcome::Cancelled => &self.counters.cancelled,
            Outcome::Failed => &self.counters.failed,
            Outcome::HeldBack => &self.counters.held_back,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

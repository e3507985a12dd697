//! What is counted. Counters live beside the generations, so that a reload resets none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::gate::record::Redactions;
use crate::name::{EndpointName, ServerName};

/// Tools that are counted one by one; later ones share [`OTHER`] of their server. A server cannot fill a monitoring system.
const MAX_TOOLS: usize = 1_000;
/// No tool's name in most servers; where it is, it counts for the others too.
const OTHER: &str = "_other";

/// Upper bounds of the latency histograms, in milliseconds. One more bucket takes what is slower.
pub const BUCKETS: [u64; 14] = [
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 30_000, 120_000,
];

/// All of the gate's counters.
#[derive(Default)]
pub struct Counters {
    /// Requests refused before they could name a server, by HTTP status.
    refused: Mutex<BTreeMap<u16, u64>>,
    calls: Mutex<BTreeMap<Called, Arc<CallCounters>>>,
    /// Calls of what is not there for the caller. Its name is the client's, and stands in no label.
    unoffered: Mutex<BTreeMap<EndpointName, u64>>,
    /// Redacted values, by direction and type.
    redactions: Mutex<BTreeMap<(&'static str, String), u64>>,
    /// Values that were masked where they should have become tokens.
    masked: AtomicU64,
}

/// What is called.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Called {
    pub endpoint: EndpointName,
    pub server: ServerName,
    /// The server's own name; empty for prompts, resources and completions.
    pub tool: Arc<str>,
}

/// Calls of one tool on one endpoint, or of all else of one server.
#[derive(Debug, Default)]
pub struct CallCounters {
    pub answered: AtomicU64,
    /// Answered with an error, or by a tool that says it failed.
    pub error: AtomicU64,
    /// Denied by a rule.
    pub denied: AtomicU64,
    /// Over a limit, or not to be recorded.
    pub refused: AtomicU64,
    /// The server could not be reached, did not answer in time, or broke the protocol.
    pub failed: AtomicU64,
    /// Not sent: the session that was to run it does not list what was reviewed.
    pub held_back: AtomicU64,
    /// Cancelled by the client, or its connection was lost.
    pub cancelled: AtomicU64,
    pub in_flight: AtomicI64,
    /// Of calls that were answered, with a result or an error.
    pub latency: Histogram,
}

/// How many calls took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
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

    /// `tool`: of the server's list, never a name that only a client has said.
    pub(super) fn calls(&self, endpoint: &EndpointName, server: &ServerName, tool: Option<&str>) -> Arc<CallCounters> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let mut called = Called {
            endpoint: endpoint.clone(),
            server: server.clone(),
            tool: tool.unwrap_or_default().into(),
        };
        if calls.len() >= MAX_TOOLS && tool.is_some() && !calls.contains_key(&called) {
            called.tool = OTHER.into();
        }
        Arc::clone(calls.entry(called).or_default())
    }

    pub(super) fn unoffered_call(&self, endpoint: &EndpointName) {
        let mut unoffered = self.unoffered.lock().unwrap_or_else(PoisonError::into_inner);
        *unoffered.entry(endpoint.clone()).or_default() += 1;
    }

    pub fn unoffered(&self) -> BTreeMap<EndpointName, u64> {
        self.unoffered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn redacted(&self, direction: &'static str, found: &Redactions) {
        for (kind, count) in found.iter() {
            let mut redactions = self.redactions.lock().unwrap_or_else(PoisonError::into_inner);
            *redactions.entry((direction, kind.to_owned())).or_default() += count;
        }
    }

    pub(super) fn add_masked(&self, count: u64) {
        self.masked.fetch_add(count, Ordering::Relaxed);
    }

    pub fn masked(&self) -> u64 {
        self.masked.load(Ordering::Relaxed)
    }

    pub fn redactions(&self) -> BTreeMap<(&'static str, String), u64> {
        self.redactions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn refused(&self) -> BTreeMap<u16, u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn by_tool(&self) -> BTreeMap<Called, Arc<CallCounters>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Histogram {
    fn add(&self, time: Duration) {
        let millis = time.as_millis();
        let at = BUCKETS.iter().position(|bound| millis < u128::from(*bound));
        self.buckets[at.unwrap_or(BUCKETS.len())].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many took less than each bound, and how many there are, as they stand now.
    pub fn cumulated(&self) -> ([u64; BUCKETS.len()], u64) {
        let (mut below, mut sum) = ([0; BUCKETS.len()], 0);
        for (at, bucket) in self.buckets.iter().enumerate() {
            sum += bucket.load(Ordering::Relaxed);
            if let Some(bound) = below.get_mut(at) {
                *bound = sum;
            }
        }
        (below, sum)
    }

    pub fn seconds(&self) -> f64 {
        Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64()
    }
}

/// Counts one call from its permit to the end of its answer.
pub(super) struct Running {
    counters: Arc<CallCounters>,
    outcome: Outcome,
    begun: Instant,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Answered,
    Cancelled,
    Error,
    Failed,
    HeldBack,
    Refused,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
            Self::Failed => "failed",
            Self::HeldBack => "held-back",
            Self::Refused => "refused",
        }
    }
}

impl Running {
    /// A call that nobody ends was cancelled.
    pub(super) fn begin(counters: Arc<CallCounters>) -> Self {
        counters.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            counters,
            outcome: Outcome::Cancelled,
            begun: Instant::now(),
        }
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// From its permit until now.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
        if matches!(self.outcome, Outcome::Answered | Outcome::Error) {
            self.counters.latency.add(self.begun.elapsed());
        }
        let counter = match self.outcome {
            Outcome::Answered => &self.counters.answered,
            Outcome::Cancelled => &self.counters.cancelled,
            Outcome::Error => &self.counters.error,
            Outcome::Failed => &self.counters.failed,
            Outcome::HeldBack => &self.counters.held_back,
            Outcome::Refused => &self.counters.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_counted_one_by_one_up_to_a_bound() {
        let counters = Counters::default();
        let (endpoint, server) = (EndpointName::new("e").unwrap(), ServerName::new("s").unwrap());
        for tool in 0..MAX_TOOLS + 10 {
            counters.calls(&endpoint, &server, Some(&tool.to_string()));
        }
        let counted = counters.by_tool();
        assert_eq!(counted.len(), MAX_TOOLS + 1);
        assert!(counted.keys().any(|called| &*called.tool == OTHER));
        assert!(Arc::ptr_eq(
            &counters.calls(&endpoint, &server, Some("new")),
            &counters.calls(&endpoint, &server, Some("newer"))
        ));
    }

    #[test]
    fn a_histogram_counts_what_is_below_each_bound() {
        let histogram = Histogram::default();
        for millis in [0, 1, 30, 999_999] {
            histogram.add(Duration::from_millis(millis));
        }
        let (below, count) = histogram.cumulated();
        assert_eq!(count, 4);
        assert_eq!(below, [1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
    }
}

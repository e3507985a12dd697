//! An in-memory copy of the kinds that every request needs: grants, holds, and what clients' sessions have set.
//!
//! [`Vault`](super::Vault) keeps it: what it has confirmed stands here before its caller hears of it, and what others changed comes with
//! their news. A lookup takes no lock. A copy that may be old says so by [`is_current`](Mirror::is_current), and then nothing may be let in by it.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::store::{Kind, Record};

/// After this long without a word from a shared store its copy counts for nothing.
pub(super) const STALE: Duration = Duration::from_secs(2);

/// Grants that have changed and were not asked about, by key; beyond, all may have.
const MAX_TOUCHED: usize = 10_000;

/// A change copies one part, not all.
const PARTS: usize = 64;

type Part = HashMap<String, Arc<Record>>;

#[derive(Debug)]
pub struct Mirror {
    grants: Vec<ArcSwap<Part>>,
    holds: Vec<ArcSwap<Part>>,
    sessions: Vec<ArcSwap<Part>>,
    sessions_ends: Vec<ArcSwap<Part>>,
    hasher: RandomState,
    started: Instant,
    /// Milliseconds from the start to when the store was last heard of.
    heard: AtomicU64,
    /// Is every change told here, so that silence means nothing?
    is_alone: bool,
    /// Something could not be read after it had changed.
    is_behind: AtomicBool,
    changes: watch::Sender<u64>,
    /// Of sessions alone: they let nobody in, and change more often.
    session_changes: watch::Sender<u64>,
    /// Since it was asked last.
    touched: Mutex<Touched>,
}

/// Whom changes may concern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Touched {
    /// Everybody: holds, what was read anew, or whether any of it counts.
    All,
    /// Grants of these keys, and nobody else.
    Grants(HashSet<String>),
}

impl Mirror {
    /// `None`: there is none, or it has expired. Other kinds are not here.
    pub fn find(&self, kind: Kind, key: &str) -> Option<Arc<Record>> {
        let record = self.part(kind, key)?.load().get(key).cloned()?;
        (!record.is_expired(Timestamp::now())).then_some(record)
    }

    /// All of a kind with their keys, ordered by key.
    pub fn all(&self, kind: Kind) -> Vec<(String, Arc<Record>)> {
        let now = Timestamp::now();
        let mut found: Vec<(String, Arc<Record>)> = Vec::new();
        for part in self.parts(kind) {
            let part = part.load();
            let live = part.iter().filter(|(_, record)| !record.is_expired(now));
            found.extend(live.map(|(key, record)| (key.clone(), Arc::clone(record))));
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }

    /// No other gateway changes what is copied here.
    pub fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Ticks after every change of clients' sessions.
    pub fn watch_sessions(&self) -> watch::Receiver<u64> {
        self.session_changes.subscribe()
    }

    /// Ticks after every other change, also of [`is_current`](Self::is_current).
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whom changes may concern since this was asked last: for the one who follows them.
    pub fn touched(&self) -> Touched {
        std::mem::take(&mut *self.lock())
    }

    /// False: the store has not been heard of for 2 seconds, or a change could not be read. Whoever cannot be checked is refused.
    pub fn is_current(&self) -> bool {
        if self.is_behind.load(Ordering::Acquire) {
            return false;
        }
        let heard = Duration::from_millis(self.heard.load(Ordering::Acquire));
        self.is_alone || self.started.elapsed().saturating_sub(heard) < STALE
    }

    /// False: something that has changed could not be read.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_behind.load(Ordering::Acquire)
    }

    pub(super) fn new(is_alone: bool) -> Self {
        let empty = || (0..PARTS).map(|_| ArcSwap::default()).collect();
        Self {
            grants: empty(),
            holds: empty(),
            sessions: empty(),
            sessions_ends: empty(),
            hasher: RandomState::new(),
            started: Instant::now(),
            heard: AtomicU64::new(0),
            is_alone,
            is_behind: AtomicBool::new(true),
            changes: watch::Sender::new(0),
            session_changes: watch::Sender::new(0),
            touched: Mutex::default(),
        }
    }

    /// Only the vault calls it, one at a time.
    pub(super) fn set(&self, kind: Kind, key: &str, record: Option<Record>) {
        let Some(part) = self.part(kind, key) else { return };
        let mut next = Part::clone(&part.load());
        match record {
            Some(record) => next.insert(key.to_owned(), Arc::new(record)),
            None => next.remove(key),
        };
        part.store(Arc::new(next));
        self.tick_for(kind, Some(key));
    }

    /// All of a kind anew; only the vault calls it, one at a time.
    pub(super) fn fill(&self, kind: Kind, records: Vec<(String, Record)>) {
        let mut parts: Vec<Part> = (0..PARTS).map(|_| Part::new()).collect();
        for (key, record) in records {
            parts[self.number(&key)].insert(key, Arc::new(record));
        }
        for (place, part) in self.parts(kind).iter().zip(parts) {
            place.store(Arc::new(part));
        }
        self.tick_for(kind, None);
    }

    /// The store has answered what it was asked then, and nothing that changed is unread.
    pub(super) fn hear(&self, asked: Instant) {
        let was = self.is_current();
        let since = asked.saturating_duration_since(self.started);
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.heard.store(since, Ordering::Release);
        self.is_behind.store(false, Ordering::Release);
        if !was {
            self.tick(None);
        }
    }

    pub(super) fn fall_behind(&self) {
        if !self.is_behind.swap(true, Ordering::AcqRel) {
            self.tick(None);
        }
    }

    /// `key`: it concerns that one alone.
    fn tick_for(&self, kind: Kind, key: Option<&str>) {
        match kind {
            Kind::ClientSession | Kind::SessionsEnd => self.session_changes.send_modify(|count| *count += 1),
            Kind::Grant => self.tick(key),
            _ => self.tick(None),
        }
    }

    /// `grant`: it concerns that one alone.
    fn tick(&self, grant: Option<&str>) {
        let mut touched = self.lock();
        match (&mut *touched, grant) {
            (Touched::Grants(keys), Some(key)) if keys.len() < MAX_TOUCHED || keys.contains(key) => {
                keys.insert(key.to_owned());
            }
            (touched, _) => *touched = Touched::All,
        }
        drop(touched);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, Touched> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn part(&self, kind: Kind, key: &str) -> Option<&ArcSwap<Part>> {
        self.parts(kind).get(self.number(key))
    }

    fn parts(&self, kind: Kind) -> &[ArcSwap<Part>] {
        match kind {
            Kind::Grant => &self.grants,
            Kind::Hold => &self.holds,
            Kind::ClientSession => &self.sessions,
            Kind::SessionsEnd => &self.sessions_ends,
            Kind::Account | Kind::Client | Kind::Code | Kind::Credential | Kind::Flow | Kind::Session => &[],
        }
    }

    fn number(&self, key: &str) -> usize {
        usize::try_from(self.hasher.hash_one(key) % PARTS as u64).unwrap_or(0)
    }
}

impl Default for Touched {
    fn default() -> Self {
        Self::Grants(HashSet::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            version: 1,
            expires: None,
            value: Vec::new(),
        }
    }

    #[test]
    fn a_grant_that_changes_concerns_itself_and_all_else_everybody() {
        let mirror = Mirror::new(true);
        mirror.hear(Instant::now());
        assert_eq!(mirror.touched(), Touched::All, "it counts from now on");
        mirror.set(Kind::Grant, "a", Some(record()));
        mirror.set(Kind::Grant, "b", Some(record()));
        mirror.set(Kind::Grant, "a", None);
        let both = ["a".to_owned(), "b".to_owned()];
        assert_eq!(mirror.touched(), Touched::Grants(both.into()));
        assert_eq!(mirror.touched(), Touched::default(), "told once");
        mirror.set(Kind::Grant, "a", Some(record()));
        mirror.set(Kind::Hold, "user:a", Some(record()));
        assert_eq!(mirror.touched(), Touched::All);
        mirror.fill(Kind::Grant, Vec::new());
        assert_eq!(mirror.touched(), Touched::All);
        for number in 0..=MAX_TOUCHED {
            mirror.set(Kind::Grant, &number.to_string(), None);
        }
        assert_eq!(mirror.touched(), Touched::All, "a bound is kept");
    }
}

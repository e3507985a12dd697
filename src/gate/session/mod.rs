//! Legacy sessions: what a modern request carries itself, kept for clients that said it once at `initialize`.
//!
//! A session belongs to one principal on one endpoint; every request proves both anew. Its id is sealed ([`id`]) and tells whoever
//! has the store's secret how to go on with it, so a restart or another gateway is nothing that its client sees; what it
//! has set since lies in the store ([`saved`]). What a gateway keeps of it besides, conversations with servers above all, is made anew
//! where it is not there.

mod id;
mod live;
mod saved;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;

pub use saved::{SessionStore, Versioned};

pub(super) use live::{Pending, Session};
pub(super) use saved::{Saved, Unsaved};

use crate::auth::LONGEST_SESSION;
use crate::gate::auth::Account;
use crate::gate::level::Level;
use crate::gate::session::id::Told;
use crate::mcp::Version;
use crate::name::{EndpointName, Principal};
use crate::pii::Seal;
use crate::rate::{Buckets, Rate};
use crate::upstream::SessionKey;

/// Sessions of one account of which something is saved: so many at once, then one more each [`SAVED_EVERY`]. What is saved stays to the
/// hard end, so that no account has more than 9,000 of what the store has room for.
const SAVED_AT_ONCE: u32 = 400;
const SAVED_EVERY: Duration = Duration::from_secs(10);
/// Accounts whose saved sessions are counted at a time.
const MAX_ACCOUNTS: usize = 100_000;
/// Changes of what is saved that are begun anew because somebody was faster.
const TRIES: usize = 8;

/// All sessions that this process has to do with.
pub(super) struct Sessions {
    table: Mutex<Table>,
    started: Instant,
    /// The same, in milliseconds since 1970.
    started_at: u64,
    seal: Arc<dyn Seal>,
    store: Arc<dyn SessionStore>,
    /// No other gateway goes on with them.
    is_alone: bool,
    /// Of what is saved for the first time.
    saves: Buckets<Account>,
}

#[derive(Default)]
struct Table {
    by_id: HashMap<SessionKey, Arc<Session>>,
    by_account: HashMap<Account, Vec<SessionKey>>,
}

/// What a session is begun with.
pub(super) struct Seed {
    pub(super) owner: Owner,
    pub(super) version: Version,
    pub(super) capabilities: Bytes,
    pub(super) client: Option<Arc<str>>,
}

/// Whose a session is.
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) principal: Principal,
    pub(super) endpoint: EndpointName,
    /// With whose it is counted.
    pub(super) account: Account,
}

/// What became of an id.
pub(super) enum Found {
    Here(Arc<Session>),
    /// To this owner there is no such session, or no more.
    Gone,
    /// Another gateway or an earlier process may know it: [`Sessions::revive`].
    Unknown,
}

impl Sessions {
    pub(super) fn new(seal: Arc<dyn Seal>, store: Arc<dyn SessionStore>) -> Self {
        Self {
            table: Mutex::default(),
            started: Instant::now(),
            started_at: now(),
            seal,
            is_alone: store.is_alone(),
            saves: Buckets::new(MAX_ACCOUNTS),
            store,
        }
    }

    /// Begins a session; of an account's `max` the one idle for longest ends to make room.
    pub(super) async fn begin(&self, seed: Seed, max: u32) -> Result<Arc<Session>, Unsaved> {
        let mut unique = [0; 16];
        getrandom::fill(&mut unique).map_err(|error| Unsaved::Store(error.to_string()))?;
        let is_short = seed.capabilities.len() <= id::MAX_CAPABILITIES;
        let told = Told {
            unique,
            start: now(),
            version: seed.version,
            client: seed.client,
            capabilities: is_short.then(|| seed.capabilities.clone()),
        };
        let owner = (&seed.owner.principal, &seed.owner.endpoint);
        let id = id::write(&*self.seal, owner, &told).ok_or(Unsaved::TooMuch)?;
        // Whoever is alone remembers what its tokens stand for; of several each would number them in its own way.
        let session = Session::new(&id, seed.owner, told, seed.capabilities, self).remembering(self.is_alone);
        if !is_short {
            let capabilities = Some(session.capabilities.clone());
            self.change(&session, |saved| saved.capabilities.clone_from(&capabilities))
                .await?;
        }
        Ok(self.keep(session, max))
    }

    /// The session of this id, as far as it is known here.
    pub(super) fn find(&self, id: &str, principal: &Principal, endpoint: &EndpointName) -> Found {
        let Some(session) = self.table().by_id.get(id).cloned() else {
            return Found::Unknown;
        };
        if session.principal != *principal || session.endpoint != *endpoint || !self.catch_up(&session) {
            return Found::Gone;
        }
        session.used.store(self.now(), Ordering::Relaxed);
        Found::Here(session)
    }

    /// Goes on with a session that another gateway or an earlier process began; `None`: there is no such session, or no more.
    /// Those that began before `ended_until` are over.
    pub(super) async fn revive(
        &self,
        id: &str,
        owner: Owner,
        ended_until: Option<u64>,
        max: u32,
    ) -> Result<Option<Arc<Session>>, Unsaved> {
        let Some(told) = id::read(&*self.seal, (&owner.principal, &owner.endpoint), id) else {
            return Ok(None);
        };
        // What began here and is not here any more has ended, where nobody else could go on with it.
        let ended_here = self.is_alone && told.start >= self.started_at;
        if ended_here || end(told.start) <= now() || ended_until.is_some_and(|until| told.start <= until) {
            return Ok(None);
        }
        let (version, saved) = self.saved(&key(&told)).await?;
        let capabilities = told.capabilities.clone().or_else(|| saved.capabilities.clone());
        let Some(capabilities) = capabilities.filter(|_| !saved.is_ended) else {
            return Ok(None);
        };
        tracing::debug!(principal = %owner.principal, endpoint = %owner.endpoint, "a session goes on here");
        let session = Session::new(id, owner, told, capabilities, self);
        let _new = session.adopt(&saved, version.unwrap_or(0));
        session.saw_nothing_yet();
        let session = self.keep(session, max);
        // It may have ended since it was looked up.
        Ok(self.is_live(&session).then_some(session))
    }

    /// Changes what is saved of a session, and what counts here. Gives the log level where that is another one now.
    pub(super) async fn change(
        &self,
        session: &Session,
        change: impl Fn(&mut Saved),
    ) -> Result<Option<Level>, Unsaved> {
        for _ in 0..TRIES {
            let (seen, mut saved) = self.saved(&session.key).await?;
            if saved.is_ended {
                return Err(Unsaved::Ended);
            }
            change(&mut saved);
            let is_first = seen.is_none();
            let rate = Rate::new(SAVED_AT_ONCE, SAVED_EVERY);
            if is_first && self.saves.take(session.account.clone(), rate).is_err() {
                return Err(Unsaved::TooOften);
            }
            let put = self.store.put(&session.key, seen, saved.write()?, session.end);
            if let Some(version) = put.await.map_err(Unsaved::Store)? {
                return Ok(session.adopt(&saved, version));
            }
        }
        Err(Unsaved::Store(
            "a session changes faster than it can be saved".to_owned(),
        ))
    }

    /// Ends it, here and everywhere; of a caller with very many sessions here alone. Here also where an error is returned.
    pub(super) async fn end(&self, session: &Session) -> Result<(), Unsaved> {
        let ended = self.change(session, |saved| *saved = Saved::ended()).await;
        self.remove(session);
        match ended {
            Ok(_) | Err(Unsaved::Ended | Unsaved::TooOften) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends those of some principals here.
    pub(super) fn end_of(&self, is_held: impl Fn(&Principal) -> bool) {
        self.end_where(|session| is_held(&session.principal));
    }

    /// Ends what has been idle for too long. A session with an open stream is not idle. Of several gateways each gives back what it keeps;
    /// the session goes on where it is asked for.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = self.now();
        let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        self.end_where(|session| session.is_over(now, idle));
    }

    /// Takes over what other gateways have saved; to be called when they may have. `ended_until`: what of a caller has ended.
    pub(super) fn follow(&self, ended_until: impl Fn(&Principal) -> Option<u64>) {
        let all: Vec<_> = self.table().by_id.values().cloned().collect();
        for session in all {
            if ended_until(&session.principal).is_some_and(|until| session.end <= end(until)) {
                self.remove(&session);
            } else {
                self.catch_up(&session);
            }
        }
    }

    pub(super) fn store(&self) -> &dyn SessionStore {
        &*self.store
    }

    /// Sessions by principal, for `status`.
    pub(super) fn count_by_principal(&self) -> std::collections::BTreeMap<Principal, usize> {
        let mut counts = std::collections::BTreeMap::new();
        for session in self.table().by_id.values() {
            *counts.entry(session.principal.clone()).or_default() += 1;
        }
        counts
    }

    pub(super) fn len(&self) -> usize {
        self.table().by_id.len()
    }

    /// Of two that bring back one session the first counts.
    fn keep(&self, session: Session, max: u32) -> Arc<Session> {
        let session = Arc::new(session);
        session.used.store(self.now(), Ordering::Relaxed);
        let mut table = self.table();
        if let Some(first) = table.by_id.get(&session.id) {
            return Arc::clone(first);
        }
        let full = table
            .by_account
            .get(&session.account)
            .is_some_and(|ids| ids.len() >= max.max(1) as usize);
        let oldest = full.then(|| table.longest_idle(&session.account)).flatten();
        let ended = oldest.and_then(|id| table.remove(&id));
        table
            .by_account
            .entry(session.account.clone())
            .or_default()
            .push(session.id.clone());
        table.by_id.insert(session.id.clone(), Arc::clone(&session));
        drop(table);
        if let Some(ended) = ended {
            tracing::info!(principal = %ended.principal, endpoint = %ended.endpoint, "too many sessions: the longest idle one ends");
            ended.end();
        }
        session
    }

    /// `false`: it has ended.
    fn catch_up(&self, session: &Session) -> bool {
        self.is_alone || self.is_live(session)
    }

    /// What is known of it in memory counts from here on; `false`: it has ended.
    fn is_live(&self, session: &Session) -> bool {
        let Some(version) = self
            .store
            .version(&session.key)
            .filter(|version| session.is_behind(*version))
        else {
            return true;
        };
        let known = self.store.known(&session.key);
        // What a later version of the gateway has written is its own; here the session goes on as it was.
        let Some(saved) = known.and_then(|(_, bytes)| Saved::read(&bytes)) else {
            return true;
        };
        if saved.is_ended {
            self.remove(session);
            return false;
        }
        let links = session.links();
        for (link, uri) in session.dropped(&saved) {
            tokio::spawn(async move { link.unsubscribe(&uri).await });
        }
        if let Some(level) = session.adopt(&saved, version) {
            tokio::spawn(Session::tell_level(links, level));
        }
        true
    }

    /// As it is now, with its version.
    async fn saved(&self, key: &str) -> Result<(Option<u64>, Saved), Unsaved> {
        let Some((version, bytes)) = self.store.find(key).await.map_err(Unsaved::Store)? else {
            return Ok((None, Saved::default()));
        };
        let saved = Saved::read(&bytes);
        let saved =
            saved.ok_or_else(|| Unsaved::Store("this version cannot read what is saved of a session".to_owned()))?;
        Ok((Some(version), saved))
    }

    fn remove(&self, session: &Session) {
        let removed = self.table().remove(&session.id);
        if let Some(session) = removed {
            session.end();
        }
    }

    fn end_where(&self, is_over: impl Fn(&Session) -> bool) {
        let mut table = self.table();
        let over: Vec<SessionKey> = table
            .by_id
            .values()
            .filter(|session| is_over(session))
            .map(|session| session.id.clone())
            .collect();
        let ended: Vec<_> = over.iter().filter_map(|id| table.remove(id)).collect();
        drop(table);
        for session in ended {
            session.end();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Table {
    fn remove(&mut self, id: &str) -> Option<Arc<Session>> {
        let session = self.by_id.remove(id)?;
        if let Some(ids) = self.by_account.get_mut(&session.account) {
            ids.retain(|other| **other != *id);
            if ids.is_empty() {
                self.by_account.remove(&session.account);
            }
        }
        Some(session)
    }

    fn longest_idle(&self, account: &Account) -> Option<SessionKey> {
        let sessions = self.by_account.get(account)?.iter().filter_map(|id| self.by_id.get(id));
        sessions
            .min_by_key(|session| (session.is_listening(), session.used.load(Ordering::Relaxed)))
            .map(|session| session.id.clone())
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// The hard end of a session that began then.
fn end(start: u64) -> u64 {
    start.saturating_add(u64::try_from(LONGEST_SESSION.as_millis()).unwrap_or(u64::MAX))
}

/// What a session is called where its id would be too long.
fn key(told: &Told) -> String {
    URL_SAFE_NO_PAD.encode(told.unique)
}

#[cfg(test)]
mod tests;

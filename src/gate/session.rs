//! Legacy sessions: what a modern request carries itself, kept for clients that said it once at `initialize`.
//!
//! A session belongs to one principal on one endpoint; every request proves both anew. Its id is unguessable and is
//! never authentication (MCP 2025-11-25, Security Best Practices, "Session Hijacking").

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::gate::auth::Account;
use crate::gate::level::Level;
use crate::gate::view::Kind;
use crate::mcp::Version;
use crate::name::{EndpointName, Principal, ServerName};
use crate::pii::Memory;
use crate::upstream::{Link, SessionKey, Upstream};

/// Messages kept for a client whose GET stream is not open; the oldest go first.
const MAX_BACKLOG: usize = 64;
/// Requests of servers that await the client's answer.
const MAX_PENDING: usize = 64;
/// Calls of one session at a time.
const MAX_CALLS: usize = 1_000;
/// Resources that one session may be subscribed to.
const MAX_SUBSCRIPTIONS: usize = 1_000;
/// A session ends this long after its start, whatever happens.
const HARD_END: Duration = Duration::from_secs(24 * 60 * 60);

/// All sessions of the process.
pub(super) struct Sessions {
    table: Mutex<Table>,
    started: Instant,
}

#[derive(Default)]
struct Table {
    by_id: HashMap<SessionKey, Arc<Session>>,
    by_account: HashMap<Account, Vec<SessionKey>>,
}

pub(super) struct Session {
    pub(super) id: SessionKey,
    pub(super) principal: Principal,
    pub(super) endpoint: EndpointName,
    pub(super) version: Version,
    /// The client's capabilities: a raw JSON object.
    pub(super) capabilities: Bytes,
    /// Name and version of the client's program, as it says itself, made safe.
    pub(super) client: Option<Arc<str>>,
    /// What its tokens stand for.
    pub(super) tokens: Arc<Memory>,
    /// Ends its streams.
    pub(super) closed: CancellationToken,
    account: Account,
    born: Instant,
    /// Milliseconds since the table was made.
    used: AtomicU64,
    state: Mutex<State>,
}

/// What a session gathers; boxed parts are empty, and cost nothing, until they are used.
#[derive(Default)]
struct State {
    level: Option<Level>,
    links: Vec<Kept>,
    feed: Option<mpsc::Sender<Bytes>>,
    backlog: VecDeque<Bytes>,
    pending: HashMap<u64, Pending>,
    next_pending: u64,
    calls: HashMap<Bytes, InFlight>,
    subscriptions: BTreeSet<(ServerName, String)>,
    seen: [Option<u64>; 3],
}

/// A conversation of the session. When it goes, what carries its messages ends with it.
struct Kept {
    server: ServerName,
    upstream: Arc<Upstream>,
    link: Link,
    _carried: DropGuard,
}

/// A server's request that was handed to the client.
pub(super) struct Pending {
    pub(super) link: Link,
    /// The server's own id, raw.
    pub(super) id: Bytes,
}

/// A call that runs.
#[derive(Clone)]
pub(super) struct InFlight {
    pub(super) link: Link,
    pub(super) cancelled: CancellationToken,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            table: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// Begins a session; of an account's `max` the one idle for longest ends to make room.
    pub(super) fn begin(&self, seed: Seed, max: u32) -> std::io::Result<Arc<Session>> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let session = Arc::new(Session {
            id: SessionKey::from(URL_SAFE_NO_PAD.encode(random)),
            principal: seed.principal,
            endpoint: seed.endpoint,
            version: seed.version,
            capabilities: seed.capabilities,
            client: seed.client,
            tokens: Arc::default(),
            closed: CancellationToken::new(),
            account: seed.account,
            born: Instant::now(),
            used: AtomicU64::new(self.now()),
            state: Mutex::default(),
        });
        let mut table = self.table();
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
        Ok(session)
    }

    /// The session of this id, if it is this principal's on this endpoint; to anybody else it does not exist.
    pub(super) fn find(&self, id: &str, principal: &Principal, endpoint: &EndpointName) -> Option<Arc<Session>> {
        let session = self.table().by_id.get(id).cloned()?;
        (session.principal == *principal && session.endpoint == *endpoint).then(|| {
            session.used.store(self.now(), Ordering::Relaxed);
            session
        })
    }

    pub(super) fn remove(&self, session: &Session) {
        let removed = self.table().remove(&session.id);
        if let Some(session) = removed {
            session.end();
        }
    }

    /// Ends those of some principals.
    pub(super) fn end_of(&self, is_held: impl Fn(&Principal) -> bool) {
        let mut table = self.table();
        let held: Vec<SessionKey> = table
            .by_id
            .values()
            .filter(|session| is_held(&session.principal))
            .map(|session| session.id.clone())
            .collect();
        let ended: Vec<_> = held.iter().filter_map(|id| table.remove(id)).collect();
        drop(table);
        for session in ended {
            session.end();
        }
    }

    /// Ends what has been idle for too long. A session with an open stream is not idle.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = self.now();
        let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        let mut table = self.table();
        let over: Vec<SessionKey> = table
            .by_id
            .values()
            .filter(|session| session.is_over(now, idle))
            .map(|session| session.id.clone())
            .collect();
        let ended: Vec<_> = over.iter().filter_map(|id| table.remove(id)).collect();
        drop(table);
        for session in ended {
            session.end();
        }
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

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What a session is begun with.
pub(super) struct Seed {
    pub(super) account: Account,
    pub(super) principal: Principal,
    pub(super) endpoint: EndpointName,
    pub(super) version: Version,
    pub(super) capabilities: Bytes,
    pub(super) client: Option<Arc<str>>,
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

impl Session {
    pub(super) fn level(&self) -> Option<Level> {
        self.state().level
    }

    /// Sets the level and gives the links that must hear of it.
    pub(super) fn set_level(&self, level: Level) -> Vec<Link> {
        let mut state = self.state();
        state.level = Some(level);
        state.links.iter().map(|kept| kept.link.clone()).collect()
    }

    /// The conversation with this very upstream; a reload that changed the server has made another.
    pub(super) fn link(&self, server: &ServerName, upstream: &Arc<Upstream>) -> Option<Link> {
        let state = self.state();
        let found = state
            .links
            .iter()
            .find(|kept| kept.server == *server && Arc::ptr_eq(&kept.upstream, upstream));
        found.map(|kept| kept.link.clone())
    }

    /// Takes the place of an earlier conversation with this server. Cancelled when another takes its place, or the session ends.
    pub(super) fn keep_link(&self, server: &ServerName, upstream: &Arc<Upstream>, link: Link) -> CancellationToken {
        let carried = self.closed.child_token();
        let mut state = self.state();
        if !self.closed.is_cancelled() {
            state.links.retain(|kept| kept.server != *server);
            state.links.push(Kept {
                server: server.clone(),
                upstream: Arc::clone(upstream),
                link,
                _carried: carried.clone().drop_guard(),
            });
        }
        carried
    }

    pub(super) fn links(&self) -> Vec<Link> {
        self.state().links.iter().map(|kept| kept.link.clone()).collect()
    }

    /// Registers a call under the client's id; `None` when that id is already in flight or there are too many.
    pub(super) fn begin_call(&self, id: Bytes, link: Link) -> Option<CancellationToken> {
        let mut state = self.state();
        if state.calls.len() >= MAX_CALLS || state.calls.contains_key(&id) {
            return None;
        }
        let cancelled = CancellationToken::new();
        state.calls.insert(
            id,
            InFlight {
                link,
                cancelled: cancelled.clone(),
            },
        );
        Some(cancelled)
    }

    pub(super) fn end_call(&self, id: &Bytes) {
        self.state().calls.remove(id);
    }

    pub(super) fn in_flight(&self, id: &[u8]) -> Option<InFlight> {
        self.state().calls.get(id).cloned()
    }

    /// Remembers a server's request and gives the id under which the client sees it. Ids of different servers may be equal, these never are.
    pub(super) fn ask(&self, pending: Pending) -> Option<u64> {
        let mut state = self.state();
        if state.pending.len() >= MAX_PENDING {
            return None;
        }
        state.next_pending += 1;
        let id = state.next_pending;
        state.pending.insert(id, pending);
        Some(id)
    }

    pub(super) fn answered(&self, id: u64) -> Option<Pending> {
        self.state().pending.remove(&id)
    }

    /// Opens the one GET stream; an older one ends. What waited for it goes out first.
    pub(super) fn open_feed(&self) -> mpsc::Receiver<Bytes> {
        let (sender, receiver) = mpsc::channel(MAX_BACKLOG * 2);
        let mut state = self.state();
        for message in std::mem::take(&mut state.backlog) {
            // The channel has room for more than a whole backlog.
            let _sent = sender.try_send(message);
        }
        state.feed = Some(sender);
        receiver
    }

    /// Sends on the GET stream, or keeps the message until there is one. Never waits.
    pub(super) fn tell(&self, message: Bytes) {
        let mut state = self.state();
        let message = match &state.feed {
            Some(feed) => match feed.try_send(message) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::warn!(endpoint = %self.endpoint, "a client does not read its stream: a message is dropped");
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(message)) => message,
            },
            None => message,
        };
        state.feed = None;
        if state.backlog.len() == MAX_BACKLOG {
            state.backlog.pop_front();
        }
        state.backlog.push_back(message);
    }

    pub(super) fn is_listening(&self) -> bool {
        self.state().feed.as_ref().is_some_and(|feed| !feed.is_closed())
    }

    /// Adds a subscription; false when it is there already, `None` when there are too many.
    pub(super) fn subscribe(&self, server: ServerName, uri: String) -> Option<bool> {
        let mut state = self.state();
        let wanted = (server, uri);
        if state.subscriptions.contains(&wanted) {
            return Some(false);
        }
        (state.subscriptions.len() < MAX_SUBSCRIPTIONS).then(|| state.subscriptions.insert(wanted))
    }

    /// Takes a subscription out and names its server.
    pub(super) fn unsubscribe(&self, uri: &str) -> Option<ServerName> {
        let mut state = self.state();
        let found = state.subscriptions.iter().find(|(_, known)| known == uri).cloned()?;
        state.subscriptions.remove(&found);
        Some(found.0)
    }

    pub(super) fn subscriptions(&self, server: &ServerName) -> Vec<String> {
        self.state()
            .subscriptions
            .iter()
            .filter(|(owner, _)| owner == server)
            .map(|(_, uri)| uri.clone())
            .collect()
    }

    /// Notes which list the client has seen, or was told of; gives the one before.
    pub(super) fn saw(&self, kind: Kind, fingerprint: u64) -> Option<u64> {
        self.state().seen[announced_as(kind)].replace(fingerprint)
    }

    pub(super) fn close_feed(&self) {
        self.state().feed = None;
    }

    fn is_over(&self, now: u64, idle: u64) -> bool {
        let silent = now.saturating_sub(self.used.load(Ordering::Relaxed)) > idle;
        self.born.elapsed() > HARD_END || (silent && !self.is_listening() && self.state().calls.is_empty())
    }

    fn end(&self) {
        self.closed.cancel();
        let mut state = self.state();
        state.feed = None;
        state.pending.clear();
        let links = std::mem::take(&mut state.links);
        drop(state);
        for kept in links {
            kept.upstream.release(&self.id);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Templates are announced as resources.
fn announced_as(kind: Kind) -> usize {
    match kind {
        Kind::Tools => 0,
        Kind::Prompts => 1,
        Kind::Resources | Kind::Templates => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(user: &str) -> Seed {
        let principal = Principal::User(user.into());
        Seed {
            account: Account::Principal(principal.clone()),
            principal,
            endpoint: EndpointName::new("e").unwrap(),
            version: Version::NEWEST_LEGACY,
            capabilities: Bytes::from_static(b"{}"),
            client: None,
        }
    }

    #[test]
    fn a_session_is_found_by_its_owner_only() {
        let sessions = Sessions::new();
        let session = sessions.begin(seed("alice"), 10).unwrap();
        let endpoint = EndpointName::new("e").unwrap();
        let other = EndpointName::new("f").unwrap();
        assert!(
            sessions
                .find(&session.id, &Principal::User("alice".into()), &endpoint)
                .is_some()
        );
        assert!(
            sessions
                .find(&session.id, &Principal::User("bob".into()), &endpoint)
                .is_none()
        );
        assert!(
            sessions
                .find(&session.id, &Principal::User("alice".into()), &other)
                .is_none()
        );
    }

    #[test]
    fn beyond_the_limit_the_longest_idle_one_ends() {
        let sessions = Sessions::new();
        let first = sessions.begin(seed("alice"), 2).unwrap();
        let second = sessions.begin(seed("alice"), 2).unwrap();
        second.used.store(1_000, Ordering::Relaxed);
        sessions.begin(seed("bob"), 2).unwrap();
        let third = sessions.begin(seed("alice"), 2).unwrap();
        assert!(first.closed.is_cancelled() && !second.closed.is_cancelled() && !third.closed.is_cancelled());
        assert_eq!(sessions.len(), 3);
    }

    #[test]
    fn subscriptions_have_a_bound() {
        let sessions = Sessions::new();
        let session = sessions.begin(seed("alice"), 2).unwrap();
        let subscribe = |at: usize| session.subscribe(ServerName::new("s").unwrap(), format!("r://{at}"));
        assert!((0..MAX_SUBSCRIPTIONS).all(|at| subscribe(at) == Some(true)));
        assert_eq!((subscribe(0), subscribe(MAX_SUBSCRIPTIONS)), (Some(false), None));
    }

    #[test]
    fn messages_wait_for_the_stream_within_a_bound() {
        let sessions = Sessions::new();
        let session = sessions.begin(seed("alice"), 2).unwrap();
        for at in 0..100 {
            session.tell(Bytes::from(at.to_string()));
        }
        let mut feed = session.open_feed();
        assert_eq!(feed.try_recv().unwrap(), "36");
        assert_eq!(std::iter::from_fn(|| feed.try_recv().ok()).count(), MAX_BACKLOG - 1);
    }
}

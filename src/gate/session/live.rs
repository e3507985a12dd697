//! One session, as this process knows it.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::gate::auth::Account;
use crate::gate::level::Level;
use crate::gate::session::id::Told;
use crate::gate::session::saved::Saved;
use crate::gate::session::{Owner, Sessions, end, key, now};
use crate::gate::view::Kind;
use crate::mcp::{Era, Version};
use crate::name::{EndpointName, PiiName, Principal, ServerName};
use crate::pii::{Memory, Seal, Tokens};
use crate::upstream::{Link, SessionKey, Upstream};

/// Messages kept for a client whose GET stream is not open; the oldest go first.
const MAX_BACKLOG: usize = 64;
/// Requests of servers that await the client's answer.
const MAX_PENDING: usize = 64;
/// Calls of one session at a time.
const MAX_CALLS: usize = 1_000;
/// The fingerprint of no list.
const NOTHING: u64 = 0;

pub(in crate::gate) struct Session {
    /// What the client sends; hundreds of characters.
    pub(in crate::gate) id: SessionKey,
    /// What it is called in the store and by servers' pools; the same on every gateway.
    pub(in crate::gate) key: SessionKey,
    pub(in crate::gate) principal: Principal,
    pub(in crate::gate) endpoint: EndpointName,
    pub(in crate::gate) version: Version,
    /// The client's capabilities: a raw JSON object.
    pub(in crate::gate) capabilities: Bytes,
    /// Name and version of the client's program, as it says itself, made safe.
    pub(in crate::gate) client: Option<Arc<str>>,
    /// Ends its streams.
    pub(in crate::gate) closed: CancellationToken,
    /// Another gateway has added subscriptions.
    pub(in crate::gate) subscribed: Notify,
    pub(super) account: Account,
    /// The hard one, in milliseconds since 1970.
    pub(super) end: u64,
    /// Milliseconds since the table was made.
    pub(super) used: AtomicU64,
    /// Of what is saved of it, as far as it counts here; 0: nothing.
    saved: AtomicU64,
    /// What its tokens stand for; `None`: they carry it themselves.
    memory: Option<Arc<Memory>>,
    seal: Arc<dyn Seal>,
    state: Mutex<State>,
}

/// What a session gathers; boxed parts are empty, and cost nothing, until they are used.
#[derive(Default)]
struct State {
    level: Option<Level>,
    links: Vec<Kept>,
    opening: HashMap<ServerName, Arc<tokio::sync::Mutex<()>>>,
    /// Of its GET streams.
    feeds: u64,
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
    /// The server was asked to tell of these resources.
    asked: BTreeSet<String>,
    _carried: DropGuard,
}

/// A server's request that was handed to the client.
pub(in crate::gate) struct Pending {
    pub(in crate::gate) link: Link,
    /// The server's own id, raw.
    pub(in crate::gate) id: Bytes,
}

/// A call that runs.
#[derive(Clone)]
pub(in crate::gate) struct InFlight {
    pub(in crate::gate) link: Link,
    pub(in crate::gate) cancelled: CancellationToken,
}

impl Session {
    pub(super) fn new(id: &str, owner: Owner, told: Told, capabilities: Bytes, sessions: &Sessions) -> Self {
        Self {
            id: id.into(),
            key: key(&told).into(),
            principal: owner.principal,
            endpoint: owner.endpoint,
            version: told.version,
            capabilities,
            client: told.client,
            closed: CancellationToken::new(),
            subscribed: Notify::new(),
            account: owner.account,
            end: end(told.start),
            used: AtomicU64::new(0),
            saved: AtomicU64::new(0),
            memory: None,
            seal: Arc::clone(&sessions.seal),
            // Questions of one session are asked by several gateways: an answer that comes to another one must be nobody's there.
            state: Mutex::new(State {
                next_pending: (RandomState::new().hash_one(id) >> 32) << 20,
                ..State::default()
            }),
        }
    }

    /// Of a session that no other process will go on with, or not before this one has ended: its tokens are short.
    pub(super) fn remembering(mut self, remembers: bool) -> Self {
        self.memory = remembers.then(Arc::default);
        self
    }

    /// Its tokens under a table.
    pub(in crate::gate) fn tokens(&self, table: PiiName) -> Tokens {
        match &self.memory {
            Some(memory) => Tokens::remembered(Arc::clone(memory), table),
            None => Tokens::sealed(Arc::clone(&self.seal), &["session", &self.key], table),
        }
    }

    pub(super) fn is_behind(&self, version: u64) -> bool {
        self.saved.load(Ordering::Relaxed) < version
    }

    /// What is saved of it counts here from now on; of two versions the later one. Gives the log level where that is another one now.
    pub(super) fn adopt(&self, saved: &Saved, version: u64) -> Option<Level> {
        let mut state = self.state();
        if self.saved.fetch_max(version, Ordering::Relaxed) > version {
            return None;
        }
        let adds = !saved.subscriptions.is_subset(&state.subscriptions);
        state.subscriptions.clone_from(&saved.subscriptions);
        let before = std::mem::replace(&mut state.level, saved.level);
        drop(state);
        if adds {
            self.subscribed.notify_one();
        }
        saved.level.filter(|level| before != Some(*level))
    }

    /// Servers that send what they have to say of themselves send no more than this from now on. One that does not take it sends what
    /// it likes: what reaches the client is judged by the session's level all the same.
    pub(in crate::gate) async fn tell_level(links: Vec<Link>, level: Level) {
        for link in links {
            if link.version().era() == Era::Legacy
                && let Err(failure) = link.set_level(level.as_str()).await
            {
                tracing::debug!(detail = failure.detail, "a server did not take the log level");
            }
        }
    }

    /// At this gateway alone; gives it where it is another one.
    pub(in crate::gate) fn set_level(&self, level: Level) -> Option<Level> {
        let before = self.state().level.replace(level);
        (before != Some(level)).then_some(level)
    }

    /// What its servers were asked to tell of and `saved` has no more: they are to be told, and are not asked any more.
    pub(super) fn dropped(&self, saved: &Saved) -> Vec<(Link, String)> {
        let mut dropped = Vec::new();
        for kept in &mut self.state().links {
            let (server, link) = (kept.server.clone(), kept.link.clone());
            kept.asked.retain(|uri| {
                let stays = saved.subscriptions.contains(&(server.clone(), uri.clone()));
                if !stays {
                    dropped.push((link.clone(), uri.clone()));
                }
                stays
            });
        }
        dropped
    }

    /// What its client was told of lists is not known here: it is told once that they may be others.
    pub(super) fn saw_nothing_yet(&self) {
        self.state().seen = [Some(NOTHING); 3];
    }

    /// Whoever opens a conversation with this server holds it meanwhile, so that there are not two.
    pub(in crate::gate) fn opening(&self, server: &ServerName) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.state().opening.entry(server.clone()).or_default())
    }

    pub(in crate::gate) fn level(&self) -> Option<Level> {
        self.state().level
    }

    /// The conversation with this very upstream; a reload that changed the server has made another.
    pub(in crate::gate) fn link(&self, server: &ServerName, upstream: &Arc<Upstream>) -> Option<Link> {
        let state = self.state();
        let found = state
            .links
            .iter()
            .find(|kept| kept.server == *server && Arc::ptr_eq(&kept.upstream, upstream));
        found.map(|kept| kept.link.clone())
    }

    /// Takes the place of an earlier conversation with this server. Cancelled when another takes its place, or the session ends.
    pub(in crate::gate) fn keep_link(
        &self,
        server: &ServerName,
        upstream: &Arc<Upstream>,
        link: Link,
    ) -> CancellationToken {
        let carried = self.closed.child_token();
        let mut state = self.state();
        if !self.closed.is_cancelled() {
            state.links.retain(|kept| kept.server != *server);
            state.links.push(Kept {
                server: server.clone(),
                upstream: Arc::clone(upstream),
                link,
                asked: BTreeSet::new(),
                _carried: carried.clone().drop_guard(),
            });
        }
        carried
    }

    pub(in crate::gate) fn links(&self) -> Vec<Link> {
        self.state().links.iter().map(|kept| kept.link.clone()).collect()
    }

    /// Registers a call under the client's id; `None` when that id is already in flight or there are too many.
    pub(in crate::gate) fn begin_call(&self, id: Bytes, link: Link) -> Option<CancellationToken> {
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

    pub(in crate::gate) fn end_call(&self, id: &Bytes) {
        self.state().calls.remove(id);
    }

    pub(in crate::gate) fn in_flight(&self, id: &[u8]) -> Option<InFlight> {
        self.state().calls.get(id).cloned()
    }

    /// Remembers a server's request and gives the id under which the client sees it. Ids of different servers may be equal, these never are.
    pub(in crate::gate) fn ask(&self, pending: Pending) -> Option<u64> {
        let mut state = self.state();
        if state.pending.len() >= MAX_PENDING {
            return None;
        }
        state.next_pending += 1;
        let id = state.next_pending;
        state.pending.insert(id, pending);
        Some(id)
    }

    pub(in crate::gate) fn answered(&self, id: u64) -> Option<Pending> {
        self.state().pending.remove(&id)
    }

    /// Opens the one GET stream; an older one ends. What waited for it goes out first. With its number, to close it by.
    pub(in crate::gate) fn open_feed(&self) -> (mpsc::Receiver<Bytes>, u64) {
        let (sender, receiver) = mpsc::channel(MAX_BACKLOG * 2);
        let mut state = self.state();
        for message in std::mem::take(&mut state.backlog) {
            // The channel has room for more than a whole backlog.
            let _sent = sender.try_send(message);
        }
        state.feed = Some(sender);
        state.feeds += 1;
        (receiver, state.feeds)
    }

    /// Sends on the GET stream, or keeps the message until there is one. Never waits.
    pub(in crate::gate) fn tell(&self, message: Bytes) {
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

    pub(in crate::gate) fn is_listening(&self) -> bool {
        self.state().feed.as_ref().is_some_and(|feed| !feed.is_closed())
    }

    pub(in crate::gate) fn is_subscribed(&self, server: &ServerName, uri: &str) -> bool {
        let state = self.state();
        let mut known = state.subscriptions.iter();
        known.any(|(owner, known)| owner == server && known == uri)
    }

    /// Takes a subscription out and names its server.
    pub(in crate::gate) fn unsubscribe(&self, uri: &str) -> Option<ServerName> {
        let mut state = self.state();
        let found = state.subscriptions.iter().find(|(_, known)| known == uri).cloned()?;
        state.subscriptions.remove(&found);
        if let Some(kept) = state.links.iter_mut().find(|kept| kept.server == found.0) {
            kept.asked.remove(uri);
        }
        Some(found.0)
    }

    /// Servers of whose resources it wants to hear.
    pub(in crate::gate) fn followed(&self) -> BTreeSet<ServerName> {
        let state = self.state();
        state.subscriptions.iter().map(|(server, _)| server.clone()).collect()
    }

    /// Subscriptions that the server was not asked for in the conversation that there is now.
    pub(in crate::gate) fn unasked(&self, server: &ServerName) -> Vec<String> {
        let state = self.state();
        let kept = state.links.iter().find(|kept| kept.server == *server);
        let wanted = state.subscriptions.iter().filter(|(owner, _)| owner == server);
        wanted
            .map(|(_, uri)| uri)
            .filter(|uri| kept.is_some_and(|kept| !kept.asked.contains(*uri)))
            .cloned()
            .collect()
    }

    pub(in crate::gate) fn not_asked(&self, server: &ServerName, uri: &str) {
        let mut state = self.state();
        if let Some(kept) = state.links.iter_mut().find(|kept| kept.server == *server) {
            kept.asked.remove(uri);
        }
    }

    /// Is the server to tell of this resource?
    pub(in crate::gate) fn has_asked(&self, server: &ServerName, uri: &str) -> bool {
        let state = self.state();
        let mut kept = state.links.iter();
        kept.any(|kept| kept.server == *server && kept.asked.contains(uri))
    }

    pub(in crate::gate) fn asked(&self, server: &ServerName, uri: &str) {
        let mut state = self.state();
        if let Some(kept) = state.links.iter_mut().find(|kept| kept.server == *server) {
            kept.asked.insert(uri.to_owned());
        }
    }

    /// Notes which list the client has seen, or was told of; gives the one before.
    pub(in crate::gate) fn saw(&self, kind: Kind, fingerprint: u64) -> Option<u64> {
        self.state().seen[announced_as(kind)].replace(fingerprint)
    }

    /// A newer one stays open.
    pub(in crate::gate) fn close_feed(&self, number: u64) {
        let mut state = self.state();
        if state.feeds == number {
            state.feed = None;
        }
    }

    pub(super) fn is_over(&self, used_until: u64, idle: u64) -> bool {
        let silent = used_until.saturating_sub(self.used.load(Ordering::Relaxed)) > idle;
        self.end <= now() || (silent && !self.is_listening() && self.state().calls.is_empty())
    }

    pub(super) fn end(&self) {
        self.closed.cancel();
        let mut state = self.state();
        state.feed = None;
        state.pending.clear();
        let links = std::mem::take(&mut state.links);
        drop(state);
        for kept in links {
            kept.upstream.release(&self.key);
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

//! One server: its conversations over HTTP or stdio, its catalogue, its health.
//!
//! The gate opens a [`Link`] for a caller and sends permitted, redacted requests through it; what comes back are raw
//! JSON-RPC messages. A server that is slow, dead or lying costs its own callers an error in time, and nobody else
//! anything. Nothing here knows endpoints or configuration files.

mod call;
mod catalogue;
mod conversation;
mod core;
pub mod credentials;
mod failure;
mod family;
mod greeting;
mod health;
mod http;
mod keeper;
mod link;
mod listen;
mod listing;
mod peek;
mod pool;
mod probe;
mod renewable;
mod request;
mod review;
mod scope;
mod settings;
mod stdio;
mod subscribe;
mod survey;
mod ticket;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::AbortOnDropHandle;

pub use call::{Call, JsonBody, Messages, Reply};
pub use catalogue::{Catalogue, CatalogueState, CatalogueStatus, Item, Tool};
pub use credentials::{Credentials, Owner};
pub use failure::{Failure, FailureKind};
pub use family::Accounts;
pub use health::{Condition, HealthStatus};
pub use link::Link;
pub use review::{Kind, Verdict};
pub use scope::{Profile, Scope, SessionKey, Sink, Unsolicited};
pub use settings::{Context, Limits, Secret, Settings, SettingsError};
pub use survey::{Survey, survey};

use crate::lock::Lock;
use crate::mcp::Version;
use crate::name::ServerName;
use crate::snapshot::{Isolation, Transport as Table};
use crate::upstream::conversation::Conversation;
use crate::upstream::core::{Core, Transport};
use crate::upstream::credentials::Holder;
use crate::upstream::family::Family;
use crate::upstream::pool::{Key, Pool, isolate};

/// One `[server.NAME]`, running.
pub struct Upstream {
    core: Arc<Core>,
    /// The gateway's own conversation: it lists, and where `isolation` says so everybody shares it.
    own: Arc<Conversation>,
    pool: Pool,
    catalogue: ArcSwap<Catalogue>,
    epoch: watch::Sender<u64>,
    keeper: std::sync::Mutex<Option<AbortOnDropHandle<()>>>,
    /// Where callers are not all served with one credential that stands in the table.
    family: Option<Family>,
    /// Of which it is the part of one owner.
    parent: std::sync::Weak<Upstream>,
    used: std::sync::Mutex<Instant>,
}

/// What `status` shows of one server.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Status {
    pub server: String,
    pub transport: &'static str,
    /// What it spoke last.
    pub version: Option<&'static str>,
    pub health: HealthStatus,
    /// Children that run; always 0 over HTTP.
    pub processes: usize,
    /// Conversations that are open, the gateway's own among them.
    pub sessions: usize,
    pub calls_in_flight: usize,
    pub catalogue: CatalogueStatus,
    /// Messages of the server that reached nobody.
    pub dropped_messages: u64,
    /// Owners of credentials that use it now; `None`: one credential, or none, stands in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
    /// What sessions and processes of callers' own list otherwise than it was reviewed.
    pub held_back: Vec<HeldBack>,
}

/// One tool or prompt of a pinned server, in all sessions that list it alike.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct HeldBack {
    pub kind: &'static str,
    pub name: String,
    pub reason: String,
    pub sessions: usize,
}

impl Upstream {
    /// Starts to fetch the catalogue. Must be called within a tokio runtime.
    pub fn start(settings: Settings, context: &Context) -> Result<Arc<Self>, SettingsError> {
        let family = Family::of(&settings, context);
        let this = Self::begin(settings, context, family, std::sync::Weak::new(), None)?;
        this.look_anew();
        Ok(this)
    }

    fn begin(
        settings: Settings,
        context: &Context,
        family: Option<Family>,
        parent: std::sync::Weak<Self>,
        credential: Option<Arc<Holder>>,
    ) -> Result<Arc<Self>, SettingsError> {
        let mut transport = Transport::new(&settings, context)?;
        if let (Some(parent), Some(holder)) = (parent.upgrade(), &credential) {
            transport.belong(&parent.core.transport, holder.owner());
        }
        let core = Arc::new(Core::new(settings, transport, credential));
        core.learn_version(core.settings.server.protocol);
        let own = Conversation::own(&core);
        if let Transport::Stdio(command) = &core.transport {
            command.lend_from(&own);
        }
        let this = Arc::new(Self {
            own,
            core,
            pool: Pool::default(),
            catalogue: ArcSwap::from_pointee(Catalogue::empty(family.is_some())),
            epoch: watch::Sender::new(u64::from(family.is_some())),
            keeper: std::sync::Mutex::new(None),
            family,
            parent,
            used: std::sync::Mutex::new(Instant::now()),
        });
        let keeper = AbortOnDropHandle::new(tokio::spawn(keeper::keep(Arc::downgrade(&this))));
        *this.keeper() = Some(keeper);
        Ok(this)
    }

    pub fn name(&self) -> &ServerName {
        self.core.name()
    }

    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    pub fn catalogue(&self) -> Arc<Catalogue> {
        match self.everybodys() {
            Some(member) => member.catalogue.load_full(),
            None => self.catalogue.load_full(),
        }
    }

    /// The catalogue's epoch, which grows when something really changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.epoch.subscribe()
    }

    /// Returns when the first catalogue came or failed; the caller sets the deadline.
    pub async fn first_catalogue(&self) {
        let everybodys = self.everybodys();
        let listing = everybodys.as_deref().unwrap_or(self);
        // The sender lives as long as what has it.
        let _ = listing.epoch.subscribe().wait_for(|epoch| *epoch > 0).await;
    }

    /// Finds or makes the conversation that `isolation` gives to this scope. Asks the server for its era where that is not known.
    pub async fn open(self: &Arc<Self>, scope: &Scope) -> Result<Link, Failure> {
        self.core.health.check()?;
        let version = match self.core.known_version() {
            Some(version) => version,
            None => self.own.session().await?.version(),
        };
        let key = isolate(self.isolation(), version.era(), scope);
        let make = || {
            Conversation::new(
                &self.core,
                scope.profile.clone(),
                matches!(key, Key::Session(..) | Key::Lone),
            )
        };
        let conversation = match key {
            Key::Shared => Arc::clone(&self.own),
            Key::Lone => make(),
            _ => self.pool.get_or_insert(&key, make),
        };
        conversation.touch();
        if conversation.exclusive {
            conversation.set_sink(scope.sink.clone());
        }
        let session = conversation.session().await?;
        let version = session.version();
        drop(session);
        Ok(Link::new(conversation, version, scope.sink.clone()))
    }

    /// What the session or process that would run this caller's calls holds back, as far as it was ever listed. Where it said
    /// that its list changed it is asked anew; a failure of that says that nothing is known.
    pub async fn verdict(
        &self,
        scope: &Scope,
        kind: Kind,
        lock: &Arc<Lock>,
        deadline: Instant,
    ) -> Result<Option<Arc<Verdict>>, Failure> {
        let Some(version) = self.core.known_version() else {
            return Ok(None);
        };
        let conversation = match isolate(self.isolation(), version.era(), scope) {
            Key::Shared => Some(Arc::clone(&self.own)),
            // One that is opened for a single call lists for it.
            Key::Lone => None,
            key => self.pool.get(&key),
        };
        match conversation {
            Some(conversation) => conversation.known_verdict(kind, lock, deadline).await,
            None => Ok(None),
        }
    }

    /// A client's session is over: what was opened for it alone ends.
    pub fn release(self: &Arc<Self>, session: &str) {
        for member in self.family.iter().flat_map(Family::members) {
            member.release(session);
        }
        let over = self.pool.take_session(session);
        if over.is_empty() {
            return;
        }
        self.core.aside(async move {
            for conversation in over {
                conversation.end().await;
            }
        });
    }

    pub fn status(&self) -> Status {
        if let Some(family) = &self.family {
            return self.status_of_family(family);
        }
        let conversations = self.pool.conversations();
        let all = || conversations.iter().chain([&self.own]);
        Status {
            server: self.name().to_string(),
            transport: match self.core.transport {
                Transport::Http(_) => "http",
                Transport::Stdio(_) => "stdio",
            },
            version: self.core.known_version().map(Version::as_str),
            health: self.core.health.status(),
            processes: match &self.core.transport {
                Transport::Http(_) => 0,
                Transport::Stdio(command) => command.running(),
            },
            sessions: all().filter(|conversation| conversation.live().is_some()).count(),
            calls_in_flight: all().map(|conversation| conversation.in_flight()).sum(),
            catalogue: self.catalogue().status(),
            accounts: None,
            held_back: self.held_back_in_sessions(),
            dropped_messages: self.core.dropped.load(std::sync::atomic::Ordering::Relaxed),
        }
    }

    /// Besides what the gateway's own conversation lists, which the offers compare. Sorted; at most a thousand.
    pub fn held_back_in_sessions(&self) -> Vec<HeldBack> {
        const MOST: usize = 1_000;
        let mut counts = BTreeMap::new();
        for conversation in self
            .pool
            .conversations()
            .iter()
            .filter(|conversation| conversation.live().is_some())
        {
            for verdict in conversation.review.verdicts() {
                for (name, reason) in verdict.held_back() {
                    let known = counts.len();
                    let key = (verdict.kind().as_str(), name.to_owned(), reason.to_owned());
                    if known < MOST || counts.contains_key(&key) {
                        *counts.entry(key).or_default() += 1;
                    }
                }
            }
        }
        let one = |((kind, name, reason), sessions)| HeldBack {
            kind,
            name,
            reason,
            sessions,
        };
        counts.into_iter().map(one).collect()
    }

    /// Lets calls in flight finish until `deadline`, then ends all sessions and processes. Whoever calls it sends nothing new.
    pub async fn shut_down(&self, deadline: Instant) {
        self.keeper().take();
        if let Some(family) = &self.family {
            let members = family.take_all();
            let ends = members.iter().map(|member| Box::pin(member.shut_down(deadline)));
            futures_util::future::join_all(ends).await;
        }
        let mut conversations = self.pool.take_all();
        conversations.push(Arc::clone(&self.own));
        let quiet = async {
            while conversations.iter().any(|conversation| conversation.in_flight() > 0) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let _late = timeout_at(deadline, quiet).await;
        let ends = conversations.iter().map(|conversation| conversation.end());
        futures_util::future::join_all(ends).await;
    }

    fn isolation(&self) -> Isolation {
        match &self.core.settings.server.transport {
            Table::Http { .. } => Isolation::Auto,
            Table::Stdio { isolation, .. } => *isolation,
        }
    }

    fn fixed_version(&self) -> Option<Version> {
        self.core.settings.server.protocol
    }

    fn idle_limit(&self) -> Duration {
        match &self.core.settings.server.transport {
            Table::Http { .. } => self.core.settings.limits.session_idle,
            Table::Stdio { idle, .. } => *idle,
        }
    }

    async fn stop_idle(&self, limit: Duration) {
        let mut idle = self.pool.idle(limit);
        let own_may_stop = matches!(self.core.transport, Transport::Stdio(_));
        if own_may_stop && self.own.idle().is_some_and(|idle| idle >= limit) {
            idle.push(Arc::clone(&self.own));
        }
        for conversation in idle {
            if conversation.live().is_some() {
                tracing::info!(server = %self.name(), "a conversation is idle and ends");
            }
            conversation.end().await;
        }
    }

    fn keeper(&self) -> std::sync::MutexGuard<'_, Option<AbortOnDropHandle<()>>> {
        self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({})", self.name())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Conversations that no link holds any more end by themselves.
        let _ = self.pool.take_all();
    }
}

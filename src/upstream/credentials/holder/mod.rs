//! One credential in use: of one owner, at one server, of one account.
//!
//! A token is handed out from memory; the record is looked at again at most two seconds later, so that what another replica
//! changed or took away counts. One refresh at a time, over all replicas: who sets the lease in the record refreshes, the
//! others wait for what comes of it. A refresh goes on when the call that asked for it is given up.

mod renew;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::name::ServerName;
use crate::snapshot::OAuthGrant;
use crate::upstream::credentials::challenge::Challenge;
use crate::upstream::credentials::keeping::Credentials;
use crate::upstream::credentials::lost::{Lost, Why};
use crate::upstream::credentials::oauth::{OAuthError, Terms};
use crate::upstream::credentials::owner::Owner;
use crate::upstream::credentials::stored::Stored;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::settings::{Secret, Settings};

/// How long what was read counts without another look.
const FRESH: Duration = Duration::from_secs(2);
/// How long a token that the server refused, though it was just refreshed, is not sent again.
const REFUSED: Duration = Duration::from_secs(60);
/// Widening of client credentials for one refused request (MCP 2026-07-28: a few attempts).
const MAX_WIDENINGS: usize = 3;

pub(in crate::upstream) struct Holder {
    server: ServerName,
    owner: Owner,
    source: Source,
    /// What was last read; its account is the holder's for good.
    now: ArcSwapOption<Read>,
    /// Only who has to read or refresh waits here, in place of all doing it.
    busy: Mutex<()>,
    ended: AtomicBool,
}

enum Source {
    /// Of a table.
    Fixed(Secret),
    Kept {
        credentials: Arc<Credentials>,
        key: String,
        /// Where the server is.
        at: Option<String>,
        /// `None`: pasted tokens.
        terms: Option<Box<Terms>>,
    },
}

struct Read {
    version: u64,
    /// `None`: there is no record.
    stored: Option<Stored>,
    at: Instant,
}

/// A token to send now.
#[derive(Clone)]
pub(in crate::upstream) struct Token {
    pub(in crate::upstream) value: Secret,
    /// Of the record.
    version: u64,
    expires: Option<Timestamp>,
}

impl Token {
    /// Does it still, as far as its own end says?
    pub(in crate::upstream) fn counts(&self) -> bool {
        self.expires.is_none_or(|expires| Timestamp::now() < expires)
    }
}

impl Holder {
    /// Of a service, from its table.
    pub(in crate::upstream) fn fixed(server: &ServerName, owner: Owner, token: Secret) -> Arc<Self> {
        Arc::new(Self::with(server, owner, Source::Fixed(token)))
    }

    /// Of the store, for the server of these settings.
    pub(in crate::upstream) fn kept(
        settings: &Settings,
        owner: Owner,
        credentials: &Arc<Credentials>,
        terms: Option<Terms>,
    ) -> Arc<Self> {
        let server = &settings.name;
        let source = Source::Kept {
            credentials: Arc::clone(credentials),
            key: owner.key(server),
            at: settings.place(),
            terms: terms.map(Box::new),
        };
        let holder = Arc::new(Self::with(server, owner, source));
        credentials.register(&holder);
        holder
    }

    fn with(server: &ServerName, owner: Owner, source: Source) -> Self {
        Self {
            server: server.clone(),
            owner,
            source,
            now: ArcSwapOption::empty(),
            busy: Mutex::new(()),
            ended: AtomicBool::new(false),
        }
    }

    pub(in crate::upstream) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Of the record; `None`: it has none.
    pub(in crate::upstream::credentials) fn key(&self) -> Option<&str> {
        match &self.source {
            Source::Fixed(_) => None,
            Source::Kept { key, .. } => Some(key),
        }
    }

    /// The account has changed: nothing is sent with it any more.
    pub(in crate::upstream::credentials) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(in crate::upstream) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Is there something to send, as far as was last seen? `None`: nobody has looked yet.
    pub(in crate::upstream) fn is_connected(&self) -> Option<bool> {
        if matches!(self.source, Source::Fixed(_)) {
            return Some(true);
        }
        let read = self.now.load();
        read.as_ref().map(|read| {
            let usable = |stored: &Stored| stored.counts(Timestamp::now()) || stored.refresh.is_some();
            read.stored
                .as_ref()
                .is_some_and(|stored| usable(stored) && !stored.refused)
        })
    }

    /// Has the server asked for scopes that were not granted, as far as was last seen?
    pub(in crate::upstream) fn wants_more(&self) -> bool {
        let read = self.now.load();
        let stored = read.as_ref().and_then(|read| read.stored.as_ref());
        stored.is_some_and(|stored| !stored.wanted.is_empty())
    }

    pub(in crate::upstream) fn is_stale(&self) -> bool {
        self.now.load().as_ref().is_none_or(|read| read.at.elapsed() >= FRESH)
    }

    /// A token that counts, refreshed where it is about to end.
    pub(in crate::upstream) async fn token(self: &Arc<Self>) -> Result<Token, Failure> {
        if let Source::Fixed(value) = &self.source {
            return Ok(Token {
                value: value.clone(),
                version: 0,
                expires: None,
            });
        }
        if let Some(token) = self.at_hand() {
            return self.unless_ended(token);
        }
        // Boxed: what happens once in a while should not make the future of every call large.
        Box::pin(self.look()).await
    }

    async fn look(self: &Arc<Self>) -> Result<Token, Failure> {
        let _turn = self.busy.lock().await;
        if let Some(token) = self.at_hand() {
            return self.unless_ended(token);
        }
        let mut read = self.read().await?;
        let now = Timestamp::now();
        let stored = read.stored.as_ref();
        let is_due = match stored {
            Some(stored) => stored.is_due(now) || stored.access.0.is_empty(),
            None => true,
        };
        if is_due && self.can_renew(stored) {
            let usable = stored.is_some_and(|stored| stored.counts(now));
            let seen = stored.map(|stored| stored.access.clone());
            match self.renew(seen).await {
                Ok(()) => read = self.read().await?,
                // It still counts for a moment, and the next call tries again.
                Err(error) if usable => {
                    tracing::warn!(server = %self.server, owner = %self.owner, %error, "a token was not refreshed ahead of its end");
                }
                Err(error) => return Err(self.failed(&error)),
            }
        }
        self.now.store(Some(Arc::clone(&read)));
        match &read.stored {
            Some(stored) if stored.refused && stored.issued.is_some() && now < stored.since + REFUSED => {
                Err(self.not_connected("the server refuses the token"))
            }
            Some(stored) if stored.counts(Timestamp::now()) => self.unless_ended(token_of(stored, read.version)),
            Some(_) => Err(self.not_connected("the token has ended, and there is no other")),
            None => Err(self.not_connected(self.nobody())),
        }
    }

    /// The server refused a token. `Ok`: there is another one to try; else why there is none.
    pub(in crate::upstream) async fn refused(
        self: &Arc<Self>,
        token: &Token,
        challenge: &Challenge,
        attempt: usize,
    ) -> Result<(), Failure> {
        let Source::Kept { terms, .. } = &self.source else {
            return Err(self.failure(FailureKind::Unauthorized, "the service's token is refused"));
        };
        let _turn = self.busy.lock().await;
        let read = self.read().await?;
        self.now.store(Some(Arc::clone(&read)));
        let Some(stored) = &read.stored else {
            return Err(self.not_connected(self.nobody()));
        };
        if read.version != token.version && stored.access.0 != token.value.expose() {
            // Somebody was faster.
            return Ok(());
        }
        let is_own = terms
            .as_ref()
            .is_some_and(|terms| terms.table.grant == OAuthGrant::ClientCredentials);
        if challenge.lacks_scope() {
            let wanted = challenge.scope.as_deref().unwrap_or_default();
            let edit = |stored: &mut Stored| {
                stored.wanted.extend(wanted.split_whitespace().map(str::to_owned));
                for scope in &stored.scopes {
                    stored.wanted.remove(scope);
                }
            };
            self.change(|_| true, edit).await?;
            self.look_again().await?;
            if is_own && self.wants_more() && attempt < MAX_WIDENINGS {
                let renewed = self.renew(Some(stored.access.clone())).await;
                self.now.store(None);
                return renewed.map_err(|error| self.failed(&error));
            }
            return Err(self.not_connected("the server wants more scopes than were granted"));
        }
        if attempt == 0 && self.can_renew(Some(stored)) {
            let renewed = self.renew(Some(stored.access.clone())).await;
            self.now.store(None);
            return renewed.map_err(|error| self.failed(&error));
        }
        let seen = stored.access.clone();
        let is_first = |stored: &Stored| stored.access == seen && !stored.refused;
        let changed = self.change(is_first, |stored| stored.refused = true).await?;
        if changed {
            self.tell(Why::Server);
        }
        self.look_again().await?;
        Err(self.not_connected("the server refuses the token"))
    }

    fn at_hand(&self) -> Option<Token> {
        let read = self.now.load();
        let read = read.as_ref()?;
        let stored = read.stored.as_ref()?;
        let is_fresh = read.at.elapsed() < FRESH;
        let now = Timestamp::now();
        (is_fresh && !stored.refused && stored.counts(now) && !stored.is_due(now))
            .then(|| token_of(stored, read.version))
    }

    fn unless_ended(&self, token: Token) -> Result<Token, Failure> {
        if self.has_ended() {
            return Err(self.failure(FailureKind::Ended, "the account was changed"));
        }
        Ok(token)
    }

    /// So that what was just changed is known at once.
    async fn look_again(&self) -> Result<(), Failure> {
        self.now.store(Some(self.read().await?));
        Ok(())
    }

    /// Looks at the record; an account that is not the one that was first seen ends this holder.
    async fn read(&self) -> Result<Arc<Read>, Failure> {
        let Source::Kept {
            credentials, key, at, ..
        } = &self.source
        else {
            return Err(self.failure(FailureKind::Unauthorized, "it has no record"));
        };
        let found = credentials
            .find(key)
            .await
            .map_err(|error| self.failure(FailureKind::Refused, format!("the credential cannot be read: {error}")))?;
        let found = found.filter(|(_, stored)| stored.is_for(at.as_deref()));
        let (version, stored) = found.map_or((0, None), |(version, stored)| (version, Some(stored)));
        let account = |stored: &Option<Stored>| stored.as_ref().map(|stored| stored.account.clone());
        let before = self.now.load();
        let known = before.as_ref().map(|before| account(&before.stored));
        let is_another = known.as_ref().is_some_and(|known| *known != account(&stored)) && !self.is_own();
        // Ended already where it was changed here, which is recorded there. Where there was none, none was lost.
        if is_another && !self.ended.swap(true, Ordering::AcqRel) && known.flatten().is_some() {
            self.tell(if stored.is_some() { Why::Replaced } else { Why::Removed });
        }
        Ok(Arc::new(Read {
            version,
            stored,
            at: Instant::now(),
        }))
    }

    fn terms(&self) -> Option<&Terms> {
        match &self.source {
            Source::Fixed(_) => None,
            Source::Kept { terms, .. } => terms.as_deref(),
        }
    }

    /// Client credentials: no person is needed.
    fn is_own(&self) -> bool {
        self.terms()
            .is_some_and(|terms| terms.table.grant == OAuthGrant::ClientCredentials)
    }

    fn tell(&self, why: Why) {
        if let Source::Kept { credentials, .. } = &self.source {
            credentials.losses.tell(Lost {
                server: self.server.clone(),
                owner: self.owner.clone(),
                why,
            });
        }
    }

    fn failed(&self, error: &OAuthError) -> Failure {
        let kind = match error {
            OAuthError::Store(_) => FailureKind::Refused,
            error if error.is_passing() => FailureKind::Unreachable,
            _ => FailureKind::NotConnected,
        };
        self.failure(kind, format!("no token could be had: {error}"))
    }

    fn nobody(&self) -> &'static str {
        match self.owner {
            Owner::Shared => "nobody has authorized it yet: `mcpgw credentials authorize`",
            Owner::Service(_) | Owner::User(_) => "nobody has connected an account",
        }
    }

    fn not_connected(&self, why: &str) -> Failure {
        self.failure(FailureKind::NotConnected, why)
    }

    fn failure(&self, kind: FailureKind, why: impl fmt::Display) -> Failure {
        Failure::new(kind, &self.server, format!("credential of {}: {why}", self.owner))
    }
}

fn token_of(stored: &Stored, version: u64) -> Token {
    Token {
        value: Secret::new(&stored.access.0),
        version,
        expires: stored.expires,
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({} of {})", self.server, self.owner)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

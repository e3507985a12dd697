//! What people and the administrator gave, kept and taken back. Shared by all servers of a gateway.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::holder::Holder;
use super::lost::{Losses, Lost};
use super::oauth::{Authorization, Flow, Issue, OAuthError, Terms, client, discover, request, ticket};
use super::owner::Owner;
use super::stored::{Hidden, Stored};
use crate::fetch::{Fetch, Policy};
use crate::name::ServerName;
use crate::store::{Expect, Kind, Records, StoreError};

/// For a person to sign in somewhere else, and consent there.
pub(super) const FLOW: Duration = Duration::from_secs(600);
/// Bytes of a pasted token.
const MAX_TOKEN: usize = 8 << 10;

pub struct Credentials {
    pub(super) records: Arc<dyn Records>,
    pub(super) fetch: Fetch,
    /// Those in use here, to be told of a change at once.
    holders: Mutex<Vec<Weak<Holder>>>,
    pub(super) losses: Losses,
}

/// How an owner stands with a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    Connected,
    /// What is stored is not taken any more, or not enough.
    Expired,
    Missing,
}

/// One credential as `mcpgw credentials list` shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    pub server: ServerName,
    pub owner: Owner,
    pub standing: Standing,
    /// The authorization server; `None`: a pasted token.
    pub issuer: Option<String>,
    /// When the present token was issued or pasted.
    pub since: Timestamp,
}

/// What the browser brought back to `/connect/callback`.
#[derive(Clone, Copy, Default)]
pub struct Callback<'a> {
    pub state: Option<&'a str>,
    pub code: Option<&'a str>,
    pub iss: Option<&'a str>,
    pub error: Option<&'a str>,
}

/// A flow that ended well.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connected {
    pub server: ServerName,
    pub owner: Owner,
    /// Where the person goes on, as `begin` was told.
    pub back: String,
}

impl Credentials {
    pub fn new(records: Arc<dyn Records>, fetch: Fetch) -> Arc<Self> {
        Arc::new(Self {
            records,
            fetch,
            holders: Mutex::default(),
            losses: Losses::default(),
        })
    }

    /// `at`: where the server is, as [`crate::upstream::Settings::place`] says. What was given for another place counts for nothing.
    pub async fn standing(&self, server: &ServerName, owner: &Owner, at: Option<&str>) -> Result<Standing, StoreError> {
        let stored = self.find(&owner.key(server)).await?;
        let stored = stored.filter(|(_, stored)| stored.is_for(at));
        Ok(stored.map_or(Standing::Missing, |(_, stored)| Standing::of(&stored)))
    }

    /// What counts no more from now on; `None`: somebody listens already.
    pub fn losses(&self) -> Option<mpsc::Receiver<Lost>> {
        self.losses.receiver()
    }

    /// All that are kept, by server and owner.
    pub async fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let records = self.records.list(Kind::Credential).await?;
        let listed = records.into_iter().filter_map(|(key, record)| {
            let (server, owner) = Owner::read(&key)?;
            let stored: Stored = serde_json::from_slice(&record.value).ok()?;
            Some(Listed {
                server,
                owner,
                standing: Standing::of(&stored),
                since: stored.since,
                issuer: stored.issued.map(|issued| issued.issuer),
            })
        });
        Ok(listed.collect())
    }

    /// Takes credentials of a server away: of one owner, or of all. What uses them ends at once here, and within two seconds
    /// on other replicas. Returns how many there were.
    pub async fn forget(&self, server: &ServerName, owner: Option<&Owner>) -> Result<usize, StoreError> {
        let keys: Vec<String> = if let Some(owner) = owner {
            vec![owner.key(server)]
        } else {
            let records = self.records.list(Kind::Credential).await?;
            let of_server = |key: &String| Owner::read(key).is_some_and(|(of, _)| of == *server);
            records.into_iter().map(|(key, _)| key).filter(of_server).collect()
        };
        let mut forgotten = 0;
        for key in keys {
            if self.records.remove(Kind::Credential, &key, Expect::Any).await? {
                forgotten += 1;
            }
            self.changed(&key);
        }
        if owner.is_none() {
            // The gateway's own registration too: the next one begins anew.
            self.records
                .remove(Kind::Credential, &format!("{server}/client"), Expect::Any)
                .await?;
        }
        Ok(forgotten)
    }

    /// Keeps a token that its owner pasted, in place of what there was.
    pub async fn paste(
        &self,
        server: &ServerName,
        owner: &Owner,
        at: Option<&str>,
        token: &str,
    ) -> Result<(), OAuthError> {
        let token = token.trim();
        if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OAuthError::Callback(
                "this is no token: one word of visible characters is expected",
            ));
        }
        self.keep(
            &owner.key(server),
            &Stored::pasted(token, at, crate::oauth::random()?, Timestamp::now()),
        )
        .await
    }

    /// Begins the way through the server's authorization server. `base` is the gateway's public URL, `browser` the session that
    /// must come back (empty: whoever was shown the URL, an administrator), `back` where it goes on afterwards.
    pub async fn begin(
        &self,
        terms: &Terms,
        owner: &Owner,
        base: &str,
        browser: &str,
        back: &str,
    ) -> Result<Authorization, OAuthError> {
        let found = discover(&self.fetch, terms).await?;
        let client = client(&self.fetch, &*self.records, terms, &found.server, base).await?;
        let key = owner.key(&terms.server);
        let known = self.find(&key).await?.map(|(_, stored)| stored);
        // What the server wanted besides counts for the authorization server that could not give it, and for the next one too.
        let also: BTreeSet<String> = known
            .filter(|stored| !stored.wanted.is_empty())
            .map(|stored| stored.wanted.union(&stored.scopes).cloned().collect())
            .unwrap_or_default();
        let begun = Flow::begin(terms, &found, client, base, key, browser, back, &also)?;
        let value = serde_json::to_vec(&begun.flow).unwrap_or_default();
        let expires = Timestamp::now() + FLOW;
        let kept = self
            .records
            .put(
                Kind::Flow,
                &begun.authorization.ticket,
                Expect::Absent,
                &value,
                Some(expires),
            )
            .await?;
        kept.ok_or(OAuthError::Callback("try again"))?;
        Ok(begun.authorization)
    }

    /// Ends what `begin` began. A `state` counts once, for the browser session that it was made for.
    pub async fn finish(
        &self,
        callback: Callback<'_>,
        browser: &str,
        policy: impl Fn(&ServerName) -> Option<Policy>,
    ) -> Result<Connected, OAuthError> {
        let unknown = || OAuthError::Callback("this answer was not waited for, or came too late: connect again");
        let state = callback.state.ok_or_else(unknown)?;
        let key = ticket(state);
        // Looked at before it is taken: a stranger's browser must not use up what is another's.
        let record = self.records.find(Kind::Flow, &key).await?.ok_or_else(unknown)?;
        let flow: Flow = serde_json::from_slice(&record.value).map_err(|_| unknown())?;
        if !flow.browser.is_empty() && flow.browser != browser {
            return Err(unknown());
        }
        self.records.take(Kind::Flow, &key).await?.ok_or_else(unknown)?;
        let is_awaited = flow.browser.is_empty();
        let outcome = self.end(callback, flow, policy).await;
        if is_awaited {
            self.tell(&key, &outcome).await;
        }
        outcome
    }

    /// Exchanges the code for what is kept from now on.
    async fn end(
        &self,
        callback: Callback<'_>,
        flow: Flow,
        policy: impl Fn(&ServerName) -> Option<Policy>,
    ) -> Result<Connected, OAuthError> {
        let unknown = || OAuthError::Callback("this answer was not waited for, or came too late: connect again");
        flow.check_issuer(callback.iss)?;
        if let Some(error) = callback.error {
            return Err(OAuthError::Refused {
                code: crate::text::safe(&error.chars().take(100).collect::<String>()).into_owned(),
                text: String::new(),
            });
        }
        let code = callback.code.ok_or_else(unknown)?;
        let (server, owner) = Owner::read(&flow.credential).ok_or_else(unknown)?;
        let policy = policy(&server).ok_or(OAuthError::Callback("the server is not configured any more"))?;
        let issue = Issue::Code {
            code,
            verifier: &flow.verifier.0,
            callback: &flow.callback,
        };
        let tokens = request(&self.fetch, &policy, &flow.issued, issue, "").await?;
        let now = Timestamp::now();
        let mut stored = Stored::pasted("", flow.at.as_deref(), crate::oauth::random()?, now);
        stored.scopes = flow.scopes;
        stored.issued = Some(flow.issued);
        stored.take(tokens, now);
        self.keep(&flow.credential, &stored).await?;
        Ok(Connected {
            server,
            owner,
            back: flow.back,
        })
    }

    async fn keep(&self, key: &str, stored: &Stored) -> Result<(), OAuthError> {
        self.put(key, Expect::Any, stored).await?;
        self.changed(key);
        Ok(())
    }

    /// `None`: what was expected is not so.
    pub(super) async fn put(&self, key: &str, expect: Expect, stored: &Stored) -> Result<Option<u64>, StoreError> {
        let value = serde_json::to_vec(stored).unwrap_or_default();
        self.records.put(Kind::Credential, key, expect, &value, None).await
    }

    pub(super) async fn find(&self, key: &str) -> Result<Option<(u64, Stored)>, StoreError> {
        let record = self.records.find(Kind::Credential, key).await?;
        Ok(record.and_then(|record| Some((record.version, serde_json::from_slice(&record.value).ok()?))))
    }

    pub(super) fn register(&self, holder: &Arc<Holder>) {
        let mut holders = self.holders();
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(Arc::downgrade(holder));
    }

    /// Another account, or none: what holds the one before ends.
    fn changed(&self, key: &str) {
        let holders: Vec<Arc<Holder>> = self.holders().iter().filter_map(Weak::upgrade).collect();
        for holder in holders.iter().filter(|holder| holder.key() == Some(key)) {
            holder.end();
        }
    }

    fn holders(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Holder>>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn of(stored: &Stored) -> Self {
        let renews = stored.refresh.is_some() && !stored.refused;
        if stored.refused || !stored.wanted.is_empty() || !(stored.counts(Timestamp::now()) || renews) {
            Self::Expired
        } else {
            Self::Connected
        }
    }
}

impl Stored {
    /// New tokens of the same grant. A refresh token that is not replaced stays (RFC 6749 section 6).
    pub(super) fn take(&mut self, tokens: super::oauth::Tokens, now: Timestamp) {
        self.access = tokens.access;
        self.refresh = tokens.refresh.or(self.refresh.take());
        self.expires = tokens.lives.map(|lives| now + lives);
        self.since = now;
        self.refused = false;
        self.lease = None;
        if let Some(scope) = tokens.scope {
            // What was granted may be less; what was asked for is what the next one asks for too.
            self.scopes.extend(scope.split_whitespace().map(str::to_owned));
        }
    }

    /// The authorization server takes the grant no more.
    pub(super) fn lose_grant(&mut self) {
        self.access = Hidden(String::new());
        self.refresh = None;
        self.refused = true;
        self.lease = None;
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl fmt::Debug for Callback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

//! A grant: what one person lets one client do at one endpoint, until when, and the tokens by which the client proves it.
//!
//! One record of the store, changed by compare-and-set; removing it ends all of its tokens. The rules of refreshing are pure
//! functions here, so that they can be tested with any clock.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::browser::{self, Person, Source};
use crate::auth::secret::{self, ACCESS, Hash, REFRESH};
use crate::name::{Caller, EndpointName};
use crate::snapshot::Snapshot;

/// How long an access token counts.
pub(super) const ACCESS_TIME: Duration = Duration::from_secs(15 * 60);

/// Within this time a refresh token that was just exchanged may come once more: its answer was lost on the way.
const LOST_ANSWER: Duration = Duration::from_secs(5 * 60);

/// Access tokens that count at a time; beyond, the oldest ends. Clients refresh early, and some at several places.
const MAX_ACCESS: usize = 4;

/// Refresh tokens that were exchanged and are remembered, to know a stolen one.
const MAX_SPENT: usize = 16;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Grant {
    pub id: String,
    /// Without `user:`.
    pub user: Arc<str>,
    /// As the identity provider last said; empty for a local account, whose table says it.
    pub groups: BTreeSet<Arc<str>>,
    pub source: Source,
    pub client: GrantClient,
    pub endpoint: String,
    pub since: Timestamp,
    /// As the person chose. A shortened `access-duration.max` ends it earlier: ask [`Grant::end`].
    pub until: Timestamp,
    access: Vec<AccessToken>,
    refresh: Hash,
    /// Refresh tokens that were exchanged, the newest last.
    spent: Vec<Hash>,
    /// When the newest of `spent` was exchanged, unless its lost answer was forgiven already.
    lost_since: Option<Timestamp>,
}

/// The client, as the person saw it at consent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GrantClient {
    pub id: String,
    pub name: String,
    /// Where its answers went: `claude.ai`, `localhost`, `cursor:`.
    pub host: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct AccessToken {
    hash: Hash,
    until: Timestamp,
}

/// What a valid access token proves.
#[derive(Clone, Debug)]
pub struct Access {
    pub caller: Caller,
    pub endpoint: EndpointName,
    pub client: Arc<str>,
    pub grant: Arc<str>,
    pub until: Timestamp,
}

/// New tokens in the clear, for the client alone.
#[derive(Eq, PartialEq)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
    /// Of the access token.
    pub(super) lives: Duration,
}

/// What a refresh token turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refresh {
    /// The newest one.
    Current,
    /// The one before: the client did not get the answer.
    LostAnswer,
    /// One that was exchanged: somebody else has it too.
    Reused,
    /// None of this grant's.
    Unknown,
}

impl Grant {
    /// A new one, with its first tokens.
    pub(super) fn new(
        person: &Person,
        client: GrantClient,
        endpoint: &EndpointName,
        lives: Duration,
        now: Timestamp,
    ) -> std::io::Result<(Self, Tokens)> {
        let id = secret::id()?;
        let mut grant = Self {
            user: Arc::clone(&person.user),
            groups: person.groups.clone(),
            source: person.source.clone(),
            client,
            endpoint: endpoint.to_string(),
            since: now,
            until: now + lives,
            access: Vec::new(),
            refresh: Hash::of(&id),
            spent: Vec::new(),
            lost_since: None,
            id,
        };
        let tokens = grant.issue(grant.until, now)?;
        Ok((grant, tokens))
    }

    /// When it ends under this configuration; `None` where its endpoint is gone.
    pub fn end(&self, snapshot: &Snapshot) -> Option<Timestamp> {
        let endpoint = snapshot.endpoints.get(self.endpoint.as_str())?;
        Some(self.until.min(self.since + endpoint.access_max))
    }

    /// Who its tokens stand for now. `None`: the person may not sign in here any more.
    pub fn caller(&self, snapshot: &Snapshot) -> Option<Caller> {
        browser::caller(snapshot, &self.user, &self.groups, &self.source)
    }

    /// Is this the hash of an access token of it that counts now?
    pub(super) fn has_access(&self, hash: &Hash, now: Timestamp) -> bool {
        self.access.iter().any(|token| token.until > now && token.hash.is(hash))
    }

    /// The newest access token: who has it has the newest refresh token too.
    pub(super) fn is_newest(&self, hash: &Hash) -> bool {
        self.access.last().is_some_and(|token| token.hash.is(hash))
    }

    pub(super) fn has_token(&self, hash: &Hash) -> bool {
        self.access.iter().any(|token| token.hash.is(hash)) || self.refresh.is(hash) || self.was_spent(hash)
    }

    /// `arrived`: somebody has used the newest access token, so the answer that it came in was not lost.
    pub(super) fn judge(&self, hash: &Hash, arrived: bool, now: Timestamp) -> Refresh {
        if self.refresh.is(hash) {
            return Refresh::Current;
        }
        if !self.was_spent(hash) {
            return Refresh::Unknown;
        }
        let is_last = self.spent.last().is_some_and(|last| last.is(hash));
        let is_fresh = self.lost_since.is_some_and(|at| now < at + LOST_ANSWER);
        if is_last && is_fresh && !arrived {
            Refresh::LostAnswer
        } else {
            Refresh::Reused
        }
    }

    /// Exchanges the refresh token that was judged `Current` or `LostAnswer` for new tokens.
    pub(super) fn rotate(&mut self, judged: Refresh, end: Timestamp, now: Timestamp) -> std::io::Result<Tokens> {
        if judged == Refresh::LostAnswer {
            // The lost one never reached the client: it stays known before the one that did, and nothing is forgiven twice.
            let at = self.spent.len().saturating_sub(1);
            self.spent.insert(at, self.refresh);
            self.access.pop();
            self.lost_since = None;
        } else {
            self.spent.push(self.refresh);
            self.lost_since = Some(now);
        }
        if self.spent.len() > MAX_SPENT {
            self.spent.remove(0);
        }
        self.issue(end, now)
    }

    fn issue(&mut self, end: Timestamp, now: Timestamp) -> std::io::Result<Tokens> {
        let tokens = Tokens {
            access: secret::token(ACCESS, &self.id)?,
            refresh: secret::token(REFRESH, &self.id)?,
            lives: ACCESS_TIME.min(Duration::try_from(end.duration_since(now)).unwrap_or_default()),
        };
        self.access.retain(|token| token.until > now);
        if self.access.len() >= MAX_ACCESS {
            self.access.remove(0);
        }
        self.access.push(AccessToken {
            hash: Hash::of(&tokens.access),
            until: now + tokens.lives,
        });
        self.refresh = Hash::of(&tokens.refresh);
        Ok(tokens)
    }

    fn was_spent(&self, hash: &Hash) -> bool {
        self.spent.iter().any(|spent| spent.is(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(now: Timestamp) -> (Grant, Tokens) {
        let person = Person {
            user: "alice".into(),
            groups: BTreeSet::new(),
            source: Source::Local,
            since: now,
        };
        let client = GrantClient {
            id: "c".into(),
            name: "C".into(),
            host: "c.example".into(),
        };
        let endpoint = EndpointName::new("e").unwrap();
        Grant::new(&person, client, &endpoint, Duration::from_secs(3600), now).unwrap()
    }

    fn hash(text: &str) -> Hash {
        Hash::of(text)
    }

    #[test]
    fn a_lost_answer_is_forgiven_once_soon_and_unless_it_arrived() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (mut grant, first) = granted(now);
        let end = grant.until;
        assert_eq!(grant.judge(&hash(&first.refresh), false, now), Refresh::Current);
        let lost = grant.rotate(Refresh::Current, end, now).unwrap();
        let old = hash(&first.refresh);
        assert_eq!(
            grant.judge(&old, true, now),
            Refresh::Reused,
            "the new tokens are in use"
        );
        assert_eq!(grant.judge(&old, false, now + LOST_ANSWER), Refresh::Reused, "too late");
        assert_eq!(grant.judge(&old, false, now), Refresh::LostAnswer);
        let next = grant.rotate(Refresh::LostAnswer, end, now).unwrap();
        assert_eq!(grant.judge(&old, false, now), Refresh::Reused, "a second time");
        assert_eq!(grant.judge(&hash(&lost.refresh), false, now), Refresh::Reused);
        assert_eq!(grant.judge(&hash(&next.refresh), false, now), Refresh::Current);
        assert!(!grant.has_access(&hash(&lost.access), now) && grant.has_access(&hash(&next.access), now));
        assert_eq!(grant.judge(&hash("mcpgw_rt_x"), false, now), Refresh::Unknown);
    }

    #[test]
    fn access_tokens_end_by_the_clock_with_the_grant_and_by_number() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (mut grant, first) = granted(now);
        let end = grant.until;
        assert!(grant.has_access(&hash(&first.access), now));
        assert!(!grant.has_access(&hash(&first.access), now + ACCESS_TIME));
        for _ in 0..MAX_ACCESS {
            grant.rotate(Refresh::Current, end, now).unwrap();
        }
        assert!(!grant.has_access(&hash(&first.access), now), "the oldest ends");
        let late = end - Duration::from_secs(60);
        assert_eq!(
            grant.rotate(Refresh::Current, end, late).unwrap().lives,
            Duration::from_secs(60)
        );
        for _ in 0..100 {
            grant.rotate(Refresh::Current, end, now).unwrap();
        }
        assert!(
            serde_json::to_vec(&grant).unwrap().len() < 4096,
            "a grant does not grow"
        );
    }

    #[test]
    fn a_record_holds_no_token() {
        let (grant, tokens) = granted(Timestamp::now());
        let record = serde_json::to_string(&grant).unwrap();
        for token in [&tokens.access, &tokens.refresh] {
            // The secret, 43 characters of base64url, may have `_` in it.
            assert!(!record.contains(token.as_str()) && !record.contains(&token[token.len() - 43..]));
        }
    }
}

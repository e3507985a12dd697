//! Tokens of external authorization servers (`[issuer.*]`): who they stand for.
//!
//! In comes the text of a Bearer token, out comes a [`Caller`] with the issuer's prefix. A token that was checked is remembered by its
//! hash until it expires, so that the calls of a client cost one check of a signature in all.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::auth::jwks::{KeySource, Place, Unverified};
use crate::auth::jwt::{self, Claims, Expected, Keys, Token, Use};
use crate::fetch::Fetch;
use crate::name::{Caller, IssuerName, Principal};
use crate::snapshot::{Issuer as Table, Jwks, Snapshot};

/// Tokens of one issuer that are remembered.
const MAX_REMEMBERED: usize = 10_000;

/// All issuers of one generation.
pub struct Issuers {
    snapshot: Arc<Snapshot>,
    /// By the URL that stands in `iss`.
    by_url: HashMap<String, Arc<Issuer>>,
}

struct Issuer {
    name: IssuerName,
    table: Table,
    source: Arc<KeySource>,
    remembered: Mutex<HashMap<[u8; 32], Verified>>,
}

/// Whom a token stands for, and until when.
#[derive(Clone, Debug)]
pub struct Verified {
    pub caller: Caller,
    pub until: Timestamp,
    pub issuer: IssuerName,
}

impl Issuers {
    /// `file` gives the bytes of a `jwks.file`. What `old` knows of keys and tokens is kept where the table is the same.
    /// The error names the table and what is wrong with its file.
    pub fn new(
        snapshot: &Arc<Snapshot>,
        fetch: &Fetch,
        old: Option<&Self>,
        file: impl Fn(&std::path::Path) -> Result<Bytes, String>,
    ) -> Result<Self, String> {
        let mut by_url = HashMap::new();
        for (name, table) in &snapshot.issuers {
            let known = old.and_then(|old| old.by_url.get(&table.url));
            let source = match &table.jwks {
                Jwks::File(path) => {
                    let wrong = |problem: String| format!("`issuer.{name}.jwks.file` {}: {problem}", path.display());
                    let keys = file(path).map_err(&wrong)?;
                    KeySource::of_file(&table.url, Keys::read(&keys).map_err(wrong)?, fetch.clone())
                }
                Jwks::Discovered => kept(known, table, Place::Discovered, fetch),
                Jwks::Url(url) => kept(known, table, Place::Url(url.clone()), fetch),
            };
            let issuer = match known {
                Some(known) if known.table == *table && Arc::ptr_eq(&known.source, &source) => Arc::clone(known),
                _ => Arc::new(Issuer {
                    name: name.clone(),
                    table: table.clone(),
                    source,
                    remembered: Mutex::default(),
                }),
            };
            by_url.insert(table.url.clone(), issuer);
        }
        Ok(Self {
            snapshot: Arc::clone(snapshot),
            by_url,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.by_url.is_empty()
    }

    /// Is it worth a look? Opaque tokens are not.
    pub fn could_know(&self, token: &str) -> bool {
        !self.is_empty() && Token::is_like(token)
    }

    /// Fetches keys where they are not known.
    pub async fn verify(&self, text: &str) -> Result<Verified, Unverified> {
        let refused = |why: String| Unverified::Refused(why);
        let token = Token::read(text).map_err(|refusal| refused(refusal.to_string()))?;
        let issuer = token.issuer().and_then(|issuer| self.by_url.get(&issuer));
        let Some(issuer) = issuer else {
            return Err(refused("no `[issuer]` has its `iss` as `url`".to_owned()));
        };
        let now = Timestamp::now();
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let verified = if let Some(verified) = issuer.remembered(&hash, now) {
            verified
        } else {
            let expected = Expected {
                issuer: &issuer.table.url,
                audience: &issuer.table.audience,
                used_as: Use::Access,
            };
            let claims = issuer
                .source
                .check(|keys| jwt::verify(&token, keys, &expected, now))
                .await?;
            let verified = issuer
                .verified(&claims)
                .map_err(|refusal| refused(refusal.to_string()))?;
            issuer.remember(hash, &verified, now);
            verified
        };
        let prefix = &issuer.table.prefix;
        let mut names: Vec<&str> = verified.caller.groups.iter().map(|group| &**group).collect();
        if let Principal::User(user) = &verified.caller.principal {
            names.push(user);
        }
        if names
            .iter()
            .any(|name| claimed_by_another(&self.snapshot, name, prefix))
        {
            return Err(refused(
                "its user or a group of it begins like the names of another `[issuer]`".to_owned(),
            ));
        }
        if self.in_two_places(&verified.caller) {
            return Err(refused(format!(
                "{} is a local account too: one of the two must have another name, or the issuer a `prefix`",
                verified.caller.principal
            )));
        }
        Ok(verified)
    }

    /// Whether a token that was verified still counts in this generation.
    pub fn still(&self, verified: &Verified) -> bool {
        let issuer = self.by_url.values().find(|issuer| issuer.name == verified.issuer);
        let is_named = issuer.is_some_and(|issuer| match &verified.caller.principal {
            Principal::User(user) => user.starts_with(&issuer.table.prefix),
            Principal::Anonymous | Principal::Service(_) => false,
        });
        is_named && verified.until > Timestamp::now() && !self.in_two_places(&verified.caller)
    }

    fn in_two_places(&self, caller: &Caller) -> bool {
        match &caller.principal {
            Principal::User(user) => self.snapshot.users.contains_key(&**user),
            Principal::Anonymous | Principal::Service(_) => false,
        }
    }
}

/// Is this a name that another source of names gives out? The longest prefix that fits says whose it is; who may choose a name
/// freely could else choose one of another issuer.
pub(super) fn claimed_by_another(snapshot: &Snapshot, name: &str, own: &str) -> bool {
    let prefixes = snapshot.issuers.values().map(|issuer| issuer.prefix.as_str());
    let fitting = prefixes.filter(|prefix| !prefix.is_empty() && name.starts_with(prefix));
    fitting
        .max_by_key(|prefix| prefix.len())
        .is_some_and(|longest| longest.len() > own.len())
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_url.keys()).finish()
    }
}

/// The keys that are known, where they are found at the same place.
fn kept(known: Option<&Arc<Issuer>>, table: &Table, place: Place, fetch: &Fetch) -> Arc<KeySource> {
    match known {
        Some(known) if known.source.is(&table.url, &place) => Arc::clone(&known.source),
        _ => KeySource::new(&table.url, place, fetch.clone()),
    }
}

impl Issuer {
    fn verified(&self, claims: &Claims) -> Result<Verified, jwt::Refusal> {
        let table = &self.table;
        let user = claims.user(&table.user_claim)?;
        // Anybody may claim an address; an issuer that says that it has not looked is believed.
        if table.user_claim == "email" && claims.has("email_verified") && !claims.is_true("email_verified") {
            return Err(jwt::Refusal::Claim(
                "its issuer says that `email` is not verified".to_owned(),
            ));
        }
        let groups = table.groups_claim.as_deref();
        Ok(Verified {
            caller: Caller {
                principal: Principal::User(format!("{}{user}", table.prefix).into()),
                groups: groups
                    .map(|claim| claims.groups(claim, &table.prefix))
                    .transpose()?
                    .unwrap_or_default(),
            },
            until: claims.until,
            issuer: self.name.clone(),
        })
    }

    fn remembered(&self, hash: &[u8; 32], now: Timestamp) -> Option<Verified> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(hash).filter(|verified| verified.until > now).cloned()
    }

    fn remember(&self, hash: [u8; 32], verified: &Verified, now: Timestamp) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, verified| verified.until > now);
            if remembered.len() >= MAX_REMEMBERED {
                // Checked again when they come again.
                remembered.clear();
            }
        }
        remembered.insert(hash, verified.clone());
    }
}

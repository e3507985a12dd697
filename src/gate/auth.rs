//! Who is calling: a service by its static token, a person by the access token of a grant, whoever an external issuer vouches
//! for, or nobody.
//!
//! A wrong or expired token is 401, never `anonymous`. Tokens are looked up by their SHA-256, so that neither the
//! gateway's memory nor a comparison's timing gives them away. Only a token that was not seen before waits, for its issuer's
//! keys or the store.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::auth::{Access, Auth, Issuers, Refused, Unverified, Verified};
use crate::gate::error::Error;
use crate::name::{Caller, EndpointName, Principal};
use crate::snapshot::Snapshot;
use crate::snapshot::access::{LiveHolds, Rights};

/// A caller, known, with what its roles give it in one generation.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) caller: Caller,
    pub(super) rights: Rights,
    proof: Proof,
}

/// How it is known who this is.
#[derive(Debug)]
enum Proof {
    /// The grant's id.
    Grant(Arc<str>),
    Issuer(Verified),
    None,
    Service {
        /// SHA-256 of the token that it came with.
        token: [u8; 32],
        expires: Option<Date>,
    },
}

/// Callers of issuers that are remembered with their rights, and people with theirs; beyond, they are put together anew.
const MAX_REMEMBERED: usize = 10_000;

/// All callers that this generation knows by a static secret, the one it knows by none, and those that others vouch for.
pub(super) struct Identities {
    snapshot: Arc<Snapshot>,
    holds: Arc<LiveHolds>,
    people: Mutex<HashMap<Caller, Rights>>,
    services: HashMap<[u8; 32], Arc<Identity>>,
    anonymous: Arc<Identity>,
    issuers: Issuers,
    /// By SHA-256 of their tokens, which were checked.
    remembered: Mutex<HashMap<[u8; 32], Arc<Identity>>>,
}

impl Identities {
    pub(super) fn of(snapshot: &Arc<Snapshot>, holds: &Arc<LiveHolds>, issuers: Issuers) -> Self {
        let mut services = HashMap::new();
        for (name, service) in &snapshot.services {
            let caller = Caller {
                principal: Principal::Service(name.clone()),
                groups: service.groups.clone(),
            };
            let rights = Rights::of(snapshot, &caller).under(holds);
            for token in &service.token_sha256 {
                let known = Identity {
                    caller: caller.clone(),
                    rights: rights.clone(),
                    proof: Proof::Service {
                        token: *token,
                        expires: service.expires,
                    },
                };
                services.insert(*token, Arc::new(known));
            }
        }
        let caller = Caller::anonymous();
        let anonymous = Identity {
            rights: Rights::of(snapshot, &caller).under(holds),
            caller,
            proof: Proof::None,
        };
        Self {
            snapshot: Arc::clone(snapshot),
            holds: Arc::clone(holds),
            people: Mutex::default(),
            services,
            anonymous: Arc::new(anonymous),
            issuers,
            remembered: Mutex::default(),
        }
    }

    /// The same caller in this generation, where its proof still counts.
    pub(super) fn again(&self, auth: &Auth, identity: &Identity) -> Option<Arc<Identity>> {
        self.still(auth, identity)
            .filter(|now| auth.knows_holds() && !self.is_held(&now.caller))
    }

    pub(super) fn is_held(&self, caller: &Caller) -> bool {
        self.holds.on_caller(&self.snapshot, caller).is_some()
    }

    fn still(&self, auth: &Auth, identity: &Identity) -> Option<Arc<Identity>> {
        match &identity.proof {
            Proof::None => Some(Arc::clone(&self.anonymous)),
            Proof::Grant(id) => {
                let access = auth.still(&self.snapshot, id)?;
                (access.caller.principal == identity.caller.principal).then(|| self.person(access))
            }
            Proof::Service { token, .. } => self
                .services
                .get(token)
                .filter(|now| now.caller.principal == identity.caller.principal && !now.is_expired())
                .cloned(),
            Proof::Issuer(verified) => self.issuers.still(verified).then(|| self.of_issuer(verified.clone())),
        }
    }

    pub(super) fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// Reads `Authorization`; without it the caller is anonymous. A grant's token counts at its `endpoint` only. Who is held is
    /// told no more than a token that never counted.
    pub(super) async fn identify(
        &self,
        auth: &Auth,
        headers: &HeaderMap,
        endpoint: Option<&EndpointName>,
    ) -> Result<Arc<Identity>, Error> {
        let identity = self.known(auth, headers, endpoint).await?;
        if !auth.knows_holds() {
            return Err(Error::unavailable("nobody can be let in now", RETRY_LATER)
                .with_detail("the store does not say what is held"));
        }
        match self.holds.on_caller(&self.snapshot, &identity.caller) {
            None => Ok(identity),
            Some(_) if identity.is_anonymous() => {
                Err(Error::unauthorized(None, "send a token: `Authorization: Bearer TOKEN`"))
            }
            Some(target) => Err(invalid_token().with_detail(format!("`{target}` is held"))),
        }
    }

    async fn known(
        &self,
        auth: &Auth,
        headers: &HeaderMap,
        endpoint: Option<&EndpointName>,
    ) -> Result<Arc<Identity>, Error> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Ok(Arc::clone(&self.anonymous));
        };
        let token = value.to_str().ok().and_then(bearer).filter(|_| values.next().is_none());
        let Some(token) = token else {
            return Err(Error::unauthorized(
                Some("invalid_request"),
                "send one `Authorization: Bearer TOKEN` header",
            ));
        };
        if token.starts_with(crate::auth::ACCESS) {
            let access = auth.access(&self.snapshot, token, endpoint).await;
            return access
                .map(|access| self.person(access))
                .map_err(|refused| match refused {
                    Refused::Invalid(why) => invalid_token().with_detail(format!("an access token: {why}")),
                    Refused::Unknown => Error::unavailable("this token cannot be checked now", RETRY_LATER),
                });
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        match self.services.get(&hash) {
            Some(identity) if !identity.is_expired() => Ok(Arc::clone(identity)),
            Some(identity) => {
                Err(invalid_token().with_detail(format!("the token of {} has expired", identity.caller.principal)))
            }
            None if self.issuers.could_know(token) => Box::pin(self.ask_issuer(token, hash)).await,
            None => Err(invalid_token()),
        }
    }

    async fn ask_issuer(&self, token: &str, hash: [u8; 32]) -> Result<Arc<Identity>, Error> {
        let remembered = self
            .remembered()
            .get(&hash)
            .filter(|known| !known.is_expired())
            .cloned();
        if let Some(identity) = remembered {
            return Ok(identity);
        }
        let verified = self
            .issuers
            .verify(token)
            .await
            .map_err(|unverified| match unverified {
                Unverified::Refused(why) => {
                    tracing::info!(why = &*crate::text::safe(&why), "an issuer's token is refused");
                    invalid_token().with_detail(why)
                }
                Unverified::Unavailable(why) => {
                    tracing::debug!(why, "an issuer's token cannot be checked");
                    Error::unavailable("this token cannot be checked now", RETRY_LATER).with_detail(why)
                }
            })?;
        let identity = self.of_issuer(verified);
        let mut remembered = self.remembered();
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(hash, Arc::clone(&identity));
        Ok(identity)
    }

    fn of_issuer(&self, verified: Verified) -> Arc<Identity> {
        Arc::new(Identity {
            caller: verified.caller.clone(),
            rights: self.rights(&verified.caller),
            proof: Proof::Issuer(verified),
        })
    }

    /// Nothing panics while it holds this lock.
    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<Identity>>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Put together once for all tokens of a caller.
    fn rights(&self, caller: &Caller) -> Rights {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = people.get(caller).cloned();
        kept.unwrap_or_else(|| {
            if people.len() >= MAX_REMEMBERED {
                people.clear();
            }
            let rights = Rights::of(&self.snapshot, caller).under(&self.holds);
            people.insert(caller.clone(), rights.clone());
            rights
        })
    }

    fn person(&self, access: Access) -> Arc<Identity> {
        Arc::new(Identity {
            rights: self.rights(&access.caller),
            caller: access.caller,
            proof: Proof::Grant(access.grant),
        })
    }
}

/// Seconds until a client may try again what could not be checked.
const RETRY_LATER: u64 = 5;

impl Identity {
    pub(super) fn is_anonymous(&self) -> bool {
        self.caller.principal == Principal::Anonymous
    }

    /// The grant that its token belongs to.
    pub(super) fn grant(&self) -> Option<&str> {
        match &self.proof {
            Proof::Grant(id) => Some(id),
            Proof::Issuer(_) | Proof::None | Proof::Service { .. } => None,
        }
    }

    /// Under which key limits count: `anonymous` counts per client address.
    pub(super) fn account(&self, peer: SocketAddr) -> Account {
        match &self.caller.principal {
            Principal::Anonymous => Account::Address(peer.ip()),
            known => Account::Principal(known.clone()),
        }
    }

    /// When its proof stops counting by itself; a grant's end is watched by who keeps grants.
    pub(super) fn end(&self) -> Option<Timestamp> {
        match &self.proof {
            Proof::Grant(_) | Proof::None => None,
            // The last day counts to its end, in UTC.
            Proof::Service { expires, .. } => expires
                .and_then(|last| last.tomorrow().ok())
                .and_then(|day| TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()),
            Proof::Issuer(verified) => Some(verified.until),
        }
    }

    /// The clock is asked only where there is an end.
    fn is_expired(&self) -> bool {
        self.end().is_some_and(|end| end <= Timestamp::now())
    }
}

/// Whose sessions and calls are counted together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Account {
    Address(std::net::IpAddr),
    Principal(Principal),
}

/// No two are written alike: a principal has its kind in front.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address:{address}"),
            Self::Principal(principal) => principal.fmt(f),
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
}

pub(super) fn invalid_token() -> Error {
    Error::unauthorized(Some("invalid_token"), "the token is not valid")
}

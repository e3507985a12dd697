//! Who is calling: a service's token, or nobody.
//!
//! A wrong or expired token is 401, never `anonymous`. The token is looked up by its SHA-256, so that neither the
//! gateway's memory nor a comparison's timing gives it away.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::gate::error::Error;
use crate::name::{Caller, Principal};
use crate::snapshot::Snapshot;
use crate::snapshot::access::Rights;

/// A caller, known, with what its roles give it in one generation.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) caller: Caller,
    pub(super) rights: Rights,
    /// SHA-256 of the token that it came with.
    token: Option<[u8; 32]>,
    expires: Option<Date>,
}

/// All callers that this generation knows by a static secret, and the one it knows by none.
pub(super) struct Identities {
    services: HashMap<[u8; 32], Arc<Identity>>,
    anonymous: Arc<Identity>,
}

impl Identities {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut services = HashMap::new();
        for (name, service) in &snapshot.services {
            let caller = Caller {
                principal: Principal::Service(name.clone()),
                groups: service.groups.clone(),
            };
            let rights = Rights::of(snapshot, &caller);
            for token in &service.token_sha256 {
                let known = Identity {
                    caller: caller.clone(),
                    rights: rights.clone(),
                    token: Some(*token),
                    expires: service.expires,
                };
                services.insert(*token, Arc::new(known));
            }
        }
        let caller = Caller::anonymous();
        let anonymous = Identity {
            rights: Rights::of(snapshot, &caller),
            caller,
            token: None,
            expires: None,
        };
        Self {
            services,
            anonymous: Arc::new(anonymous),
        }
    }

    /// The same caller in this generation, where its proof still counts.
    pub(super) fn again(&self, identity: &Identity) -> Option<Arc<Identity>> {
        match identity.token {
            None => Some(Arc::clone(&self.anonymous)),
            Some(token) => self
                .services
                .get(&token)
                .filter(|now| now.caller.principal == identity.caller.principal && !now.is_expired())
                .cloned(),
        }
    }

    /// Reads `Authorization`; without it the caller is anonymous.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Result<Arc<Identity>, Error> {
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
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        match self.services.get(&hash) {
            Some(identity) if !identity.is_expired() => Ok(Arc::clone(identity)),
            Some(identity) => {
                Err(invalid_token().with_detail(format!("the token of {} has expired", identity.caller.principal)))
            }
            None => Err(invalid_token()),
        }
    }
}

impl Identity {
    pub(super) fn is_anonymous(&self) -> bool {
        self.caller.principal == Principal::Anonymous
    }

    /// Under which key limits count: `anonymous` counts per client address.
    pub(super) fn account(&self, peer: SocketAddr) -> Account {
        match &self.caller.principal {
            Principal::Anonymous => Account::Address(peer.ip()),
            known => Account::Principal(known.clone()),
        }
    }

    /// The clock is asked only where a date is set.
    fn is_expired(&self) -> bool {
        self.expires
            .is_some_and(|last| jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date() > last)
    }
}

/// Whose sessions and calls are counted together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Account {
    Address(std::net::IpAddr),
    Principal(Principal),
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
}

fn invalid_token() -> Error {
    Error::unauthorized(Some("invalid_token"), "the token is not valid")
}

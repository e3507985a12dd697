//! A server that is reached with several credentials: for each owner an upstream of its own.
//!
//! Connections, sessions, processes, catalogue and health of one owner are in that owner's upstream and nowhere else, so no
//! key can be forgotten that would mix two. Where an account changes, its upstream is replaced by a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::fetch::{Policy, Reach, roots_with};
use crate::name::Principal;
use crate::snapshot::{Auth, Credentials as Kind, OAuthGrant, Transport as Table};
use crate::upstream::catalogue::CatalogueState;
use crate::upstream::credentials::{Credentials, Holder, Owner, Terms};
use crate::upstream::settings::{Context, Settings};
use crate::upstream::{HealthStatus, Status, Upstream};

/// Owners whose upstreams are kept; beyond, the longest idle one ends.
const MAX: usize = 10_000;
/// An owner's upstream that nobody asked for so long ends.
const IDLE: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(super) struct Family {
    context: Context,
    /// One owner for all callers: shared OAuth.
    shared: bool,
    terms: Option<Terms>,
    members: Mutex<HashMap<Owner, Arc<Upstream>>>,
}

/// What `status` shows of the owners.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Accounts {
    /// Used within the last hour.
    pub in_use: usize,
    /// Of those: with nothing to send.
    pub not_connected: usize,
}

impl Family {
    /// `None`: what is sent stands in the table, or nothing is.
    pub(super) fn of(settings: &Settings, context: &Context) -> Option<Self> {
        let auth = settings.server.auth.as_ref().map(|auth| &auth.auth)?;
        let shared = match (settings.server.credentials, auth) {
            (Kind::None, _) | (Kind::Shared, Auth::Bearer { .. }) => return None,
            (Kind::Shared, Auth::OAuth(_)) => true,
            (Kind::Personal, _) => false,
        };
        Some(Self {
            context: context.clone(),
            shared,
            terms: settings.terms(context),
            members: Mutex::default(),
        })
    }

    pub(super) fn members(&self) -> Vec<Arc<Upstream>> {
        self.map().values().cloned().collect()
    }

    pub(super) fn take_all(&self) -> Vec<Arc<Upstream>> {
        self.map().drain().map(|(_, member)| member).collect()
    }

    /// Ends what nobody has asked for in an hour.
    pub(super) fn sweep(&self) {
        self.map()
            .retain(|_, member| Arc::strong_count(member) > 1 || (member.unused_for() < IDLE && !member.is_replaced()));
    }

    fn owner(&self, principal: &Principal) -> Option<Owner> {
        if self.shared {
            Some(Owner::Shared)
        } else {
            Owner::of(principal)
        }
    }

    /// The credential of an owner; `None`: it can have none here.
    fn holder(&self, settings: &Settings, owner: &Owner) -> Option<Arc<Holder>> {
        if let Owner::Service(name) = owner {
            let token = settings.services.get(name)?;
            return Some(Holder::fixed(&settings.name, owner.clone(), token.clone()));
        }
        let credentials = self.context.credentials.as_ref()?;
        Some(Holder::kept(settings, owner.clone(), credentials, self.terms.clone()))
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Owner, Arc<Upstream>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream {
    /// Who serves this caller: this upstream, or that of the credential's owner. `None`: a caller that can have none, such as
    /// `anonymous` at a server with personal credentials, does not see the server.
    pub fn of(self: &Arc<Self>, principal: &Principal) -> Option<Arc<Self>> {
        let Some(family) = &self.family else {
            return Some(Arc::clone(self));
        };
        let owner = family.owner(principal)?;
        if let Some(member) = family.map().get(&owner).filter(|member| !member.is_replaced()) {
            member.touch();
            return Some(Arc::clone(member));
        }
        let holder = family.holder(&self.core.settings, &owner)?;
        let parent = Arc::downgrade(self);
        let made = Self::begin(self.core.settings.clone(), &family.context, None, parent, Some(holder));
        let made = made
            .inspect_err(|error| tracing::error!(%error, %owner, "an account cannot be used"))
            .ok()?;
        let mut members = family.map();
        if let Some(member) = members.get(&owner).filter(|member| !member.is_replaced()) {
            return Some(Arc::clone(member));
        }
        if members.len() >= MAX {
            let longest = members.iter().max_by_key(|(_, member)| member.unused_for());
            if let Some(owner) = longest.map(|(owner, _)| owner.clone()) {
                members.remove(&owner);
            }
        }
        members.insert(owner, Arc::clone(&made));
        drop(members);
        Some(made)
    }

    /// Of a server with one account for everybody: asks what it lists, from the start and again after each change of the account.
    pub fn look_anew(self: &Arc<Self>) {
        if self.family.as_ref().is_some_and(|family| family.shared) {
            let _same_for_all = self.of(&Principal::Anonymous);
        }
    }

    pub(super) fn everybodys(&self) -> Option<Arc<Self>> {
        let family = self.family.as_ref().filter(|family| family.shared)?;
        family.map().get(&Owner::Shared).cloned()
    }

    /// Where the credentials of its owners are kept.
    pub fn credentials(&self) -> Option<&Arc<Credentials>> {
        self.family.as_ref()?.context.credentials.as_ref()
    }

    /// What its table says about its authorization, where it is by OAuth and persons take part.
    pub fn terms(&self) -> Option<&Terms> {
        self.family.as_ref()?.terms.as_ref()
    }

    /// Does it serve each owner of a credential apart?
    pub fn is_several(&self) -> bool {
        self.family.is_some()
    }

    /// Its owner connected another account, or none is connected any more.
    pub fn is_replaced(&self) -> bool {
        self.core.credential.as_ref().is_some_and(|holder| holder.has_ended())
    }

    /// Whose account is missing or dead, or may not even list, as far as is known; `None`: none is.
    pub fn lacks_account(&self) -> Option<&Owner> {
        let holder = self.core.credential.as_ref()?;
        let may_not_list = || holder.wants_more() && self.catalogue().state != CatalogueState::Ready;
        (holder.is_connected() == Some(false) || may_not_list()).then(|| holder.owner())
    }

    pub(super) fn touch(self: &Arc<Self>) {
        let slept = self.unused_for();
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let looks_again =
            self.lacks_account().is_some() && self.core.credential.as_ref().is_some_and(|holder| holder.is_stale());
        if slept >= super::keeper::ASLEEP || looks_again {
            self.core.suspect();
        }
    }

    pub(super) fn unused_for(&self) -> Duration {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    pub(super) fn is_member(&self) -> bool {
        self.core.credential.is_some()
    }

    pub(super) fn status_of_family(&self, family: &Family) -> Status {
        let members = family.members();
        let all: Vec<Status> = members.iter().map(|member| member.status()).collect();
        let not_connected = members.iter().filter(|member| member.lacks_account().is_some()).count();
        let worst = all
            .iter()
            .map(|status| &status.health)
            .max_by_key(|health| health.failures_in_a_row);
        let catalogue = if family.shared {
            all.first().map(|status| status.catalogue.clone())
        } else {
            None
        };
        Status {
            server: self.name().to_string(),
            transport: match &self.core.settings.server.transport {
                Table::Http { .. } => "http",
                Table::Stdio { .. } => "stdio",
            },
            version: all.iter().find_map(|status| status.version),
            health: worst.cloned().unwrap_or_else(|| self.core.health.status()) as HealthStatus,
            processes: all.iter().map(|status| status.processes).max().unwrap_or(0),
            sessions: all.iter().map(|status| status.sessions).sum(),
            calls_in_flight: all.iter().map(|status| status.calls_in_flight).sum(),
            catalogue: catalogue.unwrap_or_else(|| self.catalogue().status()),
            dropped_messages: all.iter().map(|status| status.dropped_messages).sum(),
            accounts: Some(Accounts {
                in_use: members.len(),
                not_connected,
            }),
            held_back: all
                .into_iter()
                .flat_map(|status| status.held_back)
                .take(1_000)
                .collect(),
        }
    }

    /// Has it been listed once, or failed to be?
    pub fn was_listed(&self) -> bool {
        self.catalogue().state != CatalogueState::NotYet
    }
}

impl Settings {
    /// Scheme, host and port of the server; `None`: a command. A credential is for one place.
    pub fn place(&self) -> Option<String> {
        match &self.server.transport {
            Table::Http { url, .. } => crate::oauth::origin(url),
            Table::Stdio { .. } => None,
        }
    }

    /// What its table says about its authorization.
    pub fn terms(&self, context: &Context) -> Option<Terms> {
        let Auth::OAuth(table) = &self.server.auth.as_ref()?.auth else {
            return None;
        };
        let policy = match &self.server.transport {
            Table::Http {
                url,
                allow_private_network,
                ..
            } => Policy {
                roots: self
                    .ca
                    .as_deref()
                    .and_then(|ca| roots_with(ca, &context.roots).ok())
                    .map(Arc::new),
                redirects: 0,
                ..Policy::reaching(Reach::of(url, *allow_private_network))
            },
            Table::Stdio { .. } => Policy::reaching(
                table
                    .token_url
                    .as_deref()
                    .map_or(Reach::Public, |url| Reach::of(url, false)),
            ),
        };
        Some(Terms {
            server: self.name.clone(),
            url: match &self.server.transport {
                Table::Http { url, .. } => Some(url.as_str().into()),
                Table::Stdio { .. } => None,
            },
            table: table.clone(),
            client_secret: self.client_secret.clone(),
            policy,
        })
    }

    /// Does a person have to authorize it in the browser?
    pub fn needs_person(&self) -> bool {
        match (
            self.server.credentials,
            self.server.auth.as_ref().map(|auth| &auth.auth),
        ) {
            (Kind::Personal, _) => true,
            (Kind::Shared, Some(Auth::OAuth(table))) => table.grant == OAuthGrant::AuthorizationCode,
            _ => false,
        }
    }
}

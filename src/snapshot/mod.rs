//! The Snapshot: everything that the files say, checked and resolved, without places, spans or I/O.
//!
//! `compile` makes it, `gate`, `plan` and `explain` read it, nobody changes it. It holds secret *references*, never
//! values. Two equal configurations have equal Snapshots, whatever the order of their files, except where order
//! decides (the servers of an endpoint, the rules of a role).

pub mod access;
mod endpoint;
mod gateway;
mod people;
mod permanent;
mod role;
mod secret;
mod server;
mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

pub use endpoint::{Endpoint, Exposure, Globs, Limits, Selection, ToolNames, ToolOverride};
pub use gateway::{
    Audit, AuditFailure, AuditPayloads, Control, ControlRight, ControlToken, Gateway, GatewayLimits, LogFormat, Store,
    Telemetry, Tls,
};
pub use people::{Group, Issuer, Jwks, Login, Oidc, Service, User};
pub use permanent::permanent;
pub use role::{ArgumentPointer, Condition, Effect, Hint, Operator, Role, Rule, RuleId, Scalar, Segment};
pub use secret::{SecretRef, SettingValue};
pub use server::{Auth, Credentials, Home, Isolation, OAuthClient, OAuthGrant, Server, ServerAuth, Transport};
pub use subject::Subject;

use crate::lock::Lock;
use crate::name::{
    EndpointName, GroupName, IssuerName, PiiName, Principal, RoleName, ServerName, ServiceName, UserName,
};

/// One whole, valid configuration. The default is that of an empty file: it serves nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Snapshot {
    pub gateway: Gateway,
    pub servers: BTreeMap<ServerName, Arc<Server>>,
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
    pub login: Option<Login>,
    pub users: BTreeMap<UserName, User>,
    pub services: BTreeMap<ServiceName, Service>,
    pub issuers: BTreeMap<IssuerName, Issuer>,
    pub groups: BTreeMap<GroupName, Group>,
    pub roles: BTreeMap<RoleName, Role>,
    pub pii: BTreeMap<PiiName, Pii>,
    /// Recorded definitions; a server that has an entry is pinned.
    pub locks: BTreeMap<ServerName, Arc<Lock>>,
}

impl Snapshot {
    /// The filter of what passes between clients of `endpoint` and `server`: the server's, else the endpoint's, else the gateway's.
    /// Without a server: of what the endpoint itself answers.
    pub fn filter(&self, endpoint: &EndpointName, server: Option<&ServerName>) -> Option<&PiiName> {
        let own = server.and_then(|server| self.servers.get(server)?.pii.as_ref());
        let endpoint = self.endpoints.get(endpoint).and_then(|endpoint| endpoint.pii.as_ref());
        own.or(match endpoint {
            Some(named) => named.as_ref(),
            None => self.gateway.pii.as_ref(),
        })
    }

    /// Does each caller need a credential of its own for this server?
    pub fn is_personal(&self, server: &ServerName) -> bool {
        let table = self.servers.get(server);
        table.is_some_and(|table| table.credentials == Credentials::Personal)
    }

    /// The groups that the caller's own table names. People need no table: the identity provider knows them.
    pub fn declared_groups(&self, principal: &Principal) -> BTreeSet<Arc<str>> {
        let groups = match principal {
            Principal::Anonymous => None,
            Principal::Service(name) => self.services.get(name).map(|service| &service.groups),
            Principal::User(name) => self.users.get(&**name).map(|user| &user.groups),
        };
        groups.cloned().unwrap_or_default()
    }

    /// Public files that tables name: certificates, authorities, key sets. They travel with the configuration.
    pub fn public_files(&self) -> BTreeSet<PathBuf> {
        let control = self.gateway.control.as_ref().and_then(|control| control.tls.as_ref());
        let certificates = self.gateway.tls.iter().chain(control).map(|tls| tls.cert.clone());
        let authorities = self.servers.values().filter_map(|server| match &server.transport {
            Transport::Http { ca, .. } => ca.clone(),
            Transport::Stdio { .. } => None,
        });
        let key_sets = self.issuers.values().filter_map(|issuer| match &issuer.jwks {
            Jwks::File(path) => Some(path.clone()),
            Jwks::Discovered | Jwks::Url(_) => None,
        });
        certificates.chain(authorities).chain(key_sets).collect()
    }
}

/// `[pii.NAME]`: what is redacted, per direction.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pii {
    pub requests: Vec<String>,
    pub responses: Vec<String>,
    pub keep: BTreeMap<String, Vec<String>>,
    /// `mode = "token"`.
    pub reversible: bool,
    pub restore_to: Vec<ServerName>,
    pub custom: BTreeMap<PiiName, PiiCustom>,
}

/// `[pii.NAME.custom.NAME]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PiiCustom {
    /// A regular expression that compiled.
    pub pattern: String,
    pub placeholder: String,
    pub luhn: bool,
}

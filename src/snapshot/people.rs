//! Who: `[login]`, `[user.NAME]`, `[service.NAME]`, `[issuer.NAME]`, `[group.NAME]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::SecretRef;
use crate::name::{Member, ServerName};

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Login {
    /// May `[user.*]` accounts sign in? Without `oidc` they may.
    pub local: bool,
    pub oidc: Option<Oidc>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<SecretRef>,
    pub scopes: Vec<String>,
    pub user_claim: String,
    pub trust_email: bool,
    pub groups_claim: Option<String>,
    pub require_claims: BTreeMap<String, Vec<String>>,
    pub recheck: Duration,
    pub recheck_without_refresh: Duration,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    pub password_hash: String,
    pub groups: BTreeSet<Arc<str>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// SHA-256 of the token; two while rotating.
    pub token_sha256: Vec<[u8; 32]>,
    pub groups: BTreeSet<Arc<str>>,
    /// The last day (UTC) on which the token counts.
    pub expires: Option<Date>,
    pub credentials: BTreeMap<ServerName, SecretRef>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    pub url: String,
    pub audience: String,
    pub jwks: Jwks,
    pub user_claim: String,
    pub groups_claim: Option<String>,
    /// Before its users and groups; empty merges them with the others.
    pub prefix: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Jwks {
    Discovered,
    File(PathBuf),
    Url(String),
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Group {
    pub members: BTreeSet<Member>,
}

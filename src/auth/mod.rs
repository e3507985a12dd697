//! The authorization server: who a person is, what they let a client do, and the tokens that say so.
//!
//! In come whole HTTP requests for the paths of [`Route`], and access tokens that the gate wants to know about; out go whole
//! answers, and [`Access`]. What is remembered stands in `store::Records`: a [`Grant`] is one record that a person gave
//! one client for one endpoint, and every token of it ends with it. Nothing here reads a configuration: a [`World`] is
//! the generation that answers.
//!
//! The way of a client: 401 → metadata → `/register` (or its own document) → `/authorize` → `/sign-in` → `/consent` → `/token` → the
//! gate, which asks for an [`Access`] at every request.

mod account;
mod audit;
mod authorize;
mod browser;
mod client;
mod connect;
mod consent;
mod discovery;
mod form;
mod grant;
mod grants;
mod holds;
mod home;
mod issuers;
mod jwks;
mod jwt;
mod metadata;
pub mod oidc;
mod pages;
mod password;
mod problem;
mod provider;
mod recheck;
mod record;
mod reply;
mod request;
mod revoke;
mod route;
mod secret;
mod server;
mod sessions;
mod sign_in;
mod throttle;
mod token;

pub use browser::{Browser, Person, Source};
pub use connect::{Accounting, Answer, Finished, Way};
pub use grant::{Access, Grant, GrantClient};
pub use holds::{Hold, MAX_REASON};
pub use issuers::{Issuers, Verified};
pub use jwks::Unverified;
pub use metadata::SCOPE;
pub use recheck::pause;
pub use reply::Reply;
pub use request::{Account, AccountState, Accounts, MAX_BODY, Request, ToolLine, World};
pub use route::Route;
pub use secret::ACCESS;
pub use server::{Auth, Refused, Whose};
pub use sessions::LONGEST_SESSION;

use crate::snapshot::Snapshot;

/// May people sign in here at all? Where not, there is no authorization server.
pub fn is_open(snapshot: &Snapshot) -> bool {
    let by_provider = snapshot.login.as_ref().is_some_and(|login| login.oidc.is_some());
    by_provider || (!snapshot.users.is_empty() && browser::local_accounts_count(snapshot))
}

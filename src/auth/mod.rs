//! The authorization server: who a person is, what they let a client do, and the tokens that say so.
//!
//! In come whole HTTP requests for the paths of [`Route`], and access tokens that the gate wants to know about; out go whole
//! answers, and [`Access`]. What is remembered stands in `store::Records`: a [`Grant`] is one record that a person gave
//! one client for one endpoint, and every token of it ends with it. Nothing here reads a configuration: a [`World`] is
//! the generation that answers.
//!
//! The way of a client: 401 → metadata → `/register` (or its own document) → `/authorize` → `/sign-in` → `/consent` → `/token` → the
//! gate, which asks for an [`Access`] at every request.

#![allow(dead_code, reason = "the routes that use it come with the store's records")]

mod browser;
mod discovery;
mod form;
mod grant;
mod issuers;
mod jwks;
mod jwt;
pub mod oidc;
mod reply;
mod request;
mod route;
mod secret;
mod throttle;

pub use browser::{Browser, Person, Source};
pub use grant::{Access, Grant, GrantClient};
pub use issuers::{Issuers, Verified};
pub use jwks::Unverified;
pub use reply::Reply;
pub use request::{Account, AccountState, Accounts, MAX_BODY, Request, ToolLine, World};
pub use route::Route;

//! The one guarded client for documents, keys and tokens that other servers hold: metadata, JWKS, client documents,
//! token endpoints.
//!
//! In comes a URL that a stranger may have chosen, with the [`Policy`] of the table that asks; out comes a small body, or
//! a typed error with one text for the log and one for clients. What always holds: https (http on this machine only), a name
//! is resolved once and the addresses that passed are the ones connected to, every redirect is a new URL that is judged
//! like the first, bytes and time are bounded, nothing compressed is read, no cookie and no proxy variable counts.
//! `upstream` takes its connector from here, so that calls of servers obey the same rules.

mod address;
mod client;
mod connect;
mod error;
mod policy;

#[cfg(test)]
mod tests;

pub use client::{Fetch, max_age};
pub use connect::{Connector, Resolver, connector, roots_with, system_roots, tls};
pub use error::{FetchError, FetchErrorKind};
pub use policy::{Policy, Reach};

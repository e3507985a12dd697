//! The gateway as an OAuth 2.1 client (MCP 2026-07-28, Authorization): discovery, registration, authorization, tokens.
//!
//! Every request goes through the guarded client; nothing that a remote says becomes anything but a URL that is judged,
//! or a text that is stored.

mod authorize;
mod discovery;
mod error;
mod own;
mod register;
mod token;

pub use authorize::Authorization;
pub use error::OAuthError;
pub use register::client_metadata;

pub(super) use authorize::{Flow, ticket};
pub(super) use discovery::discover;
pub(super) use own::own_token;
pub(super) use register::client;
pub(super) use token::{Issue, Tokens, request};

use std::sync::Arc;

use crate::fetch::Policy;
use crate::name::ServerName;
use crate::snapshot::OAuthClient;
use crate::upstream::settings::Secret;

/// All that a server's table says about its authorization.
#[derive(Clone, Debug)]
pub struct Terms {
    pub server: ServerName,
    /// `None`: a command, whose authorization server must stand in the table.
    pub url: Option<Arc<str>>,
    pub table: OAuthClient,
    pub client_secret: Option<Secret>,
    /// How far its fetches reach: as far as the server's own calls.
    pub policy: Policy,
}

impl Terms {
    /// As [`crate::upstream::Settings::place`].
    pub(in crate::upstream) fn place(&self) -> Option<String> {
        crate::oauth::origin(self.url.as_deref()?)
    }
}

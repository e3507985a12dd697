//! Clients: who wants to be let in, by their own word. Registered here (RFC 7591), or described by a document at the URL
//! that is their id (Client ID Metadata Documents).
//!
//! What a client says of itself is never proof: a person sees its name *and* where the answer goes. All clients are public:
//! none has a secret, PKCE and the redirect URI are what binds a code to them.

pub(super) mod document;
pub(super) mod redirect;
pub(super) mod registration;

use serde::{Deserialize, Serialize};

use crate::auth::client::redirect::Redirect;
use crate::auth::grant::GrantClient;
use crate::auth::problem::Problem;
use crate::auth::request::Request;
use crate::auth::server::Auth;
use crate::auth::throttle::neighbourhood;

/// What the id of a registered client begins with.
pub(super) const REGISTERED: &str = "mcpgw_client_";

/// Bytes of an id.
const MAX_ID: usize = 2048;

/// Characters of a name that are kept.
const MAX_NAME: usize = 100;

/// A client that may ask.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Client {
    pub(super) id: String,
    /// Made safe; empty where it has none.
    pub(super) name: String,
    /// Each of them acceptable.
    pub(super) redirect_uris: Vec<String>,
}

impl Client {
    /// The one of its redirect URIs that a request means: exactly the one that it names, ports of loopback excepted; the only
    /// one where it names none.
    pub(super) fn redirect(&self, asked: Option<&str>) -> Option<Redirect> {
        match asked {
            Some(asked) => {
                let known = |known: &String| redirect::matches(known, asked);
                self.redirect_uris
                    .iter()
                    .any(known)
                    .then(|| Redirect::read(asked).ok())?
            }
            None => match &self.redirect_uris[..] {
                [only] => Redirect::read(only).ok(),
                _ => None,
            },
        }
    }

    /// As a grant remembers it.
    pub(super) fn label(&self, redirect: &Redirect) -> GrantClient {
        let host = redirect.host().to_owned();
        GrantClient {
            id: self.id.clone(),
            name: if self.name.is_empty() {
                host.clone()
            } else {
                self.name.clone()
            },
            host,
        }
    }
}

/// A name as it may be shown: safe, on one line, not long.
pub(super) fn shown_name(name: &str) -> String {
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut name: String = crate::text::without_hidden(&name).chars().take(MAX_NAME).collect();
    name.truncate(name.trim_end().len());
    name
}

impl Auth {
    /// The client that says it is `id`. `None`: there is no such client.
    pub(in crate::auth) async fn client(&self, id: &str, request: &Request) -> Result<Option<Client>, Problem> {
        if id.starts_with(REGISTERED) && id.len() <= MAX_ID {
            return self.registered(id).await;
        }
        if !document::is_id(id) {
            return Ok(None);
        }
        if let Some(kept) = self.documents.kept(id) {
            return Ok(Some(kept));
        }
        self.throttles.documents.take(neighbourhood(request.address))?;
        self.documents.read(id, &request.base).await.map(Some)
    }
}

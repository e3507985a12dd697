//! The way of a person through an authorization server and back: RFC 6749 section 4.1, RFC 7636, RFC 9207.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::discovery::Found;
use super::register::callback;
use super::{OAuthError, Terms};
use crate::oauth;
use crate::upstream::credentials::stored::{Client, Hidden, Issued};

/// Where the browser is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authorization {
    pub url: String,
    /// Scheme and host, for a page's `form-action`.
    pub origin: String,
    /// Names what is under way, and opens nothing: see `Credentials::outcome`.
    pub ticket: String,
}

/// What is remembered until the browser comes back; a record that counts once.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::upstream::credentials) struct Flow {
    /// The credential's key.
    pub(in crate::upstream::credentials) credential: String,
    /// Of the browser session that began it; empty: an administrator's, which any browser may end that has the `state`.
    pub(in crate::upstream::credentials) browser: String,
    /// Where the person goes afterwards.
    pub(in crate::upstream::credentials) back: String,
    /// Where the server is.
    pub(in crate::upstream::credentials) at: Option<String>,
    pub(in crate::upstream::credentials) issued: Issued,
    pub(in crate::upstream::credentials) verifier: Hidden,
    pub(in crate::upstream::credentials) callback: String,
    pub(in crate::upstream::credentials) scopes: BTreeSet<String>,
    /// RFC 9207: the server says that its answers name it.
    pub(in crate::upstream::credentials) names_itself: bool,
}

/// A flow, and the URL that begins it.
pub(in crate::upstream::credentials) struct Begun {
    pub(in crate::upstream::credentials) flow: Flow,
    pub(in crate::upstream::credentials) authorization: Authorization,
}

/// Of a `state`: the key of its record, which says nothing of it.
pub(in crate::upstream::credentials) fn ticket(state: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("connect:{state}")))
}

impl Flow {
    #[allow(clippy::too_many_arguments, reason = "each is one fact of the flow, used once")]
    pub(in crate::upstream::credentials) fn begin(
        terms: &Terms,
        found: &Found,
        client: Client,
        base: &str,
        credential: String,
        browser: &str,
        back: &str,
        also: &BTreeSet<String>,
    ) -> Result<Begun, OAuthError> {
        let server = &found.server;
        let endpoint = server.authorization_endpoint.as_deref();
        let endpoint =
            endpoint.ok_or_else(|| OAuthError::Discovery("the authorization server has no page for people".into()))?;
        let issued = found.issued(client)?;
        let mut url = Url::parse(endpoint)
            .ok()
            .filter(|_| oauth::is_safe_page(endpoint))
            .ok_or_else(|| OAuthError::Discovery("the authorization server's page is not https".into()))?;
        let mut scopes = found.scopes(terms);
        scopes.extend(also.iter().cloned());
        // Only where the server lists it: others refuse what they do not know.
        if server.scopes_supported.iter().any(|scope| scope == "offline_access") {
            scopes.insert("offline_access".into());
        }
        let (state, verifier) = (oauth::random()?, oauth::random()?);
        let challenge = oauth::challenge(&verifier);
        let callback = callback(base);
        let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &issued.client.id)
            .append_pair("redirect_uri", &callback)
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if !scope.is_empty() {
            query.append_pair("scope", &scope);
        }
        if scopes.contains("offline_access") {
            // OpenID Connect Core section 11: without it the scope is ignored.
            query.append_pair("prompt", "consent");
        }
        if let Some(resource) = &found.resource {
            query.append_pair("resource", resource);
        }
        drop(query);
        Ok(Begun {
            flow: Self {
                credential,
                browser: browser.to_owned(),
                back: back.to_owned(),
                at: terms.place(),
                issued,
                verifier: Hidden(verifier),
                callback,
                scopes,
                names_itself: server.authorization_response_iss_parameter_supported,
            },
            authorization: Authorization {
                origin: url.origin().ascii_serialization(),
                url: url.into(),
                ticket: ticket(&state),
            },
        })
    }

    /// RFC 9207 section 2.4: compared as it is; a server that names itself must have done so.
    pub(in crate::upstream::credentials) fn check_issuer(&self, iss: Option<&str>) -> Result<(), OAuthError> {
        match iss {
            Some(iss) if iss != self.issued.issuer => Err(OAuthError::Callback(
                "the answer came from another authorization server",
            )),
            None if self.names_itself => Err(OAuthError::Callback(
                "the answer does not say which authorization server it is from",
            )),
            _ => Ok(()),
        }
    }
}

//! From a server's URL to its authorization server: RFC 9728, RFC 8414, OpenID Connect Discovery.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{OAuthError, Terms};
use crate::fetch::{Fetch, FetchError, FetchErrorKind};
use crate::mcp::Version;
use crate::oauth;
use crate::upstream::credentials::challenge::Challenge;
use crate::upstream::credentials::stored::{Client, ClientMethod, Issued};

/// What is known before a person is sent anywhere.
#[derive(Clone, Debug)]
pub(in crate::upstream::credentials) struct Found {
    pub(in crate::upstream::credentials) server: Metadata,
    /// RFC 8707: what the server calls itself, byte for byte.
    pub(in crate::upstream::credentials) resource: Option<String>,
    /// Asked for where the table names none: of the challenge, else of the server's metadata.
    scopes: Vec<String>,
}

/// RFC 8414 section 2; members of no use here are left out.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::upstream::credentials) struct Metadata {
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint: Option<String>,
    #[serde(default)]
    pub(super) registration_endpoint: Option<String>,
    #[serde(default)]
    pub(super) scopes_supported: Vec<String>,
    #[serde(default)]
    pub(super) code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub(super) client_id_metadata_document_supported: bool,
}

/// RFC 9728 section 2.
#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(rename = "resource")]
    name: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

pub(in crate::upstream::credentials) async fn discover(fetch: &Fetch, terms: &Terms) -> Result<Found, OAuthError> {
    let table = &terms.table;
    if let Some(token) = &table.token_url {
        // The table says it all; nobody is asked.
        return Ok(Found {
            server: Metadata {
                issuer: oauth::origin(token).unwrap_or_else(|| token.clone()),
                authorization_endpoint: table.authorize_url.clone(),
                token_endpoint: Some(token.clone()),
                code_challenge_methods_supported: vec!["S256".into()],
                ..Metadata::default()
            },
            resource: terms.url.as_deref().filter(|_| !table.omit_resource).map(str::to_owned),
            scopes: Vec::new(),
        });
    }
    let Some(url) = terms.url.as_deref() else {
        return Err(OAuthError::Discovery(format!(
            "`server.{}.oauth` needs `authorize-url` and `token-url`: a command has no address to ask",
            terms.server
        )));
    };
    let challenge = challenge(fetch, terms, url).await?;
    let resource = resource(fetch, terms, url, &challenge).await?;
    let asked = |list: &[String]| list.iter().filter(|scope| is_scope(scope)).cloned().collect::<Vec<_>>();
    let challenged: Option<Vec<String>> = challenge
        .scope
        .as_deref()
        .map(|scope| scope.split_whitespace().map(str::to_owned).collect());
    let Some(resource) = resource else {
        // MCP 2025-03-26: the authorization server is the server's origin.
        let issuer = oauth::origin(url).ok_or_else(|| OAuthError::Discovery(format!("`{url}` has no origin")))?;
        let server = match metadata(fetch, terms, &issuer).await {
            Ok(server) => server,
            Err(OAuthError::Fetch(error)) if matches!(error.kind, FetchErrorKind::Status(_)) => Metadata {
                authorization_endpoint: Some(format!("{issuer}/authorize")),
                token_endpoint: Some(format!("{issuer}/token")),
                registration_endpoint: Some(format!("{issuer}/register")),
                code_challenge_methods_supported: vec!["S256".into()],
                issuer,
                ..Metadata::default()
            },
            Err(error) => return Err(error),
        };
        return Ok(Found {
            server,
            resource: None,
            scopes: asked(&challenged.unwrap_or_default()),
        });
    };
    let issuer = resource
        .authorization_servers
        .first()
        .ok_or_else(|| OAuthError::Discovery("the server's metadata names no authorization server".into()))?;
    Ok(Found {
        server: metadata(fetch, terms, issuer).await?,
        scopes: asked(&challenged.unwrap_or(resource.scopes_supported)),
        resource: (!table.omit_resource).then_some(resource.name),
    })
}

impl Found {
    /// By whom tokens of this client will be issued.
    pub(in crate::upstream::credentials) fn issued(&self, client: Client) -> Result<Issued, OAuthError> {
        let token_endpoint = self.server.token_endpoint.clone();
        Ok(Issued {
            issuer: self.server.issuer.clone(),
            token_endpoint: token_endpoint
                .ok_or_else(|| OAuthError::Discovery("the authorization server has no token endpoint".into()))?,
            client,
            resource: self.resource.clone(),
        })
    }

    /// Could a person authorize it, as far as can be said before one does?
    pub(in crate::upstream::credentials) fn check(&self, terms: &Terms) -> Result<(), OAuthError> {
        let server = &self.server;
        let lacks = |what: &str| Err(OAuthError::Discovery(format!("the authorization server has no {what}")));
        if !server
            .authorization_endpoint
            .as_deref()
            .is_some_and(oauth::is_safe_page)
        {
            return lacks("page for people over https");
        }
        if server.token_endpoint.is_none() {
            return lacks("token endpoint");
        }
        let registers = server.registration_endpoint.is_some() || server.client_id_metadata_document_supported;
        if terms.table.client_id.is_none() && !registers {
            return lacks(&format!(
                "way to register: register the gateway there, and write its `client-id` into `[server.{}.oauth]`",
                terms.server
            ));
        }
        Ok(())
    }

    /// What is asked for: what the table names, else what was found.
    pub(in crate::upstream::credentials) fn scopes(&self, terms: &Terms) -> BTreeSet<String> {
        let table = &terms.table.scopes;
        let scopes = if table.is_empty() { &self.scopes } else { table };
        scopes.iter().cloned().collect()
    }
}

impl Metadata {
    /// How a client shows its secret. RFC 8414: without a list it is `client_secret_basic`; `None`: in no way that is known here.
    pub(in crate::upstream::credentials) fn method(&self) -> ClientMethod {
        let methods = &self.token_endpoint_auth_methods_supported;
        if methods.is_empty() || self.knows("client_secret_basic") {
            ClientMethod::Basic
        } else if self.knows("client_secret_post") {
            ClientMethod::Post
        } else {
            ClientMethod::None
        }
    }

    /// Does it list this method for clients at its token endpoint?
    pub(super) fn knows(&self, method: &str) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        methods.iter().any(|known| known == method)
    }
}

/// Asks the server without a token, to be told where one is to be had.
///
/// Some let a client greet them and refuse it only where it wants something; some know no greeting.
async fn challenge(fetch: &Fetch, terms: &Terms, url: &str) -> Result<Challenge, OAuthError> {
    let greeting = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": Version::V2025_11_25.as_str(), "capabilities": {}, "clientInfo": {"name": "mcpgw", "version": "1"}}});
    if let Some(challenge) = challenged(fetch, terms, url, &greeting, HeaderMap::new()).await? {
        return Ok(challenge);
    }
    let newest = Version::V2026_07_28.as_str();
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": newest, "io.modelcontextprotocol/clientCapabilities": {}}}});
    let mut headers = HeaderMap::new();
    headers.insert("mcp-protocol-version", HeaderValue::from_static(newest));
    headers.insert("mcp-method", HeaderValue::from_static("tools/list"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    Ok(challenged(fetch, terms, url, &list, headers).await?.unwrap_or_default())
}

/// What it says when it refuses this message; `None`: it does not.
async fn challenged(
    fetch: &Fetch,
    terms: &Terms,
    url: &str,
    message: &serde_json::Value,
    headers: HeaderMap,
) -> Result<Option<Challenge>, OAuthError> {
    let content = HeaderValue::from_static("application/json");
    let body = Bytes::from(message.to_string());
    match fetch.post(url, body, content, headers, &terms.policy).await {
        Ok(answer) => Ok(Challenge::of(answer.status(), answer.headers())),
        // Whatever else it answers, an endless stream too: there is no challenge in it.
        Err(error)
            if !matches!(
                error.kind,
                FetchErrorKind::Address | FetchErrorKind::Private | FetchErrorKind::Unreachable
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The challenge's document, else the well-known one of the path, else that of the root. `None`: there is none.
async fn resource(
    fetch: &Fetch,
    terms: &Terms,
    url: &str,
    challenge: &Challenge,
) -> Result<Option<Resource>, OAuthError> {
    const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
    let origin = oauth::origin(url).ok_or_else(|| OAuthError::Discovery(format!("`{url}` has no origin")))?;
    let path = Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default();
    let path = path.trim_end_matches('/');
    let places = match &challenge.resource_metadata {
        Some(place) => vec![place.clone()],
        None if path.is_empty() => vec![format!("{origin}{WELL_KNOWN}")],
        None => vec![format!("{origin}{WELL_KNOWN}{path}"), format!("{origin}{WELL_KNOWN}")],
    };
    for place in places {
        match fetch.json::<Resource>(&place, &terms.policy).await {
            Ok(resource) if is_of(&resource.name, url) => return Ok(Some(resource)),
            Ok(resource) => {
                return Err(OAuthError::Discovery(format!(
                    "the metadata at `{}` is of `{}`, not of this server",
                    crate::text::safe(&place),
                    crate::text::safe(&resource.name)
                )));
            }
            Err(error) if is_absent(&error) && challenge.resource_metadata.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// The server's own URL, or a path above it at the same origin (RFC 9728 section 3.3, MCP canonical server URI).
fn is_of(resource: &str, url: &str) -> bool {
    let (Ok(resource), Ok(url)) = (Url::parse(resource), Url::parse(url)) else {
        return false;
    };
    let above = resource.path().trim_end_matches('/');
    resource.origin() == url.origin()
        && (url.path().trim_end_matches('/') == above
            || url.path().strip_prefix(above).is_some_and(|rest| rest.starts_with('/')))
}

/// RFC 8414 section 3.1 and OpenID Connect Discovery section 4, in the order of MCP 2026-07-28.
async fn metadata(fetch: &Fetch, terms: &Terms, issuer: &str) -> Result<Metadata, OAuthError> {
    let base = oauth::origin(issuer).ok_or_else(|| OAuthError::Discovery("the issuer is no address".into()))?;
    let path = Url::parse(issuer).map(|url| url.path().to_owned()).unwrap_or_default();
    let path = path.trim_end_matches('/');
    let mut places = vec![
        format!("{base}/.well-known/oauth-authorization-server{path}"),
        format!("{base}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        places.push(format!("{base}{path}/.well-known/openid-configuration"));
    }
    let mut last = None;
    for place in places {
        match fetch.json::<Metadata>(&place, &terms.policy).await {
            // RFC 8414 section 3.3: identical, not merely alike.
            Ok(metadata) if metadata.issuer == issuer => return usable(metadata),
            Ok(metadata) => {
                return Err(OAuthError::Discovery(format!(
                    "the metadata at `{}` says it is of the issuer `{}`",
                    crate::text::safe(&place),
                    crate::text::safe(&metadata.issuer)
                )));
            }
            Err(error) if is_absent(&error) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or_else(|| OAuthError::Discovery("no metadata".into()), OAuthError::Fetch))
}

/// MCP 2026-07-28, Authorization Code Protection: a server that does not say S256 MUST be refused.
fn usable(metadata: Metadata) -> Result<Metadata, OAuthError> {
    let has_s256 = metadata
        .code_challenge_methods_supported
        .iter()
        .any(|method| method == "S256");
    if metadata.authorization_endpoint.is_some() && !has_s256 {
        return Err(OAuthError::Discovery(
            "the authorization server does not say that it knows PKCE with S256".into(),
        ));
    }
    Ok(metadata)
}

fn is_absent(error: &FetchError) -> bool {
    matches!(error.kind, FetchErrorKind::NotJson | FetchErrorKind::Redirect)
        || matches!(error.kind, FetchErrorKind::Status(status) if StatusCode::from_u16(status).is_ok_and(|status| status.is_client_error()))
}

/// RFC 6749 section 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_another_server_is_none_of_ours() {
        assert!(is_of("https://a.example/mcp", "https://a.example/mcp"));
        assert!(is_of("https://a.example/", "https://a.example/mcp"));
        assert!(is_of("https://a.example", "https://a.example/mcp"));
        for other in [
            "https://b.example/mcp",
            "https://a.example/mc",
            "https://a.example/other",
            "http://a.example/mcp",
            "x",
        ] {
            assert!(!is_of(other, "https://a.example/mcp"), "{other}");
        }
    }
}

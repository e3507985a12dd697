//! Who the gateway is to an authorization server: given in the table, by its own document (CIMD), or registered (RFC 7591).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::json;

use super::discovery::Metadata;
use super::{OAuthError, Terms};
use crate::fetch::Fetch;
use crate::store::{Expect, Kind, Records};
use crate::upstream::credentials::stored::{Client, ClientMethod, Hidden};

/// Where our document is, below the public URL.
const DOCUMENT: &str = "/client-metadata.json";

/// A registration that is kept: for one issuer and one callback.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Registered {
    issuer: String,
    callback: String,
    client: Client,
}

#[derive(Deserialize)]
struct Answer {
    client_id: String,
    #[serde(default)]
    client_secret: Option<String>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
}

/// What this gateway is as a client: the document at `/client-metadata.json`. `base` is the public URL.
pub fn client_metadata(base: &str) -> serde_json::Value {
    let mut document = described(base, "none");
    document["client_id"] = format!("{base}{DOCUMENT}").into();
    document
}

/// RFC 7591 section 2.
fn described(base: &str, method: &str) -> serde_json::Value {
    json!({
        "client_name": "mcpgw",
        "client_uri": base,
        "redirect_uris": [callback(base)],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        // MCP 2026-07-28: `native` where the browser comes back to this very machine.
        "application_type": if base.starts_with("https://") { "web" } else { "native" },
    })
}

pub(super) fn callback(base: &str) -> String {
    format!("{base}/connect/callback")
}

pub(in crate::upstream::credentials) async fn client(
    fetch: &Fetch,
    records: &dyn Records,
    terms: &Terms,
    server: &Metadata,
    base: &str,
) -> Result<Client, OAuthError> {
    if let Some(id) = &terms.table.client_id {
        let secret = terms
            .client_secret
            .as_ref()
            .map(|secret| Hidden(secret.expose().to_owned()));
        return Ok(Client {
            id: id.clone(),
            method: if secret.is_some() {
                server.method()
            } else {
                ClientMethod::None
            },
            secret,
        });
    }
    // A client id is fetched by the other side: it must be https.
    if server.client_id_metadata_document_supported && base.starts_with("https://") {
        return Ok(Client {
            id: format!("{base}{DOCUMENT}"),
            secret: None,
            method: ClientMethod::None,
        });
    }
    register(fetch, records, terms, server, base).await
}

/// A registration is used again by everybody who connects to the server; with another issuer it is made anew.
async fn register(
    fetch: &Fetch,
    records: &dyn Records,
    terms: &Terms,
    server: &Metadata,
    base: &str,
) -> Result<Client, OAuthError> {
    let key = format!("{}/client", terms.server);
    if let Some(record) = records.find(Kind::Credential, &key).await?
        && let Ok(known) = serde_json::from_slice::<Registered>(&record.value)
        && known.issuer == server.issuer
        && known.callback == callback(base)
    {
        return Ok(known.client);
    }
    let endpoint = server.registration_endpoint.as_deref().ok_or_else(|| {
        OAuthError::Discovery(format!(
            "the authorization server registers no clients by itself: register one there with the redirect URI `{}`, and write its `client-id` into `[server.{}.oauth]`",
            callback(base),
            terms.server
        ))
    })?;
    let wanted = match server.method() {
        _ if server.knows("none") => "none",
        ClientMethod::Basic => "client_secret_basic",
        ClientMethod::Post => "client_secret_post",
        ClientMethod::None => "none",
    };
    let mut body = described(base, wanted);
    if !terms.table.scopes.is_empty() {
        body["scope"] = terms.table.scopes.join(" ").into();
    }
    let content = HeaderValue::from_static("application/json");
    let answer = fetch
        .post(
            endpoint,
            Bytes::from(body.to_string()),
            content,
            HeaderMap::new(),
            &terms.policy,
        )
        .await?;
    if !answer.status().is_success() {
        return Err(super::token::refusal(answer.status(), answer.body()));
    }
    let answer: Answer = serde_json::from_slice(answer.body())
        .map_err(|error| OAuthError::Discovery(format!("the registration's answer cannot be read: {error}")))?;
    let method = match answer.token_endpoint_auth_method.as_deref().unwrap_or(wanted) {
        "client_secret_post" => ClientMethod::Post,
        "client_secret_basic" => ClientMethod::Basic,
        _ => ClientMethod::None,
    };
    let client = Client {
        id: answer.client_id,
        secret: answer.client_secret.map(Hidden),
        method,
    };
    let kept = Registered {
        issuer: server.issuer.clone(),
        callback: callback(base),
        client: client.clone(),
    };
    let value = serde_json::to_vec(&kept).unwrap_or_default();
    records.put(Kind::Credential, &key, Expect::Any, &value, None).await?;
    Ok(client)
}

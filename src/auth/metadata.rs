//! What clients look up first: RFC 8414 about this authorization server, RFC 9728 about each endpoint.
//!
//! The answer for an endpoint that does not exist is that of one that does: denials do not tell an outsider what there is.

use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::auth::is_open;
use crate::auth::problem::Problem;
use crate::auth::reply::{self, Reply};
use crate::name::EndpointName;
use crate::snapshot::Snapshot;

/// The one scope there is: to use the endpoint as its person may. What that is, roles say.
pub const SCOPE: &str = "mcp";
/// Asked for by clients that want refresh tokens; every client gets them.
pub(super) const OFFLINE: &str = "offline_access";

/// RFC 8414, with `iss` in answers (RFC 9207) and Client ID Metadata Documents.
pub(super) fn server(base: &str) -> Reply {
    let body = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"),
        "revocation_endpoint": format!("{base}/revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
        "scopes_supported": [SCOPE, OFFLINE],
    });
    public(&body)
}

/// RFC 9728 section 2. Without an endpoint: of the gateway as a whole.
pub(super) fn resource(snapshot: &Snapshot, base: &str, endpoint: Option<&str>) -> Result<Reply, Problem> {
    let resource = match endpoint {
        None => base.to_owned(),
        Some(name) => {
            let name = EndpointName::new(name).map_err(|_| Problem::not_found())?;
            format!("{base}/mcp/{name}")
        }
    };
    let own = is_open(snapshot).then(|| base.to_owned());
    let others = snapshot.issuers.values().map(|issuer| issuer.url.clone());
    let servers: Vec<String> = own.into_iter().chain(others).collect();
    Ok(public(&json!({
        "resource": resource,
        "authorization_servers": servers,
        "scopes_supported": [SCOPE],
        "bearer_methods_supported": ["header"],
    })))
}

/// The endpoint that a `resource` means (RFC 8707). None, or the gateway as a whole, is the only one there is, for clients of
/// 2025-03-26, which know no `resource`.
pub(super) fn endpoint(snapshot: &Snapshot, base: &str, resource: Option<&str>) -> Option<EndpointName> {
    let rest = match resource {
        None => "",
        Some(resource) => resource.strip_prefix(base)?.trim_end_matches('/'),
    };
    if rest.is_empty() {
        let mut names = snapshot.endpoints.keys();
        return match (names.next(), names.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        };
    }
    EndpointName::new(rest.strip_prefix("/mcp/")?).ok()
}

fn public(body: &serde_json::Value) -> Reply {
    let mut reply = reply::json(StatusCode::OK, body);
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    reply
}

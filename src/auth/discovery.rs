//! What an authorization server or identity provider says of itself (RFC 8414, OpenID Connect Discovery 1.0).
//!
//! In comes the issuer's URL as the configuration has it, out come the addresses to use. The document must say the very same
//! issuer, byte for byte, or it counts for nothing.

use http::Uri;
use serde::Deserialize;

use crate::fetch::{Fetch, FetchErrorKind, Policy, Reach};

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) jwks_uri: String,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) token_endpoint: Option<String>,
    pub(super) userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 9207: then every answer must have `iss`.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// Reads the first document that is there: the one of OpenID Connect, then that of OAuth.
pub(super) async fn discover(fetch: &Fetch, issuer: &str) -> Result<Metadata, String> {
    let mut problems = Vec::new();
    for url in documents(issuer) {
        let policy = policy(&url, issuer);
        match fetch.json::<Metadata>(&url, &policy).await {
            Ok(metadata) if metadata.issuer == issuer => return Ok(metadata),
            Ok(metadata) => {
                return Err(format!(
                    "{url} is of the issuer `{}`, not of `{issuer}`: the two must be the same, to the last slash",
                    crate::text::safe(&metadata.issuer)
                ));
            }
            Err(error) => {
                let is_absent = matches!(error.kind, FetchErrorKind::Status(404 | 405 | 403 | 401));
                problems.push(error.to_string());
                if !is_absent {
                    break;
                }
            }
        }
    }
    Err(problems.join("; "))
}

/// What is fetched for `issuer`: the host that the configuration names may stand anywhere, also in a private network, since
/// the operator wrote it there. Where its documents lead elsewhere, that must be public.
pub(super) fn policy(url: &str, issuer: &str) -> Policy {
    let host = |url: &str| Some(url.parse::<Uri>().ok()?.authority()?.host().to_ascii_lowercase());
    let is_own = host(url).is_some_and(|own| Some(own) == host(issuer));
    Policy::reaching(Reach::of(url, is_own))
}

fn documents(issuer: &str) -> Vec<String> {
    let base = issuer.trim_end_matches('/');
    let mut documents = vec![format!("{base}/.well-known/openid-configuration")];
    // RFC 8414 section 3.1 puts the well-known part before the issuer's path.
    if let Some((scheme, rest)) = base.split_once("://") {
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        documents.push(format!(
            "{scheme}://{host}/.well-known/oauth-authorization-server{path}"
        ));
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_document_are_looked_for() {
        assert_eq!(
            documents("https://idp.example.com/"),
            [
                "https://idp.example.com/.well-known/openid-configuration",
                "https://idp.example.com/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(
            documents("https://idp.example.com/realms/a"),
            [
                "https://idp.example.com/realms/a/.well-known/openid-configuration",
                "https://idp.example.com/.well-known/oauth-authorization-server/realms/a",
            ]
        );
    }

    #[test]
    fn only_the_host_that_the_operator_wrote_may_be_private() {
        let issuer = "https://idp.corp.internal/realms/a";
        assert_eq!(policy("https://IDP.corp.internal/jwks", issuer).reach, Reach::Private);
        assert_eq!(policy("https://keys.corp.internal/jwks", issuer).reach, Reach::Public);
        assert_eq!(
            policy("https://evil.example/idp.corp.internal", issuer).reach,
            Reach::Public
        );
    }
}

//! The token endpoint: RFC 6749 sections 4.1.3, 4.4 and 6, RFC 8707.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::OAuthError;
use crate::fetch::{Fetch, Policy};
use crate::oauth;
use crate::upstream::credentials::stored::{ClientMethod, Hidden, Issued};

/// What a token is asked for with.
#[derive(Clone, Copy)]
pub(in crate::upstream::credentials) enum Issue<'a> {
    ClientCredentials,
    Code {
        code: &'a str,
        verifier: &'a str,
        callback: &'a str,
    },
    Refresh(&'a Hidden),
}

/// RFC 6749 section 5.1.
#[derive(Debug)]
pub(in crate::upstream::credentials) struct Tokens {
    pub(in crate::upstream::credentials) access: Hidden,
    pub(in crate::upstream::credentials) refresh: Option<Hidden>,
    pub(in crate::upstream::credentials) lives: Option<Duration>,
    pub(in crate::upstream::credentials) scope: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<f64>,
    #[serde(default)]
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

pub(in crate::upstream::credentials) async fn request(
    fetch: &Fetch,
    policy: &Policy,
    issued: &Issued,
    issue: Issue<'_>,
    scopes: &str,
) -> Result<Tokens, OAuthError> {
    let mut fields: Vec<(&str, &str)> = match issue {
        Issue::ClientCredentials => vec![("grant_type", "client_credentials")],
        Issue::Code {
            code,
            verifier,
            callback,
        } => vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", callback),
        ],
        Issue::Refresh(token) => vec![("grant_type", "refresh_token"), ("refresh_token", &token.0)],
    };
    if !scopes.is_empty() && matches!(issue, Issue::ClientCredentials) {
        fields.push(("scope", scopes));
    }
    if let Some(resource) = &issued.resource {
        fields.push(("resource", resource));
    }
    let client = &issued.client;
    let mut headers = HeaderMap::new();
    match (&client.secret, client.method) {
        (Some(secret), ClientMethod::Basic) => {
            let basic = oauth::basic(&client.id, &secret.0);
            let basic =
                basic.ok_or_else(|| OAuthError::Discovery("`client-secret` cannot stand in a header".into()))?;
            headers.insert(AUTHORIZATION, basic);
        }
        (Some(secret), ClientMethod::Post) => {
            fields.extend([("client_id", client.id.as_str()), ("client_secret", secret.0.as_str())]);
        }
        _ => fields.push(("client_id", &client.id)),
    }
    let answer = fetch.form(&issued.token_endpoint, &fields, headers, policy).await?;
    if answer.status() != StatusCode::OK {
        return Err(refusal(answer.status(), answer.body()));
    }
    let answer: Answer = serde_json::from_slice(answer.body())
        .map_err(|_| OAuthError::Discovery("the token endpoint's answer cannot be read".into()))?;
    let kind = answer.token_type.as_deref().unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(OAuthError::Discovery(format!(
            "the token is of the type `{}`, which the gateway cannot send",
            crate::text::safe(kind)
        )));
    }
    Ok(Tokens {
        access: Hidden(answer.access_token),
        refresh: answer.refresh_token.map(Hidden),
        lives: answer
            .expires_in
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map(|lives| lives.min(Duration::from_secs(10 * 365 * 86_400))),
        scope: answer.scope,
    })
}

pub(super) fn refusal(status: StatusCode, body: &[u8]) -> OAuthError {
    let safe = |text: &str| crate::text::safe(&text.chars().take(200).collect::<String>()).into_owned();
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => OAuthError::Refused {
            code: safe(&refusal.error),
            text: safe(&refusal.error_description),
        },
        Err(_) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => OAuthError::Refused {
            code: "temporarily_unavailable".into(),
            text: format!("HTTP {status}"),
        },
        Err(_) => OAuthError::Refused {
            code: "invalid_request".into(),
            text: format!("HTTP {status}"),
        },
    }
}

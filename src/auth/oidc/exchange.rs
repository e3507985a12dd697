//! The provider's token and userinfo endpoints: what a code or a refresh token is exchanged for.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::discovery::{Metadata, policy};
use crate::auth::jwks::Unverified;
use crate::auth::jwt::{self, Claims, Expected, Token, Use};
use crate::auth::oidc::{NotSignedIn, Pending, Provider, SignedIn, lacks, refused};
use crate::oauth;
use crate::snapshot::Snapshot;

/// What the provider says when it is asked again.
#[derive(Clone, Debug)]
pub enum Again {
    /// The person is who they were, with these groups.
    Same(SignedIn),
    /// The provider says no, or the person does not fit any more what the configuration asks.
    Gone(String),
    /// Nothing can be said now.
    Unknown(String),
}

#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(rename = "access_token")]
    access: String,
    /// Required at sign-in; providers may leave it out of a refresh (OpenID Connect Core 12.2).
    #[serde(rename = "id_token")]
    id: Option<String>,
    #[serde(rename = "refresh_token")]
    refresh: Option<String>,
}

/// RFC 6749 section 5.2.
#[derive(Deserialize)]
struct Failure {
    error: String,
}

impl Provider {
    pub(super) async fn exchange_code(
        &self,
        metadata: &Metadata,
        code: &str,
        pending: &Pending,
    ) -> Result<Tokens, NotSignedIn> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", &pending.verifier),
        ];
        match self.ask_for_tokens(metadata, &fields).await {
            Ok(tokens) => Ok(tokens),
            Err(Denied::No(error)) => Err(refused(
                "The identity provider did not sign you in. Please try again.",
                format!("the token endpoint answers `{error}`"),
            )),
            Err(Denied::Unknown(problem)) => Err(NotSignedIn::Unavailable(problem)),
        }
    }

    /// Asks by the refresh token of a sign-in: is the account still there, and in which groups? `subject` is who it must be.
    /// A provider that cannot be asked has not said no.
    pub async fn ask_again(&self, snapshot: &Snapshot, refresh_token: &str, subject: &str) -> Again {
        let metadata = match self.metadata().await {
            Ok(metadata) => metadata,
            Err(NotSignedIn::Unavailable(problem) | NotSignedIn::Refused { detail: problem, .. }) => {
                return Again::Unknown(problem);
            }
        };
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let mut tokens = match self.ask_for_tokens(&metadata, &fields).await {
            Ok(tokens) => tokens,
            Err(Denied::No(error)) => return Again::Gone(format!("the token endpoint answers `{error}`")),
            Err(Denied::Unknown(problem)) => return Again::Unknown(problem),
        };
        // Without a new one the old one goes on (RFC 6749 section 6).
        tokens.refresh.get_or_insert_with(|| refresh_token.to_owned());
        match self.signed_in(snapshot, &metadata, &tokens, None, Some(subject)).await {
            Ok(person) => Again::Same(person),
            Err(NotSignedIn::Refused { detail, .. }) => Again::Gone(detail),
            Err(NotSignedIn::Unavailable(problem)) => Again::Unknown(problem),
        }
    }

    /// `nonce`: of a sign-in; `subject`: of a refresh.
    pub(super) async fn signed_in(
        &self,
        snapshot: &Snapshot,
        metadata: &Metadata,
        tokens: &Tokens,
        nonce: Option<&str>,
        subject: Option<&str>,
    ) -> Result<SignedIn, NotSignedIn> {
        let mut claims = match (&tokens.id, subject) {
            (Some(token), _) => self.id_token(token, nonce).await?,
            (None, Some(subject)) => {
                let told = self.userinfo(metadata, &tokens.access).await?;
                Claims::told(told, subject).map_err(|refusal| {
                    refused("The identity provider answered for somebody else.", refusal.to_string())
                })?
            }
            (None, None) => return Err(NotSignedIn::Unavailable("the provider sends no `id_token`".to_owned())),
        };
        if subject.is_some_and(|subject| claims.text("sub") != Some(subject)) {
            return Err(refused(
                "The identity provider answered for somebody else.",
                "`sub` has changed",
            ));
        }
        if tokens.id.is_some() && self.lacks_claims(&claims) && metadata.userinfo_endpoint.is_some() {
            let told = self.userinfo(metadata, &tokens.access).await?;
            // Core 5.3.2: of another `sub`, nothing in it may be used.
            if told.get("sub").and_then(Value::as_str) != claims.text("sub") {
                return Err(refused(
                    "The identity provider answered for somebody else.",
                    "`sub` of the userinfo endpoint is not that of the ID token",
                ));
            }
            claims.fill(told);
        }
        SignedIn::of(&self.table, snapshot, &claims, tokens.refresh.clone())
    }

    async fn id_token(&self, text: &str, nonce: Option<&str>) -> Result<Claims, NotSignedIn> {
        let wrong = |why: String| {
            let detail = format!("the ID token does not count: {why}");
            refused(
                "The identity provider's answer is not valid. Please sign in again.",
                detail,
            )
        };
        let token = Token::read(text).map_err(|refusal| wrong(refusal.to_string()))?;
        let expected = Expected {
            issuer: &self.table.issuer,
            audience: &self.table.client_id,
            used_as: Use::Id,
        };
        let now = jiff::Timestamp::now();
        let checked = self.keys.check(|keys| jwt::verify(&token, keys, &expected, now)).await;
        let claims = checked.map_err(|unverified| match unverified {
            Unverified::Refused(why) => wrong(why),
            Unverified::Unavailable(why) => NotSignedIn::Unavailable(why),
        })?;
        // Core 3.1.3.7: the nonce that was sent, and nobody else as the authorized party.
        if nonce.is_some_and(|nonce| claims.text("nonce") != Some(nonce)) {
            return Err(wrong("`nonce` is not the one that was sent".to_owned()));
        }
        if claims.has("azp") && claims.text("azp") != Some(&self.table.client_id) {
            return Err(wrong("`azp` is another client".to_owned()));
        }
        Ok(claims)
    }

    /// Does the configuration look at something that the ID token does not say?
    fn lacks_claims(&self, claims: &Claims) -> bool {
        let table = &self.table;
        let verified = (table.user_claim == "email" && !table.trust_email).then_some("email_verified");
        let mut looked_at = [Some(table.user_claim.as_str()), table.groups_claim.as_deref(), verified]
            .into_iter()
            .flatten()
            .chain(table.require_claims.keys().map(String::as_str));
        looked_at.any(|claim| !claims.has(claim))
    }

    async fn userinfo(&self, metadata: &Metadata, access_token: &str) -> Result<Map<String, Value>, NotSignedIn> {
        let unavailable = |why: String| NotSignedIn::Unavailable(format!("the userinfo endpoint: {why}"));
        let url = metadata
            .userinfo_endpoint
            .as_deref()
            .ok_or_else(|| lacks("userinfo_endpoint"))?;
        let bearer = HeaderValue::try_from(format!("Bearer {access_token}"));
        let mut bearer = bearer.map_err(|_| unavailable("the access token cannot be sent".to_owned()))?;
        bearer.set_sensitive(true);
        let request = Request::get(url)
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|error| unavailable(error.to_string()))?;
        let answer = self.fetch.exchange(request, &policy(url, &self.table.issuer)).await;
        let answer = answer.map_err(|error| unavailable(error.to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(unavailable(format!("it answers {}", answer.status())));
        }
        serde_json::from_slice(answer.body()).map_err(|_| unavailable("it answers no JSON object".to_owned()))
    }

    async fn ask_for_tokens(&self, metadata: &Metadata, fields: &[(&str, &str)]) -> Result<Tokens, Denied> {
        let unknown = |why: String| Denied::Unknown(format!("the token endpoint: {why}"));
        let url = metadata.token_endpoint.as_deref();
        let url = url.ok_or_else(|| Denied::Unknown("the provider's metadata has no token_endpoint".to_owned()))?;
        let mut fields = fields.to_vec();
        let mut headers = HeaderMap::new();
        let id = self.table.client_id.as_str();
        match &self.secret {
            None => fields.push(("client_id", id)),
            Some(secret) if sends_basic(metadata) => {
                let basic = oauth::basic(id, &secret.0);
                let basic = basic.ok_or_else(|| unknown("the secret cannot be sent".to_owned()))?;
                headers.insert(AUTHORIZATION, basic);
            }
            Some(secret) => fields.extend([("client_id", id), ("client_secret", &secret.0)]),
        }
        let answer = self
            .fetch
            .form(url, &fields, headers, &policy(url, &self.table.issuer))
            .await;
        read(&answer.map_err(|error| unknown(error.to_string()))?)
    }
}

enum Denied {
    /// By the token endpoint, with this `error`.
    No(String),
    Unknown(String),
}

fn read(answer: &Response<Bytes>) -> Result<Tokens, Denied> {
    let unknown = |why: String| Err(Denied::Unknown(format!("the token endpoint: {why}")));
    if answer.status() == StatusCode::OK {
        return serde_json::from_slice(answer.body()).or_else(|_| unknown("it answers no tokens".to_owned()));
    }
    match serde_json::from_slice::<Failure>(answer.body()) {
        // These are about the token or the code; the others are about us, and no reason to end anybody's grants.
        Ok(failure)
            if matches!(
                failure.error.as_str(),
                "invalid_grant" | "access_denied" | "interaction_required"
            ) =>
        {
            Err(Denied::No(failure.error))
        }
        Ok(failure) => unknown(format!("it answers `{}`", crate::text::safe(&failure.error))),
        Err(_) => unknown(format!("it answers {}", answer.status())),
    }
}

/// The default of RFC 8414 and OpenID Connect; a provider that lists other methods gets the secret in the form.
fn sends_basic(metadata: &Metadata) -> bool {
    let methods = &metadata.token_endpoint_auth_methods_supported;
    methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic")
}

//! `/token`: a code or a refresh token becomes tokens (OAuth 2.1 sections 4.1.3 and 4.3).
//!
//! A code counts once, for the client, redirect URI and PKCE verifier that it was made for; who comes with a spent one ends the
//! grant. A refresh token counts once too, but for one answer that was lost; a stolen one ends the grant.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use crate::auth::consent::{Code, Promise};
use crate::auth::form::Form;
use crate::auth::grant::{Grant, Refresh, Tokens};
use crate::auth::metadata::{self, SCOPE};
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::reply::{self, Reply};
use crate::auth::request::{Request, World};
use crate::auth::secret::{self, Hash};
use crate::auth::server::{Auth, form};
use crate::auth::throttle::neighbourhood;
use crate::auth::{audit, grants};
use crate::name::EndpointName;
use crate::store::{Expect, Kind};

/// How long a spent code is remembered.
const SPENT: Duration = Duration::from_secs(10 * 60);

pub(super) async fn exchange(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    auth.throttles.tokens.take(neighbourhood(request.address))?;
    let form = form(request)?;
    let client = client_id(&form, &request.parts.headers)?;
    let (tokens, scope) = match form.find("grant_type") {
        Some("authorization_code") => by_code(auth, world, request, &form, client).await?,
        Some("refresh_token") => by_refresh(auth, world, request, &form, client).await?,
        _ => {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "`grant_type` must be `authorization_code` or `refresh_token`",
            ));
        }
    };
    let body = json!({
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": tokens.lives.as_secs(),
        "refresh_token": tokens.refresh,
        "scope": scope,
    });
    Ok(reply::json(StatusCode::OK, &body))
}

/// Clients here have no secret: they only say who they are.
pub(super) fn client_id<'a>(form: &'a Form, headers: &HeaderMap) -> Result<&'a str, Problem> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_client",
            "clients of this gateway have no secret: send `client_id` in the form, and no `Authorization`",
        ));
    }
    form.find("client_id")
        .ok_or_else(|| Problem::request("`client_id` is missing"))
}

async fn by_code(
    auth: &Auth,
    world: &dyn World,
    request: &Request,
    form: &Form,
    client: &str,
) -> Result<(Tokens, String), Problem> {
    let code = form.find("code").ok_or_else(|| Problem::request("`code` is missing"))?;
    let key = Hash::of(code).key();
    let found = auth.records.find(Kind::Code, &key).await?;
    let found = found.ok_or_else(|| Problem::grant("there is no such code"))?;
    let read: Code = record::read(&found, "a code")?;
    let promise = match read {
        Code::Fresh(promise) => promise,
        Code::Spent { grant } => return Err(replayed(auth, world, &grant).await?),
    };
    let now = Timestamp::now();
    let checked = check(world, request, form, client, &promise, now).and_then(|endpoint| {
        let admitted = auth.admits(world, &promise.person);
        let refused = || Problem::grant("the person may not sign in any more");
        admitted.then_some(endpoint).ok_or_else(refused)
    });
    let endpoint = match checked {
        Ok(endpoint) => endpoint,
        Err(problem) => {
            // Whoever tried it knew the code and not what it is bound to: it is worth nothing any more.
            auth.records.remove(Kind::Code, &key, Expect::Any).await?;
            return Err(problem);
        }
    };
    let (grant, tokens) = Grant::new(
        &promise.person,
        promise.client.clone(),
        &endpoint,
        Duration::from_secs(promise.lives),
        now,
    )?;
    audit::before(world, audit::grant("grant", &grant, &grant.user)).await?;
    // The grant is there before the code is spent: of two who come at once, the slower one finds it and ends it.
    auth.grants.create(&grant).await?;
    let spent = Code::Spent {
        grant: grant.id.clone(),
    };
    let value = record::written(&spent)?;
    let put = auth.records.put(
        Kind::Code,
        &key,
        Expect::Version(found.version),
        &value,
        Some(now + SPENT),
    );
    if put.await?.is_none() {
        auth.grants.remove(&grant.id).await?;
        if let Some(record) = auth.records.find(Kind::Code, &key).await?
            && let Ok(Code::Spent { grant }) = serde_json::from_slice(&record.value)
        {
            return Err(replayed(auth, world, &grant).await?);
        }
        return Err(Problem::grant("the code was used by two at once"));
    }
    Ok((tokens, promise.scope))
}

fn check(
    world: &dyn World,
    request: &Request,
    form: &Form,
    client: &str,
    promise: &Promise,
    now: Timestamp,
) -> Result<EndpointName, Problem> {
    if promise.until <= now {
        return Err(Problem::grant("the code has expired"));
    }
    if promise.client.id != client {
        return Err(Problem::grant("the code is another client's"));
    }
    if form.find("redirect_uri").is_some_and(|uri| uri != promise.redirect_uri) {
        return Err(Problem::grant("the redirect URI is not the one of the request"));
    }
    let verifier = form
        .find("code_verifier")
        .ok_or_else(|| Problem::grant("`code_verifier` is missing"))?;
    if !secret::pkce_matches(verifier, &promise.challenge) {
        return Err(Problem::grant("the PKCE verifier does not fit"));
    }
    target(world, request, form, &promise.endpoint)?;
    EndpointName::new(&promise.endpoint).map_err(|_| Problem::grant("the endpoint is gone"))
}

/// RFC 8707 section 2.2: the same endpoint as in the request, where it is named again.
fn target(world: &dyn World, request: &Request, form: &Form, endpoint: &str) -> Result<(), Problem> {
    let Some(resource) = form.find("resource") else {
        return Ok(());
    };
    let named = metadata::endpoint(world.snapshot(), &request.base, Some(resource));
    if named.is_some_and(|named| named.as_str() == endpoint) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_target",
        "`resource` is not the endpoint that was consented to",
    ))
}

/// OAuth 2.1 section 4.1.3: all tokens of a code that comes twice are revoked.
async fn replayed(auth: &Auth, world: &dyn World, grant: &str) -> Result<Problem, Problem> {
    if let Some(grant) = auth.grants.find(grant).await? {
        auth.grants.remove(&grant.id).await?;
        tracing::warn!(grant = grant.id, "a code came twice: its grant is revoked");
        audit::after(world, audit::grant("code-reused", &grant, "gateway")).await;
    }
    Ok(Problem::grant("the code was used before"))
}

async fn by_refresh(
    auth: &Auth,
    world: &dyn World,
    request: &Request,
    form: &Form,
    client: &str,
) -> Result<(Tokens, String), Problem> {
    let text = form
        .find("refresh_token")
        .ok_or_else(|| Problem::request("`refresh_token` is missing"))?;
    let token = secret::read(secret::REFRESH, text).ok_or_else(|| Problem::grant("it is no refresh token"))?;
    let arrived = auth
        .grants
        .known(token.grant)
        .is_some_and(|known: std::sync::Arc<grants::Known>| known.has_arrived());
    let snapshot = world.snapshot();
    let mut reused = None;
    let rotated = auth.grants.change(token.grant, |grant| {
        if grant.client.id != client {
            return Err(Problem::grant("the refresh token is another client's"));
        }
        let now = Timestamp::now();
        let end = grant.end(snapshot).filter(|end| *end > now);
        let end = end.ok_or_else(|| Problem::grant("the grant has ended"))?;
        let caller = grant.caller(snapshot);
        if caller.is_none_or(|caller| world.is_held(&caller)) {
            return Err(Problem::grant("the person may not sign in any more"));
        }
        target(world, request, form, &grant.endpoint)?;
        match grant.judge(&token.hash, arrived, now) {
            judged @ (Refresh::Current | Refresh::LostAnswer) => Ok(grant.rotate(judged, end, now)?),
            Refresh::Reused => {
                reused = Some(grant.clone());
                Err(Problem::grant("the refresh token was used before"))
            }
            Refresh::Unknown => Err(Problem::grant("there is no such refresh token")),
        }
    });
    let rotated = rotated.await;
    if let Some(grant) = reused {
        auth.grants.remove(&grant.id).await?;
        tracing::warn!(
            grant = grant.id,
            user = %grant.user,
            "a refresh token was used twice: somebody else may have it, its grant is revoked"
        );
        audit::after(world, audit::grant("refresh-reused", &grant, "gateway")).await;
    }
    let tokens = rotated?.ok_or_else(|| Problem::grant("its grant is revoked, or has ended"))?;
    Ok((tokens, SCOPE.to_owned()))
}

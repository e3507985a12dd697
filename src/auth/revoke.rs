//! `/revoke` (RFC 7009): a client gives up what it was given. Either token ends the whole grant.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::auth::audit;
use crate::auth::problem::Problem;
use crate::auth::reply::Reply;
use crate::auth::request::{Request, World};
use crate::auth::secret;
use crate::auth::server::{Auth, form};
use crate::auth::throttle::neighbourhood;
use crate::auth::token::client_id;

/// Section 2.2: 200 also for a token that there is not.
pub(super) async fn revoke(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    auth.throttles.tokens.take(neighbourhood(request.address))?;
    let form = form(request)?;
    let client = client_id(&form, &request.parts.headers)?;
    let text = form
        .find("token")
        .ok_or_else(|| Problem::request("`token` is missing"))?;
    let token = secret::read(secret::ACCESS, text).or_else(|| secret::read(secret::REFRESH, text));
    if let Some(token) = token
        && let Some(grant) = auth.grants.find(token.grant).await?
        && grant.client.id == client
        && grant.has_token(&token.hash)
        && auth.grants.remove(&grant.id).await?
    {
        audit::after(world, audit::grant("grant-revoked", &grant, "client")).await;
    }
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::OK;
    Ok(reply)
}

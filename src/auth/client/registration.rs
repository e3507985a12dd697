//! `/register`: dynamic client registration (RFC 7591), for clients that have no document of their own.
//!
//! Anybody may register, so it is bounded: by address, by all together, in size, and in time: a client that nobody let in is
//! forgotten after an hour.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::auth::client::redirect::Redirect;
use crate::auth::client::{Client, REGISTERED, shown_name};
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::reply::{self, Reply};
use crate::auth::request::Request;
use crate::auth::server::Auth;
use crate::auth::throttle::neighbourhood;
use crate::oauth;
use crate::store::{Expect, Kind};

const MAX_REDIRECTS: usize = 10;

/// A client that nobody has let in.
const UNUSED: Duration = Duration::from_secs(60 * 60);

/// A client that somebody has let in: longer than any grant, so that it need not register again to ask again.
pub(in crate::auth) const USED: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What of a registration counts here; the rest is left as RFC 7591 section 2 allows.
#[derive(Deserialize)]
struct Wanted {
    redirect_uris: Vec<String>,
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    grant_types: Option<Vec<String>>,
    #[serde(default)]
    response_types: Option<Vec<String>>,
}

pub(in crate::auth) async fn register(auth: &Auth, request: &Request) -> Result<Reply, Problem> {
    auth.throttles.registrations.take(neighbourhood(request.address))?;
    auth.throttles.all_registrations.take(())?;
    let wanted: Wanted = serde_json::from_slice(&request.body)
        .map_err(|error| metadata("send a JSON object with `redirect_uris`").with_detail(error.to_string()))?;
    let client = Client {
        id: format!("{REGISTERED}{}", oauth::random()?),
        name: shown_name(wanted.client_name.as_deref().unwrap_or_default()),
        redirect_uris: checked(wanted.redirect_uris)?,
    };
    let supported = |asked: &Option<Vec<String>>, needed: &str| {
        asked
            .as_ref()
            .is_none_or(|types| types.iter().any(|word| word == needed))
    };
    if !supported(&wanted.grant_types, "authorization_code") || !supported(&wanted.response_types, "code") {
        return Err(metadata(
            "only `authorization_code` with the response type `code` is supported",
        ));
    }
    let now = Timestamp::now();
    auth.keep_client(&client, Expect::Absent, now + UNUSED).await?;
    let answer = json!({
        "client_id": client.id,
        "client_id_issued_at": now.as_second(),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        // Whatever was asked for: clients here have no secret.
        "token_endpoint_auth_method": "none",
    });
    Ok(reply::json(StatusCode::CREATED, &answer))
}

fn checked(uris: Vec<String>) -> Result<Vec<String>, Problem> {
    if uris.is_empty() || uris.len() > MAX_REDIRECTS {
        return Err(redirect(&format!(
            "register between 1 and {MAX_REDIRECTS} redirect URIs"
        )));
    }
    for uri in &uris {
        Redirect::read(uri).map_err(redirect)?;
    }
    Ok(uris)
}

fn redirect(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_redirect_uri", why)
}

fn metadata(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_client_metadata", why)
}

impl Auth {
    /// The client of this id. `None`: it has never registered, or is forgotten.
    pub(in crate::auth) async fn registered(&self, id: &str) -> Result<Option<Client>, Problem> {
        let found = self.records.find(Kind::Client, id).await?;
        found.map(|found| record::read(&found, "a client")).transpose()
    }

    pub(in crate::auth) async fn keep_client(
        &self,
        client: &Client,
        expect: Expect,
        until: Timestamp,
    ) -> Result<(), Problem> {
        let value = record::written(client)?;
        self.records
            .put(Kind::Client, &client.id, expect, &value, Some(until))
            .await?;
        Ok(())
    }
}

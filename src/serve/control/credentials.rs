//! The administrator's authorization of a server that everybody reaches with one account: begun here, ended in a browser.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::audit::Line;
use crate::name::ServerName;
use crate::serve::control::Refused;
use crate::serve::live::Live;
use crate::text::safe;
use crate::upstream::Owner;
use crate::upstream::credentials::Outcome;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Authorize {
    server: String,
}

/// Where the administrator's browser has to go, and the ticket by which the outcome is asked for.
pub(super) async fn authorize(live: &Live, asked: &Authorize, by: &str) -> Result<Value, Refused> {
    let generation = live.gate.generation();
    let snapshot = &generation.snapshot;
    let shown = safe(&asked.server);
    let name = ServerName::new(&asked.server).ok();
    let found = name.and_then(|name| Some((generation.upstreams.get(&name)?, snapshot.servers.get(&name)?)));
    let Some((upstream, table)) = found else {
        return Err((StatusCode::NOT_FOUND, format!("there is no server `{shown}`")));
    };
    let (Some(credentials), Some(terms), true) = (
        upstream.credentials(),
        upstream.terms(),
        table.waits_for_administrator(),
    ) else {
        let why = format!(
            "the server `{shown}` needs no authorization by an administrator: that is for `credentials = \"shared\"` with `auth = \"oauth\"`"
        );
        return Err((StatusCode::CONFLICT, why));
    };
    let base = &snapshot.gateway.public_url;
    let begun = credentials.begin(terms, &Owner::Shared, base, "", "").await;
    let begun = begun.map_err(|error| (StatusCode::BAD_GATEWAY, safe(&error.to_string()).into_owned()))?;
    let entry = Line::new("credential-authorizing", Timestamp::now())
        .text("server", upstream.name().as_str())
        .text("owner", "shared")
        .text("by", by);
    let _told = generation.recording.log().write(entry).await;
    tracing::info!(server = %upstream.name(), by, "a shared account is being authorized");
    Ok(json!({
        "format-version": 1,
        "server": upstream.name().as_str(),
        "url": begun.url,
        "ticket": begun.ticket,
    }))
}

/// How far that is.
pub(super) async fn outcome(live: &Live, ticket: &str) -> Result<Value, Refused> {
    let Some(credentials) = &live.credentials else {
        return Ok(told("unknown", None));
    };
    let outcome = credentials.outcome(ticket).await;
    let outcome = outcome.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(match outcome {
        Outcome::Waiting => told("waiting", None),
        Outcome::Connected => told("authorized", None),
        Outcome::Failed(why) => told("failed", Some(&why)),
        Outcome::Unknown => told("unknown", None),
    })
}

fn told(outcome: &str, reason: Option<&str>) -> Value {
    json!({ "format-version": 1, "outcome": outcome, "reason": reason })
}

//! Whose credentials for servers are kept: shown with `read`, forgotten with `hold`. The credentials themselves are never shown.

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
use crate::upstream::credentials::{Credentials, Listed, Standing};

/// Those of one server: of everybody, or of one person.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Forget {
    server: String,
    #[serde(default)]
    user: Option<String>,
}

pub(super) async fn list(live: &Live) -> Result<Value, Refused> {
    let listed = all(live).await?;
    let snapshot = &live.gate.generation().snapshot;
    let shown = listed.iter().map(|listed| {
        let standing = match listed.standing {
            Standing::Connected => "connected",
            Standing::Expired => "expired",
            Standing::Missing => "missing",
        };
        json!({
            "server": listed.server.as_str(),
            "owner": listed.owner.to_string(),
            "standing": standing,
            // Null for a pasted token.
            "issuer": listed.issuer,
            "since": listed.since.to_string(),
            // False: the configuration has the server no more.
            "served": snapshot.servers.contains_key(&listed.server),
        })
    });
    Ok(json!({ "format-version": 1, "credentials": shown.collect::<Vec<_>>() }))
}

/// Whose were forgotten. What cannot be forgotten stops it: who asked must know.
pub(super) async fn forget(live: &Live, asked: &Forget, by: &str) -> Result<Value, Refused> {
    let unknown = || {
        let why = format!(
            "there is no server `{}`, and nothing is kept for one",
            safe(&asked.server)
        );
        (StatusCode::NOT_FOUND, why)
    };
    let server = ServerName::new(&asked.server).map_err(|_| unknown())?;
    let mine: Vec<Listed> = all(live)
        .await?
        .into_iter()
        .filter(|listed| listed.server == server)
        .collect();
    let generation = live.gate.generation();
    if mine.is_empty() && !generation.snapshot.servers.contains_key(&server) {
        return Err(unknown());
    }
    let is_asked = |owner: &Owner| match (&asked.user, owner) {
        (None, _) => true,
        (Some(name), Owner::User(user)) => **user == *name.as_str(),
        (Some(_), Owner::Shared | Owner::Service(_)) => false,
    };
    let credentials = credentials(live)?;
    let mut forgotten = Vec::new();
    for listed in mine.iter().filter(|listed| is_asked(&listed.owner)) {
        let removed = credentials.forget(&server, Some(&listed.owner)).await;
        if removed.map_err(|error| unavailable(&error))? > 0 {
            let entry = Line::new("credential-forgotten", Timestamp::now())
                .text("server", server.as_str())
                .text("owner", &safe(&listed.owner.to_string()))
                .text("by", by);
            // What takes away is done, whether it can be recorded or not; the log is loud about it.
            let _told = generation.recording.log().write(entry).await;
            forgotten.push(listed.owner.to_string());
        }
    }
    if asked.user.is_none() {
        // What cannot be read, and the gateway's own registration.
        let rest = credentials.forget(&server, None).await;
        rest.map_err(|error| unavailable(&error))?;
    }
    tracing::info!(%server, by, forgotten = forgotten.len(), "credentials were forgotten");
    Ok(json!({ "format-version": 1, "server": server.as_str(), "forgotten": forgotten }))
}

async fn all(live: &Live) -> Result<Vec<Listed>, Refused> {
    let listed = credentials(live)?.list().await;
    listed.map_err(|error| unavailable(&error))
}

fn credentials(live: &Live) -> Result<&Credentials, Refused> {
    let why = || "this gateway keeps no credentials".to_owned();
    live.credentials
        .as_deref()
        .ok_or_else(|| (StatusCode::SERVICE_UNAVAILABLE, why()))
}

fn unavailable(error: &impl std::fmt::Display) -> Refused {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

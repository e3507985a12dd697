//! What is taken away at once: shown with `read`, held and released with `hold`.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::{Hold, MAX_REASON};
use crate::name::{Principal, Target};
use crate::serve::live::Live;
use crate::snapshot::{Snapshot, permanent};
use crate::text::safe;

/// `POST /v1/hold`, `POST /v1/release`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct What {
    what: String,
    #[serde(default)]
    reason: Option<String>,
}

type Refused = (StatusCode, String);

pub(in crate::serve) fn list(live: &Live) -> Value {
    let snapshot = &live.gate.generation().snapshot;
    let holds = live.gate.auth().holds();
    holds.iter().map(|hold| shown(hold, snapshot)).collect()
}

pub(super) async fn hold(live: &Live, asked: &What, by: &str) -> Result<Value, Refused> {
    let target = target(asked)?;
    let reason = asked
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.len() > MAX_REASON) {
        let why = format!("a reason has at most {MAX_REASON} bytes");
        return Err((StatusCode::BAD_REQUEST, why));
    }
    let generation = live.gate.generation();
    let held = live.gate.auth().hold(&*generation, &target, reason, by).await;
    live.gate.follow_holds();
    let ended = held.map_err(|why| unavailable(&why))?;
    tracing::warn!(what = &*safe(&target.to_string()), by, "held");
    Ok(json!({
        "format-version": 1,
        "what": target.to_string(),
        "grants-ended": ended,
        // False: nothing of this name is served now. It is held all the same.
        "known": is_known(&generation.snapshot, &target),
        "toml": permanent(&generation.snapshot, &target),
    }))
}

pub(super) async fn release(live: &Live, asked: &What, by: &str) -> Result<Value, Refused> {
    let target = target(asked)?;
    let generation = live.gate.generation();
    let released = live.gate.auth().release(&*generation, &target, by).await;
    live.gate.follow_holds();
    let released = released.map_err(|why| unavailable(&why))?;
    if released {
        tracing::warn!(what = &*safe(&target.to_string()), by, "released");
    }
    Ok(json!({
        "format-version": 1,
        "what": target.to_string(),
        // False: it was not held.
        "released": released,
    }))
}

fn target(asked: &What) -> Result<Target, Refused> {
    Target::parse(&asked.what).ok_or_else(|| {
        let why = format!("`{}` is nothing that can be held", safe(&asked.what));
        (StatusCode::BAD_REQUEST, why)
    })
}

fn unavailable(why: &str) -> Refused {
    (StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
}

fn is_known(snapshot: &Snapshot, target: &Target) -> bool {
    match target {
        Target::Endpoint(name) => snapshot.endpoints.contains_key(name),
        Target::Principal(Principal::Service(name)) => snapshot.services.contains_key(name),
        Target::Server(server) | Target::Tool { server, .. } => snapshot.servers.contains_key(server),
        // Providers and issuers know more people and groups than the files.
        Target::Group(_) | Target::Principal(Principal::Anonymous | Principal::User(_)) => true,
    }
}

fn shown(hold: &Hold, snapshot: &Snapshot) -> Value {
    json!({
        "what": hold.target.to_string(),
        "by": hold.by,
        "reason": hold.reason,
        "since": hold.since.to_string(),
        "toml": permanent(snapshot, &hold.target),
    })
}

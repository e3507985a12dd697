//! What is taken away at once: shown with `read`, held and released with `hold`.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::{Hold, MAX_REASON};
use crate::name::{Member, Principal, Target};
use crate::serve::control::Refused;
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
    let known = is_known(live, &target).await;
    let held = live.gate.auth().hold(&*generation, &target, reason, by).await;
    live.gate.follow_holds();
    let ended = held.map_err(|why| unavailable(&why))?;
    tracing::warn!(what = &*safe(&target.to_string()), by, "held");
    Ok(json!({
        "format-version": 1,
        "what": target.to_string(),
        "grants-ended": ended,
        // False: nothing of this name is served now. It is held all the same.
        "known": known,
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

async fn is_known(live: &Live, target: &Target) -> bool {
    let generation = live.gate.generation();
    let snapshot = &generation.snapshot;
    let members = || {
        let roles = snapshot.roles.values().flat_map(|role| &role.members);
        roles.chain(snapshot.groups.values().flat_map(|group| &group.members))
    };
    match target {
        Target::Endpoint(name) => snapshot.endpoints.contains_key(name),
        Target::Principal(Principal::Anonymous) => true,
        Target::Principal(Principal::Service(name)) => snapshot.services.contains_key(name),
        Target::Server(server) => snapshot.servers.contains_key(server),
        Target::Tool { server, tool } => generation.upstreams.get(server).is_some_and(|upstream| {
            upstream
                .catalogue()
                .tools
                .iter()
                .any(|listed| *listed.item.name == **tool)
        }),
        Target::Group(name) => {
            let is_table = snapshot.groups.keys().any(|table| table.as_str() == &**name);
            let of_user = snapshot.users.values().any(|user| user.groups.contains(name));
            is_table || of_user || members().any(|member| *member == Member::Group(name.clone()))
        }
        Target::Principal(Principal::User(name)) => {
            let is_table = snapshot.users.keys().any(|user| user.as_str() == &**name);
            let is_member = || members().any(|member| *member == Member::User(name.clone()));
            is_table || is_member() || has_grant(live, name).await
        }
    }
}

/// Providers and issuers know more people than the files. Asked before the grants of who is held end.
async fn has_grant(live: &Live, user: &str) -> bool {
    let grants = live.gate.auth().list().await.unwrap_or_default();
    grants.iter().any(|grant| *grant.user == *user)
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

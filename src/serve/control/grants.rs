//! Who let which client in: shown with `read`, ended with `hold`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Grant;
use crate::serve::live::Live;

/// Which grants to end. Of several conditions all must hold; none at all is refused.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    endpoint: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    all: bool,
}

impl Which {
    pub(super) fn is_nothing(&self) -> bool {
        !self.all && self.user.is_none() && self.endpoint.is_none() && self.id.is_none()
    }

    fn is_match(&self, grant: &Grant) -> bool {
        let same = |asked: &Option<String>, own: &str| asked.as_deref().is_none_or(|asked| asked == own);
        same(&self.user, &grant.user) && same(&self.endpoint, &grant.endpoint) && same(&self.id, &grant.id)
    }
}

pub(super) async fn list(live: &Live) -> Result<Value, String> {
    let snapshot = &live.gate.generation().snapshot;
    let grants = live.gate.auth().list().await?;
    let shown: Vec<Value> = grants.iter().map(|grant| shown(grant, snapshot)).collect();
    Ok(json!({ "format-version": 1, "grants": shown }))
}

/// The ids of those that were ended. What cannot be ended stops it: who asked must know.
pub(super) async fn revoke(live: &Live, which: &Which, by: &str) -> Result<Value, String> {
    let generation = live.gate.generation();
    let auth = live.gate.auth();
    let mut revoked = BTreeSet::new();
    for grant in auth.list().await?.iter().filter(|grant| which.is_match(grant)) {
        if auth.end(&*generation, grant, by).await? {
            revoked.insert(grant.id.clone());
        }
    }
    Ok(json!({ "format-version": 1, "revoked": revoked }))
}

fn shown(grant: &Grant, snapshot: &crate::snapshot::Snapshot) -> Value {
    json!({
        "id": grant.id,
        "user": grant.user,
        "client": { "id": grant.client.id, "name": grant.client.name, "host": grant.client.host },
        "endpoint": grant.endpoint,
        "since": grant.since.to_string(),
        // As the configuration has it now; null where its endpoint is gone.
        "until": grant.end(snapshot).map(|end| end.to_string()),
    })
}

//! The end of all sessions of MCP clients that one caller has: whoever would go on with one asks here first.

use jiff::{SignedDuration, Timestamp};

use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::server::Auth;
use crate::name::Principal;
use crate::store::{Expect, Kind};

/// No session is older (`gate::session`).
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

impl Auth {
    /// In milliseconds since 1970: what began until then has ended. `None`: nothing was ended. The error is for the log.
    pub async fn sessions_ended_until(&self, principal: &Principal) -> Result<Option<u64>, String> {
        let found = self.records.find(Kind::ClientSession, &key(principal)).await;
        let Some(record) = found.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let until = record::read(&record, "ended sessions").inspect_err(Problem::log);
        until.map(Some).map_err(|problem| problem.public().to_owned())
    }

    /// Confirmed when this returns. What a gateway has open of them it ends itself.
    pub(super) async fn end_sessions(&self, principal: &Principal) -> Result<(), Problem> {
        let now = Timestamp::now();
        let until = record::written(&u64::try_from(now.as_millisecond()).unwrap_or(0))?;
        let expires = now.checked_add(LONGEST).ok();
        let put = self
            .records
            .put(Kind::ClientSession, &key(principal), Expect::Any, &until, expires);
        put.await?;
        Ok(())
    }
}

/// No session is called so: those have no space in their names.
fn key(principal: &Principal) -> String {
    format!("all of {principal}")
}

//! The end of all sessions of MCP clients that one caller has: whoever would go on with one asks here first.

use std::time::Duration;

use jiff::Timestamp;

use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::server::Auth;
use crate::name::Principal;
use crate::store::{Expect, Kind};

/// A session of an MCP client ends this long after its start, whatever happens.
pub const LONGEST_SESSION: Duration = Duration::from_secs(24 * 60 * 60);

impl Auth {
    /// In milliseconds since 1970: what began until then has ended. `None`: nothing was ended. From memory.
    pub fn sessions_ended_until(&self, principal: &Principal) -> Option<u64> {
        let record = self.held.mirror.find(Kind::SessionsEnd, &principal.to_string())?;
        // What cannot be read ends all there are.
        let until = record::read(&record, "ended sessions").inspect_err(Problem::log);
        Some(until.unwrap_or(u64::MAX))
    }

    /// Confirmed when this returns. What a gateway has open of them it ends itself.
    pub(super) async fn end_sessions(&self, principal: &Principal) -> Result<(), Problem> {
        let now = Timestamp::now();
        let until = record::written(&u64::try_from(now.as_millisecond()).unwrap_or(0))?;
        let (key, expires) = (principal.to_string(), now.checked_add(LONGEST_SESSION).ok());
        let put = self.records.put(Kind::SessionsEnd, &key, Expect::Any, &until, expires);
        put.await?;
        Ok(())
    }
}

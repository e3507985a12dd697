//! What the audit log is told of people and grants. Tokens, codes and passwords never stand in it.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::audit::Line;
use crate::auth::grant::Grant;
use crate::auth::problem::Problem;
use crate::auth::request::World;
use crate::snapshot::AuditFailure;
use crate::text::safe;

/// `outcome` is `ok`, `failed` or `throttled`.
pub(super) fn sign_in(user: &str, source: &str, address: IpAddr, outcome: &str) -> Line {
    Line::new("sign-in", Timestamp::now())
        .text("principal", &format!("user:{}", safe(user)))
        .text("source", &safe(source))
        .text("address", &address.to_string())
        .text("outcome", outcome)
}

/// `event` is `grant`, `grant-refused`, `refresh-reused` or `grant-revoked`; `by` who did it.
pub(super) fn grant(event: &str, grant: &Grant, by: &str) -> Line {
    Line::new(event, Timestamp::now())
        .text("grant", &grant.id)
        .text("principal", &format!("user:{}", safe(&grant.user)))
        .text("endpoint", &grant.endpoint)
        .text("client", &safe(&grant.client.name))
        .text("client-host", &safe(&grant.client.host))
        .text("until", &grant.until.to_string())
        .text("by", by)
}

/// Writes before the act: what cannot be recorded is not done, unless `on-failure = "continue"`.
pub(super) async fn before(world: &dyn World, line: Line) -> Result<(), Problem> {
    let required = world.snapshot().gateway.audit.on_failure == AuditFailure::Refuse;
    match world.log().write(line).await {
        Err(error) if required => Err(Problem::unavailable(format!(
            "the audit log cannot be written: {error}"
        ))),
        Err(_) | Ok(()) => Ok(()),
    }
}

/// Writes after what takes away: that is done whether it can be recorded or not, and the log itself is loud about it.
pub(super) async fn after(world: &dyn World, line: Line) {
    let _told = world.log().write(line).await;
}

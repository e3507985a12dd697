//! What the audit log tells of changes: those that are served from now on, and those that were refused.
//!
//! That a line cannot be written is the log's to tell: a change may be what helps it.

use jiff::Timestamp;

use crate::audit::{Line, Log};
use crate::serve::apply::Outcome;
use crate::store::How;

/// A generation, by number and digest. It stands in the log before the first call that it decides.
pub(super) async fn live(log: &Log, (number, digest): (u64, &str), by: &str, how: How) {
    let line = Line::new("generation", Timestamp::now())
        .number("generation", number)
        .text("digest", digest);
    let _told = log.write(made(line, by, how)).await;
}

/// Files that are not served, and why; nothing where they are. The line names no value: the reason is what findings say.
pub(super) async fn refused(log: &Log, outcome: &Outcome, by: &str, how: How) {
    let reason = match outcome {
        Outcome::Refused(failure) => &failure.summary,
        Outcome::Stale { reason } | Outcome::Unknown { reason } => reason,
        Outcome::Swapped { .. } | Outcome::Unchanged { .. } => return,
    };
    let line = Line::new("change-refused", Timestamp::now())
        .text("outcome", outcome.word())
        .text("reason", reason);
    let _told = log.write(made(line, by, how)).await;
}

fn made(line: Line, by: &str, how: How) -> Line {
    let word = match how {
        How::Apply => "apply",
        How::Files => "files",
        How::Rollback { .. } => "rollback",
        How::Start => "start",
    };
    let line = line.text("by", by).text("how", word);
    match how {
        How::Rollback { to } => line.number("to", to),
        How::Apply | How::Files | How::Start => line,
    }
}

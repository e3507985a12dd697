//! The audit log: what was asked of the gateway and how it ended, as lines of JSON that are chained by their hashes.
//!
//! In come [`Line`]s of the gate and of `serve`; out come files that [`read`] gives back and checks. Who has a line and finds
//! the [`pen`] free writes all that wait with one `write`; `fsync` follows once a second. What [`Written`] confirms stands in the file and survives
//! `kill -9`. No line is changed or taken away but by retention, which says so in a line of its own.

mod chain;
mod files;
mod head;
mod health;
mod keeper;
mod line;
mod log;
mod pen;
pub mod read;
mod sink;
mod tail;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use head::{Head, head};
pub use health::Health;
pub use line::{Line, MAX_PAYLOAD};
pub use log::{CallNumber, Log, Slot, Unwritten, Written};

use crate::snapshot;

/// Where lines go, and for how long they stay there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    pub target: Target,
    /// A file that has reached this many bytes is put aside.
    pub rotate: u64,
    /// A file that was put aside goes once its last line is older than this.
    pub retain: Duration,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// An absolute path.
    File(PathBuf),
    /// Nothing is recorded.
    None,
    Stdout,
}

impl Settings {
    /// `[gateway.audit]`, with relative files in the state directory.
    pub fn new(table: &snapshot::Audit, state: &Path) -> Self {
        Self {
            target: match table.file.as_str() {
                "" => Target::None,
                "-" => Target::Stdout,
                file => Target::File(state.join(file)),
            },
            rotate: table.rotate,
            retain: table.retain,
        }
    }
}

#[cfg(test)]
mod tests;

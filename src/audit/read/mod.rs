//! Reading a log back: its lines, the calls that they tell of, whether the chain is whole.
//!
//! Blocking, and without a gateway: what reads may run while the gateway writes.

mod entry;
mod filter;
mod lines;
mod members;
mod verify;

pub use entry::{Entries, Entry};
pub use filter::{Filter, Status};
pub use members::Members;
pub use verify::{Broken, Report, Verified, verify};

/// Does a gateway write to it now?
pub fn is_live(log: &std::path::Path) -> bool {
    let opened = std::fs::File::open(log);
    opened.is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

//! The process: files become a generation, listeners hand requests to the gate, changes are swapped in, the end drains.
//!
//! `cli` calls [`run`], which returns when the gateway has ended. Everything that can fail does so before the first
//! request is taken; later a change that does not hold is refused whole, and the old generation serves on.

mod connection;
mod control;
mod error;
mod files;
mod follow;
mod listener;
mod live;
mod logging;
mod metrics;
mod running;
mod secrets;
mod signals;
mod start;
mod state;
mod status;
mod survey;
mod tls;
mod watch;
mod world;

pub use error::Error;
pub use start::run;
pub use state::state_directory;
pub use survey::{Listing, Listings, Unlisted, programs, survey};

use std::path::PathBuf;

/// What `mcpgw serve` was told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Read as one configuration; at least one.
    pub paths: Vec<PathBuf>,
    /// `--state`; `None` is the default of [`state_directory`].
    pub state: Option<PathBuf>,
    /// Follow the files; false with `--no-watch`.
    pub watch: bool,
    /// `--locked`: every server must be in the lock.
    pub locked: bool,
    /// May stderr be coloured?
    pub colour: bool,
}

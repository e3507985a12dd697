//! The process: files become a generation, listeners hand requests to the gate, changes are swapped in, the end drains.
//!
//! `cli` calls [`run`], which returns when the gateway has ended. Everything that can fail does so before the first
//! request is taken; later a change that does not hold is refused whole, and the old generation serves on.

#![allow(dead_code, reason = "the gate that uses all this comes next")]

mod connection;
mod error;
mod files;
mod listener;
mod logging;
mod secrets;
mod signals;
mod state;
mod tls;
mod watch;

pub use error::Error;
pub use state::state_directory;

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

/// Runs the gateway until it is told to end.
pub fn run(options: Options) -> Result<(), Error> {
    let directory = state_directory(options.state.as_deref(), &options.paths);
    let (loaded, _watched) = files::load(&options.paths, &directory, options.locked);
    loaded.map_err(|refused| Error::Findings {
        findings: refused.findings,
        sources: refused.sources,
    })?;
    Err(Error::new("this build has no gate yet: it validates, and cannot serve"))
}

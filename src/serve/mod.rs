//! The process: files become a generation, listeners hand requests to the gate, changes are swapped in, the end drains.
//!
//! `cli` calls [`run`], which returns when the gateway has ended. Everything that can fail does so before the first
//! request is taken; later a change that does not hold is refused whole, and the old generation serves on.

mod adopt;
mod agree;
mod apply;
mod carried;
mod changes;
mod connection;
mod control;
mod core_file;
mod error;
mod files;
mod fixed;
mod follow;
mod hosts;
mod listener;
mod live;
mod logging;
mod meter;
mod metrics;
mod preflight;
mod replicas;
mod running;
mod secrets;
mod sessions;
mod signals;
mod start;
mod state;
mod status;
mod survey;
mod take_part;
mod tls;
mod watch;
mod world;

pub use error::Error;
pub use start::run;
pub use state::state_directory;
pub use survey::{Listing, Listings, Unlisted, programs, survey};

use std::net::SocketAddr;
use std::path::PathBuf;

/// What `mcpgw serve` was told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Read as one configuration; none where applies are followed.
    pub paths: Vec<PathBuf>,
    /// `--state`; `None` is the default of [`state_directory`].
    pub state: Option<PathBuf>,
    pub follows: Follows,
    /// `--locked`: every server must be in the lock.
    pub locked: bool,
    /// `--control` with `--control-token-file`: in place of `[gateway.control]`.
    pub control: Option<ControlOption>,
    /// `--redis-env` with `--key-file`: in place of `[gateway.store]`.
    pub store: Option<StoreOption>,
    /// May stderr be coloured?
    pub colour: bool,
}

/// What changes the configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Follows {
    /// Applies alone: it starts with the last one of its store, or with nothing.
    Applies,
    /// The files.
    Files,
    /// It starts from the files; then applies alone.
    Start,
}

#[derive(Clone, Debug)]
pub struct ControlOption {
    pub listen: SocketAddr,
    pub token_file: PathBuf,
}

#[derive(Clone, Debug)]
pub struct StoreOption {
    /// The environment variable with the URL.
    pub redis_env: String,
    pub key_file: PathBuf,
}

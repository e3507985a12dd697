//! `mcpgw`: a gateway for the Model Context Protocol, configured by TOML files in git.
//!
//! Two halves meet in one immutable value, the [`snapshot::Snapshot`]. The control half turns files into it and
//! never sees tokio or hyper; the request half answers clients with it and never sees TOML, spans or files.
//! Modules stand in reading order; who may import whom is held by `tests/it/house.rs`.

// words all share
pub mod name;
pub mod text;

// files become a Snapshot
pub mod compile;
pub mod config;
pub mod diag;
pub mod lint;
pub mod lock;
pub mod plan;
pub mod snapshot;
pub mod test;

// a request walks through the gate
pub mod audit;
pub mod auth;
pub mod fetch;
pub mod gate;
pub mod mcp;
pub mod oauth;
pub mod pii;
pub mod rate;
pub mod telemetry;
pub mod upstream;

// the process, and who talks to it
pub mod cli;
pub mod control;
pub mod serve;
pub mod store;

pub use cli::run;

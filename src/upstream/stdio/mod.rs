//! A server as a child process: one JSON-RPC message a line on its standard streams.

mod command;
mod lines;
mod mux;
mod process;

pub(super) use command::{Command, Crashes};
pub(super) use process::Process;

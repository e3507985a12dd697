//! The command line: clap tree, exit codes, one thin file per command.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command line (the program's name first) and says how it ended.
pub fn run(_arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(64)
}

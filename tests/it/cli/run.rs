//! Runs the binary in an environment of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What came out of one run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Everything that a user sees, for snapshots.
    pub(crate) fn all(&self) -> String {
        format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

pub(crate) fn mcpgw(arguments: &[&str]) -> Ran {
    mcpgw_with(arguments, "", Path::new(env!("CARGO_MANIFEST_DIR")))
}

/// With this on stdin, in this directory.
pub(crate) fn mcpgw_with(arguments: &[&str], stdin: &str, directory: &Path) -> Ran {
    let mut child = command(directory)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes the pipe: that is its right.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// The binary without the variables that change what it does.
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpgw"));
    for variable in [
        "MCPGW_TOKEN",
        "MCPGW_GATEWAY",
        "MCPGW_CONTROL_TOKEN",
        "STATE_DIRECTORY",
        "NO_COLOR",
        "COLUMNS",
    ] {
        command.env_remove(variable);
    }
    command.current_dir(directory);
    command
}

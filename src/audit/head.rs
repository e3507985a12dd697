//! What the state directory knows of the log: where it is, and the line up to which it was surely on the disk.
//!
//! Written after each `fsync`, so it is never ahead of the disk; a log that is shorter has lost lines.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const NAME: &str = "audit.head";

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Head {
    /// An absolute path; `-` is stdout, empty is none.
    pub file: PathBuf,
    /// Of the last line that is on the disk; 0 before the first.
    pub seq: u64,
    /// Of that line.
    pub hash: String,
}

/// `None`: no gateway has recorded anything with this state directory.
pub fn head(state: &Path) -> io::Result<Option<Head>> {
    match fs::read(state.join(NAME)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaced whole: who reads it sees the old one or the new one.
pub(super) fn keep(state: &Path, head: &Head) -> io::Result<()> {
    let next = state.join(format!("{NAME}.next"));
    let text = serde_json::to_vec(head)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&next)?;
    file.write_all(&text)?;
    fs::rename(next, state.join(NAME))
}

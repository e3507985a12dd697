//! The state directory: where it is, and that one gateway alone has it.
//!
//! It holds `control.sock` and what servers keep; nothing of it is configuration. Mode 0700, with a `.gitignore` of its own.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::serve::Error;

const SOCKET: &str = "control.sock";
const LOCK: &str = "gateway.lock";

/// `--state`, else `$STATE_DIRECTORY` (systemd; the first of several), else `.mcpgw` in the last PATH, or beside it if it is a file.
pub fn state_directory(explicit: Option<&Path>, paths: &[PathBuf]) -> PathBuf {
    if let Some(explicit) = explicit {
        return explicit.to_owned();
    }
    let given = std::env::var_os("STATE_DIRECTORY").unwrap_or_default();
    if let Some(first) = std::env::split_paths(&given).find(|path| !path.as_os_str().is_empty()) {
        return first;
    }
    below(paths.last().map_or(Path::new("."), PathBuf::as_path))
}

/// The socket of the gateway that has this state directory.
pub(super) fn socket_path(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

/// The directory, held for as long as this lives.
#[derive(Debug)]
pub(super) struct State {
    pub(super) directory: PathBuf,
    /// The lock of the file goes with the handle, also after `kill -9`.
    _lock: File,
}

impl State {
    /// Makes the directory where it is not there, and refuses one that another gateway has.
    pub(super) fn claim(directory: &Path) -> Result<Self, Error> {
        let directory = prepare(directory)?;
        let socket = socket_path(&directory);
        if SocketAddr::from_pathname(&socket).is_err() {
            return Err(Error::new(format!(
                "the path of the control socket is too long for a Unix socket: {}",
                socket.display()
            ))
            .hint("name a state directory with a shorter path: `--state DIR`"));
        }
        let lock = lock(&directory)?;
        Ok(Self { directory, _lock: lock })
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket_path(&self.directory)
    }
}

/// Makes the directory where it is not there: private, and nothing that git would take. Returns its absolute path.
pub(super) fn prepare(directory: &Path) -> Result<PathBuf, Error> {
    let cannot = |error: &io::Error| {
        Error::new(format!(
            "cannot use the state directory {}: {error}",
            directory.display()
        ))
        .hint("name another one with `--state DIR`")
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| cannot(&error))?;
    let directory = std::path::absolute(directory).map_err(|error| cannot(&error))?;
    check_mode(&directory)?;
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(directory.join(".gitignore"))
    {
        Ok(mut file) => file.write_all(b"*\n").map_err(|error| cannot(&error))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot(&error)),
    }
    Ok(directory)
}

fn below(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.join(".mcpgw");
    }
    match path.parent() {
        Some(parent) if path.extension().is_some_and(|extension| extension == "toml") => parent.join(".mcpgw"),
        _ => path.join(".mcpgw"),
    }
}

/// Who may write here may put another socket in place of ours.
fn check_mode(directory: &Path) -> Result<(), Error> {
    let mode = fs::metadata(directory).map_or(0, |metadata| metadata.mode());
    if mode & 0o022 == 0 {
        return Ok(());
    }
    Err(Error::new(format!(
        "others than its owner may write to the state directory {}",
        directory.display()
    ))
    .hint(format!(
        "run `chmod go-w {}`, or name another one with `--state DIR`",
        directory.display()
    )))
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let cannot = |error: io::Error| Error::new(format!("cannot lock {}: {error}", path.display()));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only for the message; the lock has already decided.
            let _unread = (&mut file).take(20).read_to_string(&mut pid);
            let pid: String = pid.chars().filter(char::is_ascii_digit).collect();
            return Err(Error::new(format!(
                "another gateway (process {pid}) runs with the state directory {}",
                directory.display()
            ))
            .hint("stop it, or give this one a directory of its own with `--state DIR`"));
        }
        Err(TryLockError::Error(error)) => return Err(cannot(error)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(cannot)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_in_the_path_or_beside_the_file() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("one.toml");
        assert_eq!(below(home.path()), home.path().join(".mcpgw"));
        assert_eq!(below(&file), home.path().join(".mcpgw"));
        assert_eq!(below(Path::new("one.toml")), Path::new(".mcpgw"));
        assert_eq!(state_directory(Some(Path::new("x")), &[file]), Path::new("x"));
    }

    #[test]
    fn a_directory_is_made_private_and_held_once() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("a/b");
        let held = State::claim(&directory).unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_to_string(directory.join(".gitignore")).unwrap(), "*\n");
        let refused = State::claim(&directory).unwrap_err().to_string();
        assert!(
            refused.contains("another gateway") && refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(held);
        State::claim(&directory).unwrap();
    }

    #[test]
    fn a_long_socket_path_names_the_option() {
        let home = tempfile::tempdir().unwrap();
        let refused = State::claim(&home.path().join("x".repeat(120)))
            .unwrap_err()
            .to_string();
        assert!(refused.contains("--state"), "{refused}");
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(
            State::claim(home.path())
                .unwrap_err()
                .to_string()
                .contains("chmod go-w")
        );
    }
}

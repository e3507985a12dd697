//! Secret references become values, before anything is swapped: all of them in parallel, all failures told at once.
//!
//! No value is ever in a message; of a command only its first word and its exit are told, since what it prints may be the secret.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::snapshot::SecretRef;
use crate::upstream::Secret;

/// Bytes of one secret: a key or a chain of certificates fits, a log file does not.
const MAX: usize = 64 << 10;
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// Commands that run at a time.
const PARALLEL: usize = 8;

/// What each reference is, or why it is not.
#[derive(Debug, Default)]
pub(super) struct Secrets(BTreeMap<SecretRef, Result<Secret, String>>);

impl Secrets {
    pub(super) async fn resolve(references: BTreeSet<SecretRef>) -> Self {
        let values = stream::iter(references).map(|reference| async {
            let value = value(&reference).await;
            (reference, value)
        });
        Self(values.buffer_unordered(PARALLEL).collect().await)
    }

    pub(super) fn get(&self, reference: &SecretRef) -> Result<Secret, String> {
        self.0
            .get(reference)
            .cloned()
            .unwrap_or_else(|| Err("it was not looked for".to_owned()))
    }
}

async fn value(reference: &SecretRef) -> Result<Secret, String> {
    let bytes = match reference {
        SecretRef::Env(name) => {
            use std::os::unix::ffi::OsStringExt as _;
            std::env::var_os(name)
                .ok_or("the environment variable is not set")?
                .into_vec()
        }
        SecretRef::File(path) => file(path)
            .await
            .map_err(|error| format!("the file cannot be read: {error}"))?,
        SecretRef::Command(argv) => command(argv, COMMAND_TIMEOUT).await?,
    };
    if bytes.len() > MAX {
        return Err(format!("it is longer than {MAX} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8 text")?;
    let text = text
        .strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(Secret::new(text))
}

async fn file(path: &Path) -> io::Result<Vec<u8>> {
    let file = tokio::fs::File::open(path).await?;
    if !file.metadata().await?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    bounded(file).await
}

/// In a process group of its own, so that nothing it starts outlives the timeout.
async fn command(argv: &[String], limit: Duration) -> Result<Vec<u8>, String> {
    let (program, arguments) = argv.split_first().ok_or("the command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("the command does not start: {error}"))?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let outcome = timeout(limit, output(&mut child)).await;
    if !matches!(outcome, Ok(Ok((status, _))) if status.success())
        && let Some(group) = group
    {
        // It may have gone by itself: then there is no group any more.
        let _gone = kill_process_group(group, Signal::KILL);
    }
    match outcome {
        Err(_late) => Err(format!("the command did not end within {} s", limit.as_secs())),
        Ok(Err(error)) => Err(format!("the command cannot be read: {error}")),
        Ok(Ok((status, _))) if !status.success() => {
            Err(format!("the command ended with {status}; run it by hand to see why"))
        }
        Ok(Ok((_, bytes))) => Ok(bytes),
    }
}

async fn output(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>)> {
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("it has no stdout"))?;
    let bytes = bounded(stdout).await?;
    if bytes.len() > MAX {
        return Err(io::Error::other(format!("it is longer than {MAX} bytes")));
    }
    Ok((child.wait().await?, bytes))
}

/// One byte more than allowed, to know that there is more.
async fn bounded(source: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> SecretRef {
        SecretRef::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    async fn error(reference: SecretRef) -> String {
        value(&reference).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_newline_at_the_end_is_no_part_of_a_secret() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secret");
        for (written, expected) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a", " a")] {
            std::fs::write(&path, written).unwrap();
            assert_eq!(value(&SecretRef::File(path.clone())).await.unwrap().expose(), expected);
        }
        assert_eq!(value(&shell("printf 'x\\n'")).await.unwrap().expose(), "x");
    }

    #[tokio::test]
    async fn all_failures_are_told_and_no_value() {
        assert!(
            error(SecretRef::Env("MCPGW_NO_SUCH_VARIABLE".into()))
                .await
                .contains("not set")
        );
        assert!(
            error(SecretRef::File("/nowhere/secret".into()))
                .await
                .contains("cannot be read")
        );
        assert!(
            error(SecretRef::File("/dev/zero".into()))
                .await
                .contains("regular file")
        );
        let failed = error(shell("echo hunter2; echo hunter2 >&2; exit 3")).await;
        assert!(
            failed.contains("exit status: 3") && !failed.contains("hunter2"),
            "{failed}"
        );
        assert!(error(shell("true")).await.contains("empty"));
        assert!(error(shell("printf '\\377'")).await.contains("UTF-8"));
        assert!(
            error(shell("head -c 70000 /dev/zero | tr '\\0' x"))
                .await
                .contains("longer")
        );
        assert!(
            error(SecretRef::Command(vec!["/no/such/program".into()]))
                .await
                .contains("does not start")
        );
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_its_children() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", path.display());
        let argv = ["sh", "-c", &script].map(str::to_owned);
        assert!(
            command(&argv, Duration::from_millis(500))
                .await
                .unwrap_err()
                .contains("did not end")
        );
        let pid = std::fs::read_to_string(path).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        for _ in 0..100 {
            let state = std::fs::read_to_string(&stat).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the child of the command still runs");
    }
}

//! Where the audit log is read: the files of a state directory, whether a gateway runs or not; or a control API over TCP.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::audit::Head;
use crate::audit::read::{Entries, Entry, Filter, Verified};
use crate::cli::arguments::WhichGateway;
use crate::cli::exit::Failure;
use crate::cli::gateway;
use crate::cli::output::Output;
use crate::cli::running::understood;
use crate::control::Gateway;
use crate::serve::state_directory;
use crate::text::safe;

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Where a gateway records whose `[gateway.audit]` names no file, in its state directory.
const DEFAULT: &str = "audit.jsonl";

pub(super) enum Source {
    Files { log: PathBuf, head: Option<Head> },
    Gateway(Gateway),
}

impl Source {
    pub(super) fn find(which: &WhichGateway, paths: &[PathBuf], output: &Output) -> Result<Self, Failure> {
        if which.gateway.as_deref().is_some_and(|named| named.contains("://")) {
            return gateway::find(which, paths, output).map(Self::Gateway);
        }
        let state = match &which.gateway {
            Some(socket) => Path::new(socket).parent().unwrap_or(Path::new(".")).to_owned(),
            None => state_directory(which.state.as_deref(), paths),
        };
        in_directory(&state)
    }

    /// Gives each entry that fits to `take`, and `None` where nothing more is there yet.
    pub(super) fn read(
        &self,
        filter: &Filter,
        follow: bool,
        mut take: impl FnMut(Option<&Entry>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Files { log, .. } => {
                let mut entries = Entries::open(log).map_err(|error| unread(log, &error))?;
                loop {
                    let next = if follow { entries.read_so_far() } else { entries.read() };
                    match next.map_err(|error| unread(log, &error))? {
                        Some(entry) if filter.admits(&entry) => take(Some(&entry))?,
                        Some(_) => {}
                        None if follow => {
                            take(None)?;
                            std::thread::sleep(LOOK);
                        }
                        None => return Ok(()),
                    }
                }
            }
            Self::Gateway(gateway) => gateway
                .logs(&json!(filter), follow, |line| match line {
                    Some(line) => take(Some(&entry(line)?)),
                    None => take(None),
                })
                .map_err(|error| gateway::told(&error))?,
        }
    }

    pub(super) fn verified(&self) -> Result<Verified, Failure> {
        match self {
            Self::Files { log, head } => Verified::of(log.clone(), head.clone()).map_err(|error| unread(log, &error)),
            Self::Gateway(gateway) => understood(gateway.verify_log().map_err(|error| gateway::told(&error))?),
        }
    }
}

/// The log of a state directory, and what that knows of it.
fn in_directory(state: &Path) -> Result<Source, Failure> {
    let shown = safe(&state.to_string_lossy()).into_owned();
    let head = crate::audit::head(state)
        .map_err(|error| Failure::new(format_args!("{shown}/audit.head cannot be read: {error}")))?;
    let log = match &head {
        Some(head) if head.file.as_os_str().is_empty() => {
            return Err(Failure::new(
                "this gateway records nothing: `gateway.audit.file` is empty",
            ));
        }
        Some(head) if head.file.as_os_str() == "-" => {
            return Err(Failure::new(
                "this gateway's audit log goes to its stdout: read it there",
            ));
        }
        Some(head) => head.file.clone(),
        None => state.join(DEFAULT),
    };
    if head.is_none() && !log.exists() {
        return Err(
            Failure::new(format_args!("no gateway has recorded anything in {shown}"))
                .hint("name the state directory of one with `--state DIR`, or its configuration with `-C PATH`"),
        );
    }
    Ok(Source::Files { log, head })
}

fn entry(line: &[u8]) -> Result<Entry, Failure> {
    /// The gateway cannot read on.
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    Entry::read(line).ok_or_else(|| match serde_json::from_slice(line) {
        Ok(Refused { error }) => Failure::new(safe(&error)),
        Err(_) => Failure::new("the gateway answers, and not as one does"),
    })
}

fn unread(log: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format_args!("{} cannot be read: {error}", safe(&log.to_string_lossy())))
}

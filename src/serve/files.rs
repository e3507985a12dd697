//! PATHs in, a configuration that can be served out, or all the reasons why not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::compile::{self, Compiled};
use crate::config::{self, Bundle};
use crate::diag::{Code, Finding, Findings, Severity, Sources};
use crate::serve::live::Served;
use crate::serve::watch::Watched;
use crate::snapshot::Snapshot;

/// Files that hold.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) bundle: Arc<Bundle>,
    /// SHA-256 over names and bytes.
    pub(super) digest: Arc<str>,
}

/// Files that do not: nothing of them is served.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) findings: Findings,
    pub(super) sources: Sources,
}

/// A finding as `status` shows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Told {
    pub(super) code: &'static str,
    pub(super) severity: &'static str,
    /// `file:line:column`.
    pub(super) place: String,
    pub(super) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<String>,
}

/// Reads and compiles the files; with what they are, in either case, comes what to watch.
pub(super) fn load(paths: &[PathBuf], state: &Path, locked: bool) -> (Result<Files, Refused>, Watched) {
    let settings = compile::Settings {
        files: config::Options {
            state: Some(state.to_owned()),
            ..config::Options::default()
        },
        locked,
        ..compile::Settings::default()
    };
    let Compiled {
        snapshot,
        findings,
        sources,
        bundle,
        digest,
        files,
        directories,
        ..
    } = compile::validate(paths, &settings);
    // A PATH may be a symlink that is swapped, or not be there for a while.
    let watched = Watched::new(files.into_iter().chain(paths.iter().cloned()), directories);
    match snapshot {
        Some(snapshot) if !findings.has(Code::NotServedYet) => (
            Ok(Files {
                snapshot: Arc::new(snapshot),
                bundle: Arc::new(bundle),
                digest: digest.into(),
            }),
            watched,
        ),
        _ => (Err(Refused { findings, sources }), watched),
    }
}

impl Files {
    /// As the generation of this number.
    pub(super) fn served(&self, generation: u64) -> Served {
        Served {
            generation,
            digest: Arc::clone(&self.digest),
            bundle: Arc::clone(&self.bundle),
        }
    }
}

impl Refused {
    /// The first error with its place, and how many more there are: for one line of log.
    pub(super) fn summary(&self) -> String {
        let mut errors = self.errors();
        let Some(first) = errors.next() else {
            return "the configuration does not hold".to_owned();
        };
        let told = self.tell(first);
        let summary = format!("{}: error[{}]: {}", told.place, told.code, told.title);
        match errors.count() {
            0 => summary,
            more => format!("{summary} (and {more} more; `mcpgw validate` shows all)"),
        }
    }

    /// All that refuse it, as `status` shows them.
    pub(super) fn told(&self) -> Vec<Told> {
        self.errors().map(|finding| self.tell(finding)).collect()
    }

    fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| is_error(finding))
    }

    fn tell(&self, finding: &Finding) -> Told {
        Told {
            code: finding.code.as_str(),
            severity: Severity::Error.as_str(),
            place: self.sources.display(finding.place()),
            title: finding.title.clone(),
            help: finding.help.clone(),
        }
    }
}

/// What `validate` only warns of, since another build serves it, this one must not pretend to serve.
fn is_error(finding: &Finding) -> bool {
    finding.severity() == Severity::Error || finding.code == Code::NotServedYet
}

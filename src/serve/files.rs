//! PATHs or a bundle in, a configuration that can be served out, or all the reasons why not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
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
    origin: Origin,
}

/// Where public files are read.
#[derive(Clone, Debug)]
enum Origin {
    /// On this machine's disk, again and again; and why some could not be.
    Disk(Arc<BTreeMap<PathBuf, String>>),
    /// They came with the bundle, and are what they are.
    Bundle,
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
    let mut compiled = compile::validate(paths, &settings);
    let (files, directories) = (
        std::mem::take(&mut compiled.files),
        std::mem::take(&mut compiled.directories),
    );
    // A PATH may be a symlink that is swapped, or not be there for a while.
    let watched = Watched::new(files.into_iter().chain(paths.iter().cloned()), directories);
    (held(compiled).map(Files::with_disk), watched)
}

/// Compiles files that came with everything public that they name.
pub(super) fn of_bundle(bundle: &Bundle, locked: bool) -> Result<Files, Refused> {
    let settings = compile::Settings {
        locked,
        ..compile::Settings::default()
    };
    held(compile::validate_bundle(bundle, &settings))
}

fn held(compiled: Compiled) -> Result<Files, Refused> {
    match compiled.snapshot {
        Some(snapshot) if !compiled.findings.has(Code::NotServedYet) => Ok(Files {
            snapshot: Arc::new(snapshot),
            bundle: Arc::new(compiled.bundle),
            digest: compiled.digest.into(),
            origin: Origin::Bundle,
        }),
        _ => Err(Refused {
            findings: compiled.findings,
            sources: compiled.sources,
        }),
    }
}

impl Files {
    /// Nothing at all: what runs before the first apply.
    pub(super) fn nothing() -> Result<Self, Refused> {
        of_bundle(&Bundle::default(), false)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.bundle.roots.is_empty()
    }

    /// With the public files as they are on disk now.
    pub(super) fn with_disk(mut self) -> Self {
        let failed = Arc::make_mut(&mut self.bundle).attach(self.snapshot.public_files());
        self.origin = Origin::Disk(Arc::new(failed));
        self
    }

    /// The same, with what may have changed on disk since read again.
    pub(super) fn refreshed(&self) -> Self {
        match &self.origin {
            Origin::Disk(_) => self.clone().with_disk(),
            Origin::Bundle => self.clone(),
        }
    }

    pub(super) fn public_file(&self, path: &Path) -> Result<Bytes, String> {
        if let Some(bytes) = self.bundle.public_files.get(path) {
            return Ok(bytes.clone());
        }
        Err(match &self.origin {
            Origin::Disk(failed) => failed.get(path).cloned().unwrap_or_default(),
            Origin::Bundle => "it did not come with the configuration".to_owned(),
        })
    }

    /// Have the files the same names and bytes, those that they name among them?
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest && self.bundle.public_files == other.bundle.public_files
    }

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

//! A saved plan: what it proposes, and whether what it was made for is still so.

use std::fs;
use std::path::{Path, PathBuf};

use super::{is_here, stale};
use crate::cli::configuration;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::plan::{Judged, files_base};
use crate::cli::running::Running;
use crate::compile::{Settings, validate_bundle};
use crate::config::{Bundle, collect};
use crate::diag;
use crate::plan::{Plan, PlanFile, Reviewed};
use crate::text::safe;

pub(super) struct Saved {
    name: String,
    file: PlanFile<Bundle>,
}

/// The one argument that is a file and no configuration.
pub(super) fn named(paths: &[PathBuf]) -> Option<&Path> {
    match paths {
        [path] if path.is_file() && path.extension().is_none_or(|extension| extension != "toml") => Some(path),
        _ => None,
    }
}

impl Saved {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = safe(&path.display().to_string()).into_owned();
        let bytes = fs::read(path).map_err(|error| Failure::new(format_args!("cannot read `{name}`: {error}")))?;
        let file = PlanFile::read(&bytes).map_err(|error| {
            Failure::new(format_args!("`{name}`: {}", safe(&error.to_string())))
                .hint("a plan is what `mcpgw plan --out FILE` saves; a configuration is a directory or a `.toml` file")
        })?;
        Ok(Self { name, file })
    }

    /// As they were given to `plan`.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.file.paths
    }

    pub(super) fn judged(&self, settings: &Settings, output: &Output) -> Result<Judged, Failure> {
        let base = |bundle: &Bundle| files_base("plan", format!("the plan {}", self.name), bundle.digest());
        Judged::new(validate_bundle(&self.file.bundle, settings), base).map_err(|compiled| {
            let format = configuration::human(output);
            output.tell(diag::render(&compiled.findings, &compiled.sources, format).trim_end());
            Failure::Silent(Exit::Error)
        })
    }

    /// The gateway must run what the plan was made against, and PATH, where it is here, must be what it was made from.
    pub(super) fn check(&self, running: &Running, settings: &Settings) -> Result<(), Failure> {
        let digests = &self.file.digests;
        let nothing = Bundle::default().digest();
        let current = digests.current.as_ref().unwrap_or(&nothing);
        if *current != running.digest {
            return Err(stale(&format!(
                "the gateway has moved on to generation {} since this plan was made",
                running.generation
            )));
        }
        if digests.files != self.file.bundle.digest_of_tables() || digests.lock != self.file.bundle.digest_of_lock() {
            return Err(Failure::new(format_args!(
                "`{}` is damaged: its files are not those of its digests",
                self.name
            )));
        }
        if !self.file.paths.iter().all(|path| is_here(path)) {
            return Ok(());
        }
        let here = collect(&self.file.paths, &settings.files).bundle;
        if here.digest_of_tables() != digests.files {
            return Err(stale("the files have changed since this plan was made"));
        }
        if here.digest_of_lock() != digests.lock {
            return Err(stale("the lock has changed since this plan was made"));
        }
        Ok(())
    }

    /// Access and exposure must change as they were reviewed, whatever else does.
    pub(super) fn check_review(&self, plan: &Plan) -> Result<(), Failure> {
        if Reviewed::of(plan) == self.file.reviewed {
            return Ok(());
        }
        Err(stale(&format!(
            "access or exposure would change otherwise than in the reviewed plan {}",
            self.name
        )))
    }
}

//! The sides of a plan: files, the running gateway, nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files_base;
use crate::cli::arguments::PlanFormat;
use crate::cli::configuration;
use crate::cli::exit::{Exit, Failure};
use crate::cli::history::Kept;
use crate::cli::output::Output;
use crate::cli::running::{Running, taken};
use crate::compile::{Compiled, Origin, Settings, validate, validate_bundle};
use crate::config::Bundle;
use crate::diag::{self, Findings, Format, Sources};
use crate::plan::render::{Base, Finding};
use crate::plan::{Place, Places, Side};
use crate::snapshot::Snapshot;
use crate::text::{count, hex};

/// A configuration that holds, with all that a plan needs of it.
pub(in crate::cli) struct Judged {
    pub(in crate::cli) snapshot: Snapshot,
    pub(in crate::cli) bundle: Bundle,
    pub(in crate::cli) base: Base,
    places: Places,
    /// Digests of its public files.
    files: BTreeMap<String, String>,
    has_relative_paths: bool,
    findings: Findings,
    sources: Sources,
}

impl Judged {
    /// `None` where it does not hold.
    pub(in crate::cli) fn new(compiled: Compiled, base: impl FnOnce(&Bundle) -> Base) -> Result<Self, Box<Compiled>> {
        let Some(snapshot) = compiled.snapshot.clone() else {
            return Err(Box::new(compiled));
        };
        let origins = compiled.origins.iter();
        let places = origins.map(|(subject, origin)| (subject.clone(), place(origin)));
        Ok(Self {
            places: places.collect(),
            files: public_files(&compiled.bundle),
            base: base(&compiled.bundle),
            has_relative_paths: compiled.has_relative_paths,
            snapshot,
            bundle: compiled.bundle,
            findings: compiled.findings,
            sources: compiled.sources,
        })
    }

    /// What there is before there is anything.
    pub(in crate::cli) fn nothing(name: &str) -> Self {
        Self {
            snapshot: Snapshot::default(),
            bundle: Bundle::default(),
            base: Base {
                kind: "empty",
                name: name.to_owned(),
                digest: None,
            },
            places: Places::new(),
            files: BTreeMap::new(),
            has_relative_paths: false,
            findings: Findings::default(),
            sources: Sources::default(),
        }
    }

    /// With its relative paths at the place of the other side's: the same files in two checkouts are no change.
    pub(in crate::cli) fn rebased(self, other: &Self, settings: &Settings) -> Self {
        let bundle = self.bundle.rebased(&other.bundle);
        if bundle == self.bundle {
            return self;
        }
        if !self.has_relative_paths {
            let files = public_files(&bundle);
            return Self { bundle, files, ..self };
        }
        let base = self.base.clone();
        // It held where it was, and no rule asks where that is.
        Self::new(validate_bundle(&bundle, settings), |_| base).unwrap_or(self)
    }

    pub(in crate::cli) fn side(&self) -> Side<'_> {
        Side {
            snapshot: &self.snapshot,
            places: &self.places,
            files: &self.files,
        }
    }

    pub(in crate::cli) fn findings(&self) -> Vec<Finding> {
        let finding = |finding: &diag::Finding| {
            let at = finding.place();
            let position = self.sources.position(at);
            Finding {
                severity: finding.severity().as_str(),
                code: finding.code.as_str(),
                title: finding.title.clone(),
                place: Some(Place {
                    file: self.sources.name(at.file).to_owned(),
                    line: position.map_or(1, |position| position.line),
                    column: position.map_or(1, |position| position.column),
                }),
                help: finding.help.clone(),
            }
        };
        self.findings.iter().map(finding).collect()
    }
}

fn place(origin: &Origin) -> Place {
    Place {
        file: origin.file.clone(),
        line: origin.line,
        column: origin.column,
    }
}

/// By the name below the root where there is one, so that the same files in two places are the same.
fn public_files(bundle: &Bundle) -> BTreeMap<String, String> {
    use sha2::{Digest as _, Sha256};
    let files = bundle.public_files.iter().map(|(path, bytes)| {
        let below = bundle.roots.iter().find_map(|root| path.strip_prefix(root.base()).ok());
        let digest = hex(&Sha256::digest(bytes));
        (below.unwrap_or(path).display().to_string(), digest)
    });
    files.collect()
}

/// Reads and judges files. Where they do not hold, the findings are told: in annotations and documents where these are
/// asked for, else beside what was asked for.
pub(in crate::cli) fn files(
    paths: &[PathBuf],
    settings: &Settings,
    format: PlanFormat,
    output: &Output,
) -> Result<Judged, Failure> {
    let named = |bundle: &Bundle| {
        let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let files = count(bundle.files().count(), "file");
        files_base("path", format!("{} ({files})", shown.join(" ")), bundle.digest())
    };
    let mut compiled = validate(paths, settings);
    if let Some(snapshot) = &compiled.snapshot {
        // One that is not here is told by the gateway that needs it.
        let _elsewhere = compiled.bundle.attach(snapshot.public_files());
    }
    match Judged::new(compiled, named) {
        Ok(judged) => Ok(judged),
        Err(compiled) => {
            let render = |format| diag::render(&compiled.findings, &compiled.sources, format);
            match format {
                PlanFormat::Github => output.data(render(Format::Github))?,
                PlanFormat::Human | PlanFormat::Json | PlanFormat::Markdown => {
                    output.tell(render(configuration::human(output)).trim_end());
                }
            }
            Err(Failure::Silent(Exit::Error))
        }
    }
}

/// The last generation that was made live by the gateway, or in this state directory while no gateway runs.
pub(super) fn applied(running: Option<&Running>, state: &Path, settings: &Settings) -> Result<Judged, Failure> {
    let newest = match running {
        Some(running) => {
            let newest = running.history()?.first().map(|head| head.generation);
            newest.map(|number| Kept::of(running, number)).transpose()?
        }
        None => Kept::newest_in(state)?,
    };
    let Kept { head, bundle } =
        newest.ok_or_else(|| Failure::new("nothing was applied yet").hint("compare with `--against empty`"))?;
    let name = format!("generation {}, the last one applied", head.generation);
    taken(&bundle, files_base("applied", name, head.digest), settings)
}

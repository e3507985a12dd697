//! The sides of a plan: files, the running gateway, nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::files_base;
use crate::cli::arguments::PlanFormat;
use crate::cli::configuration;
use crate::cli::exit::{Exit, Failure};
use crate::cli::gateway::told;
use crate::cli::output::Output;
use crate::compile::{Compiled, Origin, Settings, validate, validate_bundle};
use crate::config::Bundle;
use crate::control::{ControlError, Gateway};
use crate::diag::{self, Findings, Format, Sources};
use crate::name::ServerName;
use crate::plan::render::{Base, Finding};
use crate::plan::{Catalogue, Known, Place, Places, Side};
use crate::snapshot::Snapshot;
use crate::store::Files;
use crate::text::{count, safe};

/// A configuration that holds, with all that a plan needs of it.
pub(in crate::cli) struct Judged {
    pub(in crate::cli) snapshot: Snapshot,
    pub(in crate::cli) bundle: Bundle,
    pub(in crate::cli) base: Base,
    places: Places,
    /// Digests of its public files.
    files: BTreeMap<String, String>,
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
            findings: Findings::default(),
            sources: Sources::default(),
        }
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
    use std::fmt::Write as _;
    let files = bundle.public_files.iter().map(|(path, bytes)| {
        let below = bundle.roots.iter().find_map(|root| path.strip_prefix(root.base()).ok());
        let digest = Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
            // Writing into a String does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        (below.unwrap_or(path).display().to_string(), digest)
    });
    files.collect()
}

/// Reads and judges files. Where they do not hold, the findings are told: in annotations and documents where these are
/// asked for, else beside what was asked for.
pub(super) fn files(
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
    match Judged::new(validate(paths, settings), named) {
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

/// A gateway that answers.
pub(super) struct Asked {
    gateway: Gateway,
    configuration: Running,
}

/// `GET /v1/configuration`.
#[derive(Deserialize)]
struct Running {
    generation: u64,
    digest: String,
    bundle: Bundle,
}

/// `GET /v1/history`, newest first.
#[derive(Deserialize)]
struct History {
    generations: Vec<Applied>,
}

#[derive(Deserialize)]
struct Applied {
    generation: u64,
}

impl Asked {
    /// `Err` with the error inside: none was named and none answers. One that was named must answer.
    pub(super) fn find(gateway: Gateway) -> Result<Result<Self, ControlError>, Failure> {
        let configuration = match gateway.configuration() {
            Ok(configuration) => configuration,
            Err(error @ ControlError::NotRunning { explicit: false, .. }) => return Ok(Err(error)),
            Err(error) => return Err(told(&error)),
        };
        Ok(Ok(Self {
            configuration: understood(configuration)?,
            gateway,
        }))
    }

    /// What the process runs, from its memory.
    pub(super) fn running(&self, settings: &Settings) -> Result<Judged, Failure> {
        let Running {
            generation,
            digest,
            bundle,
        } = &self.configuration;
        let name = format!("gateway on {}, generation {generation}", self.gateway.place());
        kept(bundle, files_base("live", name, digest.clone()), settings)
    }

    /// The newest generation that it keeps.
    fn applied(&self, settings: &Settings) -> Result<Judged, Failure> {
        let history: History = understood(self.gateway.history().map_err(|error| told(&error))?)?;
        let newest = history.generations.first().ok_or_else(never_applied)?.generation;
        let files: Running = understood(self.gateway.generation(newest).map_err(|error| told(&error))?)?;
        let name = format!("generation {newest}, the last one applied");
        kept(&files.bundle, files_base("applied", name, files.digest), settings)
    }

    pub(super) fn catalogue(&self) -> Result<Catalogue, Failure> {
        let catalogues = self.gateway.catalogue().map_err(|error| told(&error))?;
        let mut catalogue = Catalogue::default();
        for (name, listed) in &catalogues.servers {
            let is_known = listed.state == "ready" || !listed.tools.is_empty();
            if let (Ok(name), true) = (ServerName::new(name), is_known) {
                let known = Known {
                    tools: keys(&listed.tools, "name"),
                    prompts: keys(&listed.prompts, "name"),
                    templates: keys(&listed.templates, "uriTemplate"),
                };
                catalogue.0.insert(name, known);
            }
        }
        Ok(catalogue)
    }
}

fn keys<T: FromIterator<std::sync::Arc<str>>>(definitions: &[Box<RawValue>], key: &str) -> T {
    let key_of = |raw: &RawValue| {
        let value: serde_json::Value = serde_json::from_str(raw.get()).ok()?;
        value.get(key)?.as_str().map(Into::into)
    };
    definitions.iter().filter_map(|raw| key_of(raw)).collect()
}

/// The last generation that was made live by the gateway, or in this state directory while no gateway runs.
pub(super) fn applied(gateway: Option<&Asked>, state: &Path, settings: &Settings) -> Result<Judged, Failure> {
    if let Some(gateway) = gateway {
        return gateway.applied(settings);
    }
    let newest = Files::of(state).latest();
    let newest = newest
        .map_err(|error| Failure::new(safe(&error.to_string())))?
        .ok_or_else(never_applied)?;
    let bundle: Bundle = serde_json::from_str(newest.files.get()).map_err(|error| unread(&error))?;
    let name = format!("generation {}, the last one applied", newest.head.generation);
    kept(&bundle, files_base("applied", name, newest.head.digest), settings)
}

fn never_applied() -> Failure {
    Failure::new("nothing was applied yet").hint("compare with `--against empty`")
}

/// Files that were taken once.
fn kept(bundle: &Bundle, base: Base, settings: &Settings) -> Result<Judged, Failure> {
    Judged::new(validate_bundle(bundle, settings), |_| base).map_err(|_| {
        Failure::new("the gateway has a configuration that this version of mcpgw does not take")
            .hint("is it of another version? `mcpgw status` says which; compare with `--against git:REV` instead")
    })
}

fn understood<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| unread(&error))
}

fn unread(error: &serde_json::Error) -> Failure {
    Failure::new(format_args!(
        "the gateway's configuration cannot be read: {}",
        safe(&error.to_string())
    ))
    .hint("is it of another version of mcpgw? `mcpgw status` says which")
}

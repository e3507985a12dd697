//! The sides of a plan: files, the running gateway, nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::files_base;
use crate::cli::arguments::{PlanFormat, WhichGateway};
use crate::cli::configuration;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::compile::{Compiled, Origin, Settings, validate, validate_bundle};
use crate::config::Bundle;
use crate::control::{ControlError, Gateway};
use crate::diag::{self, Findings, Format, Sources};
use crate::name::ServerName;
use crate::plan::render::{Base, Finding};
use crate::plan::{Catalogue, Known, Place, Places, Side};
use crate::snapshot::Snapshot;
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

impl Asked {
    /// `None` where none was named and none answers; one that was named must answer.
    pub(super) fn find(which: &WhichGateway, state: &Path) -> Result<Option<Self>, Failure> {
        if which.control_token_file.is_some() {
            return Err(crate::cli::not_built("plan --control-token-file"));
        }
        let gateway = Gateway::find(which.gateway.as_deref(), state).map_err(|error| told(&error))?;
        let configuration = match gateway.configuration() {
            Ok(configuration) => configuration,
            Err(ControlError::NotRunning { explicit: false, .. }) => return Ok(None),
            Err(error) => return Err(told(&error)),
        };
        let running = serde_json::from_value(configuration).map_err(|error| {
            Failure::new(format_args!(
                "the gateway tells of a configuration that cannot be read: {}",
                safe(&error.to_string())
            ))
            .hint("is it of another version of mcpgw? `mcpgw status` says which")
        })?;
        Ok(Some(Self {
            gateway,
            configuration: running,
        }))
    }

    /// What the process runs, from its memory.
    pub(super) fn running(&self, settings: &Settings) -> Result<Judged, Failure> {
        let Running {
            generation,
            digest,
            bundle,
        } = &self.configuration;
        let base = |_: &Bundle| {
            let socket = self.gateway.socket().display();
            files_base(
                "live",
                format!("gateway on {socket}, generation {generation}"),
                digest.clone(),
            )
        };
        Judged::new(validate_bundle(bundle, settings), base).map_err(|_| {
            Failure::new("the gateway runs a configuration that this version of mcpgw does not take")
                .hint("is it of another version? `mcpgw status` says which; compare with `--against git:REV` instead")
        })
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

/// What is told of a gateway that was asked for and does not answer.
pub(super) fn not_running(which: &WhichGateway, state: &Path) -> Failure {
    let asked = Gateway::find(which.gateway.as_deref(), state).and_then(|gateway| gateway.configuration());
    match asked {
        Err(error) => told(&error),
        Ok(_) => Failure::new("the gateway has only just started: try again"),
    }
}

/// The last generation that was applied to the gateway of this state directory.
pub(super) fn applied(_state: &Path, _settings: &Settings) -> Result<Judged, Failure> {
    Err(crate::cli::not_built("plan --against applied"))
}

fn told(error: &ControlError) -> Failure {
    let failure = Failure::new(safe(&error.to_string()));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

//! `mcpgw plan [PATH]`: what would change, before it does. Starts no program but git for `--against git:REV`, and opens no
//! connection but to the gateway's control socket.

mod git;
mod side;

use std::path::{Path, PathBuf};

pub(super) use side::{Judged, files};

use super::arguments::{FailOn, Plan as Arguments, PlanFormat, WhichGateway};
use super::exit::{Exit, Failure, Outcome};
use super::gateway;
use super::output::Output;
use super::running::Running;
use crate::compile::Settings;
use crate::config::write_whole;
use crate::control::ControlError;
use crate::plan::render::{Base, Report};
use crate::plan::{self, Catalogue, Digests, Plan, PlanFile, render};
use crate::serve::state_directory;
use crate::text::safe;

pub(super) fn run(arguments: &Arguments, output: &Output) -> Outcome {
    if let Some(out) = &arguments.out {
        no_configuration(out)?;
    }
    let paths = arguments.paths.all();
    let state = state_directory(arguments.gateway.state.as_deref(), &paths);
    let settings = settings(arguments.locked, &state);
    let proposed = side::files(&paths, &settings, arguments.format, output)?;
    let gateway = Running::find_any(&arguments.gateway, &paths, output)?;
    let current = current(arguments, &paths, gateway.as_ref(), &proposed, output)?;
    let current = current.rebased(&proposed, &self::settings(false, &state));
    let catalogue = match &gateway {
        Ok(gateway) => gateway.catalogue()?,
        Err(_) => Catalogue::default(),
    };
    let plan = plan::diff(&current.side(), &proposed.side(), &catalogue);
    if let Some(out) = &arguments.out {
        save(out, &plan, &paths, &current, &proposed)?;
        output.tell(&format!("saved {}", safe(&out.display().to_string())));
    }
    let report = Report {
        plan: &plan,
        command: Some(command(arguments, &paths)),
        findings: proposed.findings(),
        holds: gateway.as_ref().map_or_else(|_| Ok(Vec::new()), Running::holds)?,
        current: current.base,
        proposed: proposed.base,
        all: arguments.all,
    };
    output.data(rendered(&report, arguments.format, output))?;
    Ok(exit(&plan, &arguments.fail_on, arguments.exit_code))
}

/// What `plan` and `apply` judge files by; the state directory is never read as configuration.
pub(super) fn settings(locked: bool, state: &Path) -> Settings {
    let mut settings = Settings {
        locked,
        ..Settings::default()
    };
    settings.files.state = Some(state.to_owned());
    settings
}

pub(super) fn rendered(report: &Report<'_>, format: PlanFormat, output: &Output) -> String {
    match format {
        PlanFormat::Github => render::github(report),
        PlanFormat::Human => {
            let width = output.width().unwrap_or(100).min(120);
            render::human(report, output.is_stdout_colored(), width)
        }
        PlanFormat::Json => render::json(report),
        PlanFormat::Markdown => render::markdown(report),
    }
}

/// A policy comes before changes.
pub(super) fn exit(plan: &Plan, fail_on: &[FailOn], exit_code: bool) -> Exit {
    let fails = |what: &FailOn| match what {
        FailOn::Widen => plan.widens_access(),
        FailOn::Exposure => plan.widens_exposure(),
        FailOn::Unknown => plan.has_unknown(),
    };
    match (fail_on.iter().any(fails), exit_code && !plan.is_empty()) {
        (true, _) => Exit::PolicyNo,
        (false, true) => Exit::Changes,
        (false, false) => Exit::Fine,
    }
}

fn current(
    arguments: &Arguments,
    paths: &[PathBuf],
    gateway: Result<&Running, &ControlError>,
    proposed: &Judged,
    output: &Output,
) -> Result<Judged, Failure> {
    let state = state_directory(arguments.gateway.state.as_deref(), paths);
    // What is compared with was accepted once: `--locked` is about what comes.
    let settings = settings(false, &state);
    match arguments.against.as_deref() {
        None => match gateway {
            Ok(gateway) => gateway.judged(&settings),
            Err(_) => Ok(Judged::nothing(&format!(
                "nothing: no gateway answers on {}",
                state.join("control.sock").display()
            ))),
        },
        Some("live") => match gateway {
            Ok(gateway) => gateway.judged(&settings),
            Err(error) => Err(gateway::told(error)),
        },
        Some("empty") => Ok(Judged::nothing("nothing")),
        Some("applied") => side::applied(gateway.ok(), &state, &settings),
        Some(text) => match text.strip_prefix("git:") {
            Some(revision) => git::at(revision, paths, proposed, &settings, output),
            None => side::files(&[PathBuf::from(text)], &settings, arguments.format, output),
        },
    }
}

/// `apply` takes a `.toml` file for a configuration, and so may whoever wrote the one that is there.
fn no_configuration(out: &Path) -> Result<(), Failure> {
    if out.extension().is_some_and(|extension| extension == "toml") {
        let shown = out.display().to_string();
        return Err(Failure::usage(format_args!(
            "`--out {}`: a `.toml` file is a configuration, never a plan",
            safe(&shown)
        ))
        .hint("name it otherwise, e.g. `--out plan.json`"));
    }
    Ok(())
}

fn save(out: &Path, plan: &Plan, paths: &[PathBuf], current: &Judged, proposed: &Judged) -> Result<(), Failure> {
    let bundle = proposed.bundle.clone();
    let digests = Digests {
        current: current.base.digest.clone(),
        files: bundle.digest_of_tables(),
        lock: bundle.digest_of_lock(),
    };
    let shown = out.display();
    let cannot = |why: String| Failure::new(format_args!("cannot write `{}`: {why}", safe(&shown.to_string())));
    let text = PlanFile::new(plan, paths.to_vec(), digests, bundle)
        .write()
        .map_err(|error| cannot(error.to_string()))?;
    let path = std::path::absolute(out).map_err(|error| cannot(error.to_string()))?;
    write_whole(&path, &text).map_err(|error| cannot(error.to_string()))
}

/// As it is typed; words that a shell would take apart are quoted.
fn command(arguments: &Arguments, paths: &[PathBuf]) -> String {
    let mut words = vec!["mcpgw".to_owned(), "apply".to_owned()];
    if let Some(out) = &arguments.out {
        words.push(out.display().to_string());
    } else {
        words.extend(paths.iter().map(|path| path.display().to_string()));
        words.extend(arguments.locked.then(|| "--locked".to_owned()));
    }
    which(&arguments.gateway, &mut words);
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn which(gateway: &WhichGateway, words: &mut Vec<String>) {
    if let Some(state) = &gateway.state {
        words.extend(["--state".to_owned(), state.display().to_string()]);
    }
    if let Some(name) = gateway.gateway.as_ref().filter(|name| !name.is_empty()) {
        words.extend(["--gateway".to_owned(), name.clone()]);
    }
    if let Some(file) = &gateway.control_token_file {
        words.extend(["--control-token-file".to_owned(), file.display().to_string()]);
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Used by whoever shows a side to people.
pub(super) fn files_base(kind: &'static str, name: String, digest: String) -> Base {
    Base {
        kind,
        name,
        digest: Some(digest),
    }
}

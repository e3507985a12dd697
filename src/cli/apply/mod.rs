//! `mcpgw apply [PATH or PLAN]`: shows what changes, asks, and makes it live as a whole or not at all.

pub(super) mod outcome;

mod progress;
mod saved;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::arguments::{Apply, FailOn, PlanFormat, TextFormat};
use super::ask;
use super::exit::{Exit, Failure, Outcome};
use super::gateway;
use super::output::Output;
use super::plan::{self, Judged};
use super::running::Running;
use crate::config::{Bundle, Root, RootKind};
use crate::control::{Changed, ControlError};
use crate::plan::render::{Hold, Report};
use crate::plan::{Plan, diff, render};
use crate::serve::state_directory;
use crate::text::safe;
use outcome::stale;
use progress::Progress;
use saved::Saved;

pub(super) fn run(arguments: &Apply, output: &Output) -> Outcome {
    let given = arguments.paths.all();
    let saved = match saved::named(&given) {
        Some(_) if arguments.reviewed.is_some() => {
            return Err(Failure::usage(
                "`--reviewed` goes with a PATH: a saved plan needs no other",
            ));
        }
        Some(path) => Some(Saved::read(path)?),
        None => None,
    };
    let paths = saved.as_ref().map_or(given, |saved| saved.paths().to_vec());
    let state = state_directory(arguments.gateway.state.as_deref(), &paths);
    let settings = plan::settings(arguments.locked, &state);
    let proposed = match &saved {
        Some(saved) => saved.judged(&settings, output)?,
        None => plan::files(&paths, &settings, PlanFormat::Human, output)?,
    };
    for path in proposed.snapshot.public_files() {
        if !proposed.bundle.public_files.contains_key(&path) {
            let path = path.display().to_string();
            output.warn(&format!(
                "{} cannot be read here, so that the gateway does not get it",
                safe(&path)
            ));
        }
    }
    let running = Running::find(&arguments.gateway, &paths, output)?;
    if let Some(saved) = &saved {
        saved.check(&running, &settings)?;
    }
    if running.follows == "files" {
        same_files(&running, &proposed)?;
    }
    let accepted = plan::settings(false, &state);
    let current = running.judged(&accepted)?.rebased(&proposed, &accepted);
    let difference = diff(&current.side(), &proposed.side(), &running.catalogue()?);
    if let Some(path) = &arguments.reviewed {
        Saved::read(path)?.check_review(&difference)?;
    }
    let shown = show(
        &difference,
        &current,
        &proposed,
        running.holds()?,
        arguments.format,
        output,
    )?;
    if current.bundle.digest() == proposed.bundle.digest()
        && current.bundle.public_files == proposed.bundle.public_files
    {
        let changed = Changed::Unchanged {
            generation: running.generation,
        };
        return outcome::told(&changed, shown, arguments.format, output);
    }
    if plan::exit(&difference, &arguments.fail_on, false) == Exit::PolicyNo {
        return Err(refused(&difference, &arguments.fail_on));
    }
    let is_reviewed = saved.is_some() || arguments.reviewed.is_some();
    if !arguments.yes && !is_reviewed {
        confirm(
            "Make this live?",
            "give `--yes`, or save a plan with `mcpgw plan --out FILE` and apply that",
        )?;
    }
    let changed = send(arguments, &running, &proposed.bundle, output).map_err(|error| gateway::told(&error))?;
    outcome::told(&changed, shown, arguments.format, output)
}

/// Shows the plan; for programs it comes with the outcome.
pub(super) fn show(
    plan: &Plan,
    current: &Judged,
    proposed: &Judged,
    holds: Vec<Hold>,
    format: TextFormat,
    output: &Output,
) -> Result<Option<Value>, Failure> {
    let report = Report {
        plan,
        current: current.base.clone(),
        proposed: proposed.base.clone(),
        findings: proposed.findings(),
        holds,
        command: None,
        all: false,
    };
    match format {
        TextFormat::Human => {
            output.data(plan::rendered(&report, PlanFormat::Human, output))?;
            Ok(None)
        }
        TextFormat::Json => serde_json::from_str(&render::json(&report))
            .map(Some)
            .map_err(Failure::new),
    }
}

/// Asks where somebody can be asked; nothing changes without a yes.
pub(super) fn confirm(question: &str, otherwise: &str) -> Result<(), Failure> {
    if !ask::is_possible() {
        return Err(Failure::new("nothing has changed: there is no terminal to ask on").hint(otherwise));
    }
    if ask::yes(question)? {
        Ok(())
    } else {
        Err(Failure::new("nothing has changed: the answer was no"))
    }
}

fn send(arguments: &Apply, running: &Running, bundle: &Bundle, output: &Output) -> Result<Changed, ControlError> {
    if running.follows == "files" {
        return running.gateway.reload(Some(&bundle.digest()), arguments.timeout);
    }
    let request = json!({
        "base": running.digest,
        "bundle": bundle,
        "locked": arguments.locked,
        "unreachable-ok": arguments.unreachable_ok,
    });
    let mut progress = Progress::new(output);
    running
        .gateway
        .apply(&request, arguments.timeout, |event| progress.hear(event))
}

fn refused(plan: &Plan, fail_on: &[FailOn]) -> Failure {
    let mut why = Vec::new();
    for what in fail_on {
        match what {
            FailOn::Widen if plan.widens_access() => why.push("access widens"),
            FailOn::Exposure if plan.widens_exposure() => why.push("exposure widens"),
            FailOn::Unknown if plan.has_unknown() => why.push("some access is unknown"),
            FailOn::Widen | FailOn::Exposure | FailOn::Unknown => {}
        }
    }
    Failure::with(
        Exit::PolicyNo,
        format_args!("nothing has changed: {}, and `--fail-on` says no", why.join(", ")),
    )
}

/// A gateway that follows files reads its own: others cannot be applied to it.
fn same_files(running: &Running, proposed: &Judged) -> Result<(), Failure> {
    let (theirs, ours) = (files_of(&running.bundle), files_of(&proposed.bundle));
    if theirs == ours {
        return Ok(());
    }
    let shown = |paths: &[PathBuf]| {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        safe(&paths.join(" ")).into_owned()
    };
    Err(Failure::new(format_args!(
        "this gateway follows the files at {}, and {} is not what it follows",
        shown(&theirs),
        shown(&ours)
    ))
    .hint(
        "change the files that it follows, or run it with `--no-watch` or `serve --state DIR` to change it by `apply`",
    ))
}

/// The PATHs as the file system knows them.
fn files_of(bundle: &Bundle) -> Vec<PathBuf> {
    let real = |root: &Root| {
        let path = match root.kind() {
            RootKind::Directory => root.base().to_owned(),
            RootKind::File => root.base().join(root.path().file_name().unwrap_or_default()),
        };
        path.canonicalize().unwrap_or(path)
    };
    bundle.roots.iter().map(real).collect()
}

/// As given or as the current directory has it.
fn is_here(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

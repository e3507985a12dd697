//! `mcpgw rollback [N]`: makes the files of an earlier generation live again, as a change like any other.
//!
//! No server needs to answer for it. Whoever it would let in again is said first, and asked about.

use std::path::Path;

use super::apply::{confirm, outcome, show};
use super::arguments::Rollback;
use super::exit::{Failure, Outcome};
use super::gateway;
use super::history::Kept;
use super::output::Output;
use super::plan::{self, Judged, files_base};
use super::running::{Running, taken};
use crate::compile::Settings;
use crate::config::{Bundle, Root};
use crate::control::Changed;
use crate::plan::{Plan, diff};
use crate::serve::state_directory;
use crate::text::safe;

pub(super) fn run(arguments: &Rollback, output: &Output) -> Outcome {
    let asking = &arguments.asking;
    let paths = asking.config.all();
    let running = Running::find(&asking.gateway, &paths, output)?;
    if running.follows == "files" {
        return Err(follows_files(&running.bundle));
    }
    let target = match arguments.generation {
        Some(number) => number,
        None => before(&running)?,
    };
    let kept = Kept::of(&running, target)?;
    let settings = plan::settings(false, &state_directory(asking.gateway.state.as_deref(), &paths));
    let proposed = judged(kept, &settings)?;
    let current = running.judged(&settings)?.rebased(&proposed, &settings);
    let difference = diff(&current.side(), &proposed.side(), &running.catalogue()?);
    let shown = show(
        &difference,
        &current,
        &proposed,
        running.holds()?,
        asking.format,
        output,
    )?;
    if running.bundle.digest() == proposed.bundle.digest()
        && running.bundle.public_files == proposed.bundle.public_files
    {
        let changed = Changed::Unchanged {
            generation: running.generation,
        };
        return outcome::told(&changed, shown, asking.format, output);
    }
    let widens = widens(&difference);
    if let (Some(what), false) = (&widens, arguments.yes) {
        output.warn(&format!("going back to generation {target} {what}"));
        confirm("Go back all the same?", "look at the plan, then give `--yes`")?;
    }
    let changed = running
        .gateway
        .rollback(&running.digest, target, arguments.timeout)
        .map_err(|error| gateway::told(&error))?;
    outcome::told(&changed, shown, asking.format, output)
}

/// The newest kept generation before the present one.
fn before(running: &Running) -> Result<u64, Failure> {
    let history = running.history()?;
    let earlier = history.iter().map(|head| head.generation);
    earlier
        .filter(|number| *number < running.generation)
        .max()
        .ok_or_else(|| Failure::new("there is no generation before the present one"))
}

fn judged(kept: Kept, settings: &Settings) -> Result<Judged, Failure> {
    let Kept { head, bundle } = kept;
    let name = format!("generation {}, of {} by {}", head.generation, head.at, head.by);
    taken(&bundle, files_base("applied", name, bundle.digest()), settings)
}

fn widens(plan: &Plan) -> Option<&'static str> {
    match (plan.widens_access(), plan.widens_exposure()) {
        (true, true) => Some("widens access and exposure"),
        (true, false) => Some("widens access"),
        (false, true) => Some("widens exposure"),
        (false, false) => plan
            .has_unknown()
            .then_some("changes access in a way that cannot be told"),
    }
}

/// Where files are followed, git is the history.
fn follows_files(bundle: &Bundle) -> Failure {
    let base = bundle.roots.last().map_or(Path::new("."), Root::base);
    let base = base.display().to_string();
    Failure::new(format_args!(
        "this gateway follows the files at {}: what they say counts, and nothing else",
        safe(&base)
    ))
    .hint(format_args!(
        "take the change back there, and it follows: `git -C {} revert HEAD`",
        safe(&base)
    ))
}

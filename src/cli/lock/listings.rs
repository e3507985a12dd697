//! Where the definitions come from: the running gateway, or the servers themselves. No program starts unasked.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::super::arguments::{Lock as Arguments, Source};
use super::super::ask;
use super::super::exit::Failure;
use super::super::gateway;
use super::super::output::Output;
use super::Known;
use crate::control;
use crate::mcp::json::quote;
use crate::name::ServerName;
use crate::serve::{self, Listing, Unlisted, programs};
use crate::snapshot::{Server, Snapshot};
use crate::text::safe;

pub(super) type Listings = serve::Listings;

/// For all servers together; one that has to fetch its program first takes a while.
const LIMIT: Duration = Duration::from_secs(180);

pub(super) fn take(
    arguments: &Arguments,
    snapshot: &Snapshot,
    known: &[Known],
    state: &Path,
    output: &Output,
) -> Result<Listings, Failure> {
    let names: Vec<&ServerName> = known.iter().map(|known| &known.server).collect();
    match arguments.from {
        Some(Source::Live) => {
            let gateway = gateway::find(&arguments.gateway, &arguments.paths.all(), output)?;
            let catalogues = gateway.catalogue().map_err(|error| gateway::told(&error))?;
            let listing = |name: &&ServerName| ((*name).clone(), live(catalogues.servers.get(name.as_str())));
            Ok(names.iter().map(listing).collect())
        }
        None => ask_servers(arguments.run_commands, snapshot, &names, state, output),
    }
}

fn live(catalogue: Option<&control::Catalogue>) -> Result<Listing, Unlisted> {
    let unlisted = |reason: String| Unlisted {
        reason,
        wants_credential: false,
    };
    let Some(catalogue) = catalogue else {
        return Err(unlisted("the running gateway does not have it".to_owned()));
    };
    let all = |raw: &[Box<RawValue>]| {
        let bytes = raw.iter().map(|raw| Bytes::copy_from_slice(raw.get().as_bytes()));
        bytes.collect()
    };
    match (catalogue.state.as_str(), &catalogue.protocol) {
        ("ready", Some(protocol)) => Ok(Listing {
            protocol: protocol.clone(),
            tools: all(&catalogue.tools),
            prompts: all(&catalogue.prompts),
            templates: all(&catalogue.templates),
        }),
        ("failed", _) => {
            let reason = catalogue.reason.as_deref().unwrap_or("it does not say why");
            Err(unlisted(format!("the running gateway cannot list it: {reason}")))
        }
        _ => Err(unlisted("the running gateway has not listed it yet".to_owned())),
    }
}

fn ask_servers(
    run_commands: bool,
    snapshot: &Snapshot,
    names: &[&ServerName],
    state: &Path,
    output: &Output,
) -> Result<Listings, Failure> {
    let mut servers: BTreeMap<ServerName, Arc<Server>> = snapshot
        .servers
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, server)| (name.clone(), Arc::clone(server)))
        .collect();
    let mut listings = Listings::new();
    let started: Vec<(ServerName, Vec<Vec<String>>)> = servers
        .iter()
        .map(|(name, server)| (name.clone(), programs(server)))
        .filter(|(_, programs)| !programs.is_empty())
        .collect();
    if !started.is_empty() && !run_commands && !may_start(&started, output)? {
        for (name, _) in started {
            servers.remove(&name);
            let unlisted = Unlisted {
                reason: "its program is started only with `--run-commands`".to_owned(),
                wants_credential: false,
            };
            listings.insert(name, Err(unlisted));
        }
    }
    let watched = io::stderr().is_terminal();
    let asked = serve::survey(&servers, &snapshot.gateway.limits, state, LIMIT, |name, outcome| {
        if watched {
            let word = if outcome.is_ok() { "listed" } else { "not listed" };
            output.tell(&format!("{name}: {word}"));
        }
    });
    listings.extend(asked.map_err(|error| Failure::new(safe(&error.to_string())))?);
    Ok(listings)
}

/// Asks on a terminal, with every argument in sight. Without one the answer is no.
fn may_start(started: &[(ServerName, Vec<Vec<String>>)], output: &Output) -> Result<bool, Failure> {
    if !ask::is_possible() {
        return Ok(false);
    }
    output.tell("To list what these servers offer, these programs are started:");
    for (name, programs) in started {
        for argv in programs {
            let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
            output.tell(&format!("  {name}: [{}]", safe(&words.join(", "))));
        }
    }
    ask::yes("Start them?")
}

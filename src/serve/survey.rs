//! What servers list, asked by a command that is no gateway: secrets are resolved here and now, server by server.
//!
//! Nothing outlives the survey: processes are ended, sessions closed, also where it is interrupted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::name::ServerName;
use crate::serve::Error;
use crate::serve::secrets::Secrets;
use crate::serve::state;
use crate::serve::world::of_server;
use crate::snapshot::{GatewayLimits, SecretRef, Server, Transport};
use crate::upstream::{self, Catalogue, Context, Failure, FailureKind, Settings};

/// What one server lists, each definition with the bytes that it sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// The version that it speaks.
    pub protocol: String,
    pub tools: Vec<Bytes>,
    pub prompts: Vec<Bytes>,
    pub templates: Vec<Bytes>,
}

/// Why a server cannot be listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unlisted {
    /// In words that hold no secret; parts of it may be the server's.
    pub reason: String,
    /// It wants a credential that it was not given, and is otherwise well.
    pub wants_credential: bool,
}

pub type Listings = BTreeMap<ServerName, Result<Listing, Unlisted>>;

/// Programs that asking this server starts: its command, and the commands that print its secrets.
pub fn programs(server: &Server) -> Vec<Vec<String>> {
    let secrets = of_server(server)
        .into_iter()
        .filter_map(|(_, reference)| match reference {
            SecretRef::Command(argv) => Some(argv.clone()),
            SecretRef::Env(_) | SecretRef::File(_) => None,
        });
    let own = match &server.transport {
        Transport::Stdio { argv, .. } => Some(argv.clone()),
        Transport::Http { .. } => None,
    };
    own.into_iter().chain(secrets).collect()
}

/// Asks servers what they list, all within `limit`; starts their programs. `told` hears of each outcome as it comes.
/// Where the user interrupts, everything is ended and that is the error.
pub fn survey(
    servers: &BTreeMap<ServerName, Arc<Server>>,
    limits: &GatewayLimits,
    state: &Path,
    limit: Duration,
    told: impl FnMut(&ServerName, &Result<Listing, Unlisted>),
) -> Result<Listings, Error> {
    let runs_programs = servers
        .values()
        .any(|server| matches!(server.transport, Transport::Stdio { .. }));
    // Private homes of programs stand in it; who only connects needs none.
    let state = if runs_programs {
        state::prepare(state)?
    } else {
        state.to_owned()
    };
    let executable =
        std::env::current_exe().map_err(|error| Error::new(format!("cannot find this program's own file: {error}")))?;
    let context = Context::new(state, executable);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("cannot start the runtime: {error}")))?;
    let listings = runtime.block_on(async {
        tokio::select! {
            listings = ask(servers, limits, &context, limit, told) => Ok(listings),
            _ = tokio::signal::ctrl_c() => Err(Error::new("interrupted")),
        }
    });
    // Processes that were not waited for are killed with the tasks that hold them.
    runtime.shutdown_timeout(Duration::from_secs(1));
    listings
}

async fn ask(
    servers: &BTreeMap<ServerName, Arc<Server>>,
    limits: &GatewayLimits,
    context: &Context,
    limit: Duration,
    mut told: impl FnMut(&ServerName, &Result<Listing, Unlisted>),
) -> Listings {
    let deadline = Instant::now() + limit;
    let references = servers
        .values()
        .flat_map(|server| of_server(server))
        .map(|(_, reference)| reference.clone());
    let secrets = Secrets::resolve(references.collect()).await;
    let (mut settings, mut listings) = (Vec::new(), Listings::new());
    for (name, server) in servers {
        let read = |path: &Path| std::fs::read(path).map(Bytes::from).map_err(|error| error.to_string());
        match Settings::resolve(
            name,
            server,
            &BTreeMap::new(),
            limits,
            |reference| secrets.get(reference),
            read,
        ) {
            Ok(resolved) => settings.push(resolved),
            Err(error) => {
                let unlisted = Err(Unlisted {
                    reason: error.problem,
                    wants_credential: false,
                });
                told(name, &unlisted);
                listings.insert(name.clone(), unlisted);
            }
        }
    }
    let survey = upstream::survey(settings, context, deadline, |name, outcome| {
        let outcome = outcome.as_ref().map(Listing::of).map_err(Unlisted::of);
        told(name, &outcome);
        listings.insert(name.clone(), outcome);
    });
    drop(survey.await);
    listings
}

impl Listing {
    fn of(catalogue: &Catalogue) -> Self {
        let raw = |items: &[upstream::Item]| items.iter().map(|item| item.raw.clone()).collect();
        Self {
            protocol: catalogue.version.map(|version| version.to_string()).unwrap_or_default(),
            tools: catalogue.tools.iter().map(|tool| tool.item.raw.clone()).collect(),
            prompts: raw(&catalogue.prompts),
            templates: raw(&catalogue.templates),
        }
    }
}

impl Unlisted {
    fn of(failure: &Failure) -> Self {
        Self {
            reason: format!("{}: {}", failure.kind.as_str(), failure.detail),
            wants_credential: failure.kind == FailureKind::Unauthorized,
        }
    }
}

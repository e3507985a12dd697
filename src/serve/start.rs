//! From options to a serving process, and from a signal to its end.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::auth::Auth;
use crate::fetch::Fetch;
use crate::gate::{self, Gate, Generation, SharedRates};
use crate::pii::Cover;
use crate::serve::adopt::{Adopter, SHUT_DOWN, keep};
use crate::serve::apply::Asked;
use crate::serve::carried::Sealer;
use crate::serve::changes;
use crate::serve::control::{self, Remotes};
use crate::serve::core_file;
use crate::serve::files::{self, Files};
use crate::serve::fixed::{self, Fixed};
use crate::serve::follow::{Follower, GATEWAY};
use crate::serve::listener::{self, Listener, Shared};
use crate::serve::live::{Live, Parts, Report};
use crate::serve::logging::Log;
use crate::serve::meter;
use crate::serve::metrics;
use crate::serve::replicas::Group;
use crate::serve::running;
use crate::serve::sessions::Sessions;
use crate::serve::signals::{self, Signals};
use crate::serve::state::{State, state_directory};
use crate::serve::take_part::Known;
use crate::serve::watch::Watched;
use crate::serve::world::{Draft, World};
use crate::serve::{Error, Follows, Options};
use crate::store::{self, Generations, How, Records, Vault};
use crate::upstream::{Context, Credentials};

/// Changes that wait for their turn; each is answered.
const ASKED: usize = 16;

/// For the last lines of the audit log.
const CLOSE: Duration = Duration::from_secs(5);

/// Runs the gateway until it is told to end.
pub fn run(options: Options) -> Result<(), Error> {
    let directory = state_directory(options.state.as_deref(), &options.paths);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("cannot start the runtime: {error}")))?;
    let fixed = runtime.block_on(Fixed::resolve(&options))?;
    let beginning = match options.follows {
        Follows::Files | Follows::Start => {
            // What is wrong with files is told before anything is made.
            let (loaded, watched) = files::load(&options.paths, &directory, options.locked);
            let files = loaded.map_err(refused)?;
            let state = State::claim(&directory)?;
            Beginning::with_files(files, watched, state)?
        }
        Follows::Applies => {
            let state = State::claim(&directory)?;
            runtime.block_on(Beginning::with_store(state, options.locked, fixed.store.as_ref()))?
        }
    };
    let snapshot = &beginning.files.snapshot;
    let cover = Cover::of(snapshot.pii.values()).map_err(|error| Error::new(error.to_string()))?;
    let log = Log::start(&snapshot.gateway.telemetry, cover, options.colour)?;
    core_file::forbid();
    let outcome = runtime.block_on(serve(options, log, fixed, beginning));
    // Nothing that still runs may hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// What the process begins with.
struct Beginning {
    state: State,
    store: Arc<dyn Generations>,
    files: Files,
    watched: Watched,
    /// The newest generation of the store, 0 for none; and are these its files?
    newest: u64,
    is_kept: bool,
}

impl Beginning {
    fn with_files(files: Files, watched: Watched, state: State) -> Result<Self, Error> {
        let store = store::Files::of(&state.directory);
        let latest = store.latest().map_err(|error| Error::new(error.to_string()))?;
        // As they were when it ended: it goes on as the same generation.
        let is_kept = latest
            .as_ref()
            .and_then(|kept| running::bundle_of(kept).ok())
            .is_some_and(|bundle| {
                *bundle.digest() == *files.digest && bundle.public_files == files.bundle.public_files
            });
        Ok(Self {
            newest: latest.map_or(0, |kept| kept.head.generation),
            state,
            store: Arc::new(store),
            files,
            watched,
            is_kept,
        })
    }

    /// That of several gateways, if there is one.
    async fn with_store(state: State, locked: bool, shared: Option<&fixed::Store>) -> Result<Self, Error> {
        let store: Arc<dyn Generations> = match shared {
            Some(shared) => Arc::new(shared.replicas()?),
            None => Arc::new(store::Files::of(&state.directory)),
        };
        let latest = store.newest().await.map_err(|error| Error::new(error.to_string()))?;
        let files = match &latest {
            None => Files::nothing().map_err(refused)?,
            Some(kept) => {
                let bundle = running::bundle_of(kept).map_err(Error::new)?;
                files::of_bundle(&bundle, locked).map_err(refused)?
            }
        };
        Ok(Self {
            newest: latest.map_or(0, |kept| kept.head.generation),
            state,
            store,
            files,
            watched: Watched::default(),
            is_kept: true,
        })
    }
}

fn refused(refused: files::Refused) -> Error {
    Error::Findings {
        findings: refused.findings,
        sources: refused.sources,
    }
}

async fn serve(options: Options, log: Log, fixed: Fixed, beginning: Beginning) -> Result<(), Error> {
    // From here on a signal is an orderly end.
    let (mut signals, hangup) = (Signals::new()?, signals::hangup()?);
    let Beginning {
        state,
        store,
        files,
        watched,
        newest,
        is_kept,
    } = beginning;
    let world = Draft::build(files, &fixed).await.whole();
    let world = world.map_err(|problems| Error::new(problems.join("\n")))?;
    let bound = Bound::of(&world)?;
    let socket = control::bind(&state).await?;

    let executable =
        std::env::current_exe().map_err(|error| Error::new(format!("cannot find this program's own file: {error}")))?;
    let mut context = Context::new(state.directory.clone(), executable);
    if world.is_shared() && options.follows != Follows::Files && fixed.store.is_none() {
        return Err(only_for_files());
    }
    let vault = vault(&state, &world).await?;
    let group = group(&state, &world)?;
    let auth = people(&vault, &mut context);
    let number = newest + u64::from(!is_kept);
    let generation = world
        .generation(number, None, &context, &state.directory, auth.held())
        .map_err(|problems| Error::new(problems.join("\n")))?;
    if !is_kept && let Err(problem) = keep(&*store, &world.files, newest, GATEWAY, How::Start).await {
        tracing::warn!(problem, "history lacks what is served now");
    }
    let of = (number, &*world.files.digest);
    changes::live(generation.recording.log(), of, GATEWAY, How::Start).await;
    let shared = Shared::new(
        world.tls.as_ref().map(|tls| Arc::clone(&tls.config)),
        world.files.snapshot.gateway.limits.connections,
    );
    let parts = Parts {
        gate: gate(generation, auth, &vault),
        paths: options.paths.clone(),
        state: state.directory.clone(),
        follows: options.follows,
        store: Arc::clone(&store),
        group,
        credentials: context.credentials.clone(),
        shared,
        control: Remotes::new(world.control.as_ref()),
    };
    let live = Live::new(parts, world.files.served(number), bound.report()?);
    let (ask, asked) = mpsc::channel(ASKED);
    let (endpoints, metrics, control) = bound
        .start(&live, &ask)
        .map_err(|error| Error::new(format!("cannot listen: {error}")))?;
    let socket = socket.start(&live, ask.clone());
    tokio::spawn(Arc::clone(&live).become_ready());
    let beating = beat(&live);
    greet(&live, &log, options.colour);

    let adopter = Adopter {
        live: Arc::clone(&live),
        log,
        context,
        store,
        vault,
        fixed,
        ask,
        world,
        endpoints,
        metrics,
        control,
    };
    let follower = Follower {
        live: Arc::clone(&live),
        paths: options.paths,
        locked: options.locked,
        adopter,
        watched,
        known: Known::default(),
    };
    let follower = tokio::spawn(follower.run(asked, hangup));
    let signal = signals.end().await;
    tracing::info!(signal, "draining");
    let drained = tokio::select! {
        () = drain(&live) => true,
        signal = signals.end() => {
            tracing::warn!(signal, "a second signal: calls in flight are cut off");
            false
        }
    };
    follower.abort();
    drop(socket);
    if let Some(beating) = beating {
        beating.abort();
    }
    end(&live).await;
    if drained {
        tracing::info!("the end");
    }
    drop(state);
    Ok(())
}

/// Tells the other gateways of this one, as long as the task runs.
fn beat(live: &Arc<Live>) -> Option<JoinHandle<()>> {
    let group = live.group.clone()?;
    Some(tokio::spawn(group.keep_beating(Arc::clone(live))))
}

/// What others are told of the end, and the last lines.
async fn end(live: &Live) {
    if let Some(group) = &live.group {
        // Nobody is to wait for it; else it is forgotten after a while.
        let _forgotten = group.store.leave(&group.id).await;
    }
    let generation = live.gate.generation();
    if timeout(CLOSE, generation.recording.log().close()).await.is_err() {
        tracing::error!("the audit log does not take its last lines");
    }
    if let Some(traces) = &generation.traces {
        traces.end().await;
    }
}

/// Listeners that are bound and do not answer yet.
struct Bound {
    endpoints: Option<TcpListener>,
    metrics: Option<TcpListener>,
    control: Option<TcpListener>,
}

impl Bound {
    fn of(world: &World) -> Result<Self, Error> {
        let bind = |key: &str, address: Option<SocketAddr>| {
            let bound = address.map(|address| listener::bind(key, address)).transpose();
            bound.map_err(busy)
        };
        let gateway = &world.files.snapshot.gateway;
        let control = world.control.as_ref().map(|control| control.listen);
        Ok(Self {
            endpoints: bind("gateway.listen", world.listen())?,
            metrics: bind("gateway.telemetry.metrics", gateway.telemetry.metrics)?,
            control: bind("gateway.control.listen", control)?,
        })
    }

    fn report(&self) -> Result<Report, Error> {
        let local = |bound: &Option<TcpListener>| {
            let address = bound.as_ref().map(TcpListener::local_addr).transpose();
            address.map_err(|error| Error::new(format!("cannot listen: {error}")))
        };
        Ok(Report {
            listen: local(&self.endpoints)?,
            metrics: local(&self.metrics)?,
            control: local(&self.control)?,
            since: Timestamp::now(),
            last: None,
            failure: None,
            rotation: None,
        })
    }

    fn start(self, live: &Arc<Live>, ask: &mpsc::Sender<Asked>) -> io::Result<Started> {
        Ok((
            self.endpoints.map(|bound| serve_endpoints(bound, live)).transpose()?,
            self.metrics.map(|bound| serve_metrics(bound, live)).transpose()?,
            self.control
                .map(|bound| control::serve_remote(bound, live, ask))
                .transpose()?,
        ))
    }
}

/// Of endpoints, metrics and the control API.
type Started = (Option<Listener>, Option<Listener>, Option<Listener>);

/// The records of the state directory, or those of several gateways: what does not open must not look as if it were not there.
async fn vault(state: &State, world: &World) -> Result<Vault, Error> {
    let keys = world.keys(&state.directory).map_err(Error::new)?;
    let shelf = world.shelf(&state.directory).map_err(Error::new)?;
    let vault = Vault::open(shelf, keys).await;
    vault.map_err(|error| Error::new(error.to_string()))
}

/// A configuration that is applied cannot say where it lies itself.
fn only_for_files() -> Error {
    Error::new("`gateway.store.redis` is for gateways that follow files: this one changes by applies")
        .hint("share applies with `mcpgw serve --state DIR --redis-env NAME --key-file FILE`, or run `mcpgw serve PATH` without `--no-watch`")
}

fn group(state: &State, world: &World) -> Result<Option<Arc<Group>>, Error> {
    let keys = world.keys(&state.directory).map_err(Error::new)?;
    let replicas = world.replicas(keys).map_err(|error| Error::new(error.to_string()))?;
    replicas.map(Group::new).transpose()
}

/// Hands the connections of a bound address to the gate.
pub(super) fn serve_endpoints(bound: TcpListener, live: &Arc<Live>) -> io::Result<Listener> {
    let gate = Arc::clone(&live.gate);
    Listener::start(bound, &live.shared, move |peer, request| {
        gate::handle(Arc::clone(&gate), peer, request)
    })
}

/// Hands the connections of a bound address to metrics and health checks.
pub(super) fn serve_metrics(bound: TcpListener, live: &Arc<Live>) -> io::Result<Listener> {
    let shared = Shared::new(None, metrics::CONNECTIONS);
    let (live, address) = (Arc::clone(live), bound.local_addr()?);
    Listener::start(bound, &shared, move |_peer, request| {
        let answer = metrics::answer(&live, address, &request);
        async move { answer }
    })
}

/// What the store does for the gate: it seals tokens, keeps sessions, and counts calls where several gateways have it.
fn gate(generation: Generation, auth: Arc<Auth>, vault: &Vault) -> Arc<Gate> {
    let (seal, sessions) = (Arc::new(Sealer(vault.carried())), Sessions::of(vault));
    let rates = vault
        .meter()
        .map(|meter| -> Arc<dyn SharedRates> { Arc::new(meter::Shared(meter)) });
    Gate::new(generation, auth, seal, sessions, rates)
}

/// What is kept of people: what they let clients do, and the credentials that they gave.
fn people(vault: &Vault, context: &mut Context) -> Arc<Auth> {
    let records: Arc<dyn Records> = Arc::new(vault.clone());
    let fetch = Fetch::new(Arc::clone(&context.roots));
    context.credentials = Some(Credentials::new(Arc::clone(&records), fetch.clone()));
    Auth::new(records, vault.mirror(), fetch)
}

/// Ends the streams, lets calls in flight finish within `drain-timeout`, then ends what servers keep for us.
async fn drain(live: &Live) {
    let generation = live.gate.generation();
    let limit = generation.snapshot.gateway.limits.drain_timeout;
    live.shared.draining.cancel();
    live.gate.drain();
    live.shared.tasks.close();
    if timeout(limit, live.shared.tasks.wait()).await.is_err() {
        tracing::warn!(
            connections = live.shared.connections.open(),
            "`drain-timeout` is over: what is left is cut off"
        );
    }
    let deadline = Instant::now() + SHUT_DOWN;
    join_all(
        generation
            .upstreams
            .values()
            .map(|upstream| upstream.shut_down(deadline)),
    )
    .await;
}

/// Where to find what: for people on stderr, for programs one line of the log.
fn greet(live: &Live, log: &Log, colour: bool) {
    let (generation, report) = (live.gate.generation(), live.report());
    let state = live.state.display();
    let (bold, plain) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let version = env!("CARGO_PKG_VERSION");
    let mut lines = Vec::new();
    if let Some(listen) = report.listen {
        let url = base_url(&generation.snapshot.gateway, listen);
        if !log.is_text() {
            tracing::info!(url, %state, servers = generation.upstreams.len(), "listening");
            return;
        }
        lines.push(format!("{bold}mcpgw {version}{plain} listens on {listen}"));
        let endpoints = generation.snapshot.endpoints.keys();
        lines.extend(endpoints.map(|name| format!("  {bold}{url}/mcp/{name}{plain}")));
    } else if log.is_text() {
        lines.push(format!(
            "{bold}mcpgw {version}{plain} serves nothing yet: run `mcpgw apply PATH --state {state}`"
        ));
    } else {
        tracing::info!(%state, "waiting for the first apply");
        return;
    }
    let paths: Vec<String> = live.paths.iter().map(|path| path.display().to_string()).collect();
    let from = match live.follows {
        Follows::Files => format!("files: {} (followed)", paths.join(", ")),
        Follows::Start => format!("files: {} (not followed: `--no-watch`)", paths.join(", ")),
        Follows::Applies => format!("generation: {} (follows applies)", generation.number),
    };
    lines.push(format!(
        "  servers: {}; {from}; state: {state}",
        generation.upstreams.len()
    ));
    if let Some(control) = report.control {
        lines.push(format!("  control API: {control}"));
    }
    let text = lines.join("\n") + "\n";
    // Nobody may be listening to stderr; the gateway serves all the same.
    let _unheard = io::stderr().write_all(text.as_bytes());
}

/// `public-url`, but for a default one of port 0, which only the bound address knows.
pub(super) fn base_url(gateway: &crate::snapshot::Gateway, bound: std::net::SocketAddr) -> String {
    if gateway.listen.port() == 0 && gateway.public_url == format!("http://{}", gateway.listen) {
        return format!("http://{bound}");
    }
    gateway.public_url.clone()
}

fn busy(problem: String) -> Error {
    Error::new(problem)
        .hint("another gateway may run already: `mcpgw status` asks it; else write another address into `mcpgw.toml`")
}

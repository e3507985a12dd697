//! From options to a serving process, and from a signal to its end.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::gate::{self, Gate};
use crate::serve::control;
use crate::serve::files::{self, Files};
use crate::serve::follow::{Follower, SHUT_DOWN};
use crate::serve::listener::{self, Listener, Shared};
use crate::serve::live::{Live, Report};
use crate::serve::logging::Log;
use crate::serve::metrics;
use crate::serve::signals::{self, Signals};
use crate::serve::state::{State, state_directory};
use crate::serve::watch::Watched;
use crate::serve::world::{Upstreams, World};
use crate::serve::{Error, Options};
use crate::upstream::Context;

/// Reloads that wait for their turn; each is answered.
const ASKED: usize = 16;

/// Runs the gateway until it is told to end.
pub fn run(options: Options) -> Result<(), Error> {
    let directory = state_directory(options.state.as_deref(), &options.paths);
    let (loaded, watched) = files::load(&options.paths, &directory, options.locked);
    let files = loaded.map_err(|refused| Error::Findings {
        findings: refused.findings,
        sources: refused.sources,
    })?;
    let state = State::claim(&directory)?;
    let log = Log::start(&files.snapshot.gateway.telemetry, options.colour)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("cannot start the runtime: {error}")))?;
    let outcome = runtime.block_on(serve(options, state, log, files, watched));
    // Nothing that still runs may hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(options: Options, state: State, log: Log, files: Files, watched: Watched) -> Result<(), Error> {
    // From here on a signal is an orderly end.
    let (mut signals, hangup) = (Signals::new()?, signals::hangup()?);
    let world = World::build(files)
        .await
        .map_err(|problems| Error::new(problems.join("\n")))?;
    let gateway = &world.files.snapshot.gateway;
    let bound = listener::bind("gateway.listen", gateway.listen).map_err(busy)?;
    let bound_metrics = gateway
        .telemetry
        .metrics
        .map(|address| listener::bind("gateway.telemetry.metrics", address))
        .transpose();
    let bound_metrics = bound_metrics.map_err(busy)?;
    let control = control::bind(&state).await?;

    let executable =
        std::env::current_exe().map_err(|error| Error::new(format!("cannot find this program's own file: {error}")))?;
    let context = Context::new(state.directory.clone(), executable);
    let generation = world
        .generation(1, &Upstreams::new(), &context)
        .map_err(|problems| Error::new(problems.join("\n")))?;
    let gate = Gate::new(generation);
    let shared = Shared::new(
        world.tls.as_ref().map(|tls| Arc::clone(&tls.config)),
        gateway.limits.connections,
    );
    let report = Report {
        listen: local(&bound)?,
        metrics: bound_metrics.as_ref().map(local).transpose()?,
        since: Timestamp::now(),
        last: None,
        failure: None,
        rotation: None,
    };
    let live = Live::new(
        gate,
        shared,
        options.paths.clone(),
        state.directory.clone(),
        options.watch,
        world.files.served(1),
        report,
    );
    let cannot = |error: io::Error| Error::new(format!("cannot listen: {error}"));
    let endpoints = serve_endpoints(bound, &live).map_err(cannot)?;
    let metrics = bound_metrics
        .map(|bound| serve_metrics(bound, &live))
        .transpose()
        .map_err(cannot)?;
    let (ask, asked) = mpsc::channel(ASKED);
    let control = control.start(&live, ask);
    tokio::spawn(Arc::clone(&live).become_ready());
    greet(&live, &log, options.colour);

    let follower = Follower {
        live: Arc::clone(&live),
        paths: options.paths,
        locked: options.locked,
        log,
        context,
        world,
        endpoints,
        metrics,
        watched,
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
    drop(control);
    if drained {
        tracing::info!("the end");
    }
    drop(state);
    Ok(())
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
    let url = base_url(&generation.snapshot.gateway, report.listen);
    if !log.is_text() {
        tracing::info!(url, state = %live.state.display(), servers = generation.upstreams.len(), "listening");
        return;
    }
    let (bold, plain) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let head = format!(
        "{bold}mcpgw {}{plain} listens on {}",
        env!("CARGO_PKG_VERSION"),
        report.listen
    );
    let endpoints = generation
        .snapshot
        .endpoints
        .keys()
        .map(|name| format!("  {bold}{url}/mcp/{name}{plain}"));
    let paths: Vec<String> = live.paths.iter().map(|path| path.display().to_string()).collect();
    let tail = format!(
        "  servers: {}; files: {} ({}); state: {}",
        generation.upstreams.len(),
        paths.join(", "),
        if live.follows {
            "followed"
        } else {
            "not followed: `--no-watch`"
        },
        live.state.display()
    );
    let lines: Vec<String> = [head].into_iter().chain(endpoints).chain([tail]).collect();
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

fn local(bound: &TcpListener) -> Result<std::net::SocketAddr, Error> {
    bound
        .local_addr()
        .map_err(|error| Error::new(format!("cannot listen: {error}")))
}

fn busy(problem: String) -> Error {
    Error::new(problem)
        .hint("another gateway may run already: `mcpgw status` asks it; else write another address into `mcpgw.toml`")
}

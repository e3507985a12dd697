//! A server with one of everything the protocol has, for the conformance suite and for clients: both eras, HTTP and stdio.
//!
//! `peer-everything (--http ADDRESS | --stdio) --era (legacy | modern | both) [--page-size N]`. Over HTTP it listens on the
//! address (port 0: any), prints its URL as its only line on stdout and serves until its stdin closes or a signal ends it, so
//! that it never outlives the test that started it. The same tools exist in both eras: what asks the client something
//! sends requests to a legacy client and answers a modern one with `InputRequiredResult`.
#![allow(
    deprecated,
    reason = "logging, sampling and roots are deprecated in 2026-07-28, and still on the wire"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program talks on its streams"
)]

mod catalogue;
mod jobs;
mod server;
mod talk;
mod tools;

use std::process::ExitCode;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rmcp::ServiceExt;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::server::{Era, Everything, Shared};

type Failure = Box<dyn std::error::Error>;

enum Transport {
    Http(String),
    Stdio,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("peer-everything: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let (transport, shared) = arguments()?;
    match transport {
        Transport::Http(address) => serve_http(&address, shared).await,
        Transport::Stdio => serve_stdio(shared).await,
    }
}

fn arguments() -> Result<(Transport, Arc<Shared>), Failure> {
    let (mut transport, mut era, mut page_size) = (None, None, None);
    let mut given = std::env::args().skip(1);
    while let Some(flag) = given.next() {
        match flag.as_str() {
            "--stdio" => transport = Some(Transport::Stdio),
            "--http" => transport = Some(Transport::Http(given.next().ok_or("--http needs an address")?)),
            "--era" => era = Some(given.next().ok_or("--era needs a value")?.parse::<Era>()?),
            "--page-size" => page_size = Some(given.next().ok_or("--page-size needs a number")?.parse::<usize>()?),
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let transport = transport.ok_or("say `--http ADDRESS` or `--stdio`")?;
    let era = era.ok_or("say `--era legacy`, `modern` or `both`")?;
    Ok((transport, Arc::new(Shared::new(era, page_size)?)))
}

async fn serve_stdio(shared: Arc<Shared>) -> Result<(), Failure> {
    let running = Everything::new(shared).serve(rmcp::transport::stdio()).await?;
    running.waiting().await?;
    Ok(())
}

async fn serve_http(address: &str, shared: Arc<Shared>) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(shared.era != Era::Modern);
    let service = StreamableHttpService::new(
        move || Ok(Everything::new(Arc::clone(&shared))),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    println!("http://localhost:{}/mcp", listener.local_addr()?.port());

    let mut parent = tokio::io::stdin();
    let mut ignored = [0_u8; 64];
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    // A client that hangs up in the middle is no news here.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
            read = parent.read(&mut ignored) => if read? == 0 { return Ok(()) },
        }
    }
}

//! Whose credential reaches a server: the real gateway before servers that know their callers by what they send.

mod authorize;
mod kept;
mod people;
mod preflight;
mod programs;
mod refresh;
mod tracker;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::support::{Client, Gateway, listed_tools};

/// Answers each call with the header that it came with, and refuses what has none.
struct Mirror {
    address: SocketAddr,
    /// Calls without a credential.
    bare: Arc<AtomicUsize>,
    tokens: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Mirror {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (bare, tokens) = (Arc::default(), Arc::default());
        let mirror = Self {
            address,
            bare: Arc::clone(&bare),
            tokens: Arc::clone(&tokens),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (bare, tokens) = (Arc::clone(&bare), Arc::clone(&tokens));
                let service = service_fn(move |request| answer(request, Arc::clone(&bare), Arc::clone(&tokens)));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        mirror
    }
}

async fn answer(
    request: Request<Incoming>,
    bare: Arc<AtomicUsize>,
    tokens: Arc<Mutex<BTreeMap<String, usize>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let token = header("authorization").or(header("private-token"));
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(token) = token else {
        bare.fetch_add(1, Ordering::SeqCst);
        let refused = Response::builder().status(StatusCode::UNAUTHORIZED).header(
            "www-authenticate",
            "Bearer resource_metadata=\"http://elsewhere.example/\"",
        );
        return Ok(refused.body(Full::default()).unwrap());
    };
    *tokens.lock().unwrap().entry(token.clone()).or_default() += 1;
    let result = match message["method"].as_str().unwrap_or_default() {
        "server/discover" => {
            json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "resultType": "complete"})
        }
        "tools/list" => {
            json!({"tools": [{"name": "who", "inputSchema": {"type": "object"}}], "ttlMs": 0, "cacheScope": "private", "resultType": "complete"})
        }
        "tools/call" => json!({"content": [{"type": "text", "text": token}], "resultType": "complete"}),
        _ => {
            let absent = Response::builder().status(StatusCode::NOT_FOUND);
            return Ok(absent.body(Full::default()).unwrap());
        }
    };
    let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
    let response = Response::builder().header("content-type", "application/json");
    Ok(response.body(Full::new(answer.into())).unwrap())
}

const CALLS: usize = 1_000;
const RELOADS: usize = 10;
const UNLIMITED: &str = "[gateway.limits]\ncalls-per-minute = 0";

fn configuration(own: SocketAddr, shared: SocketAddr, reload: usize) -> String {
    let hash = |name: &str| {
        let digest = Sha256::digest(name.as_bytes());
        digest
            .iter()
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"))
    };
    let mut text = format!(
        r#"
[server.own]
url = "http://{own}/mcp"
credentials = "personal"
auth = "bearer"
token-header = "PRIVATE-TOKEN"

[server.shared]
url = "http://{shared}/mcp"
credentials = "shared"
auth = "bearer"
token = {{ env = "SHARED_TOKEN" }}

[endpoint.all]
title = "reload {reload}"
[endpoint.all.server.own]
tools = ["*"]
[endpoint.all.server.shared]
tools = ["*"]

[role.callers]
members = ["authenticated", "anonymous"]
[[role.callers.allow]]
endpoint = {{ equal = "all" }}
"#
    );
    for name in ["ann", "bob", "bare"] {
        let _infallible = writeln!(text, "[service.{name}]\ntoken-sha256 = [\"{}\"]", hash(name));
    }
    for (name, variable) in [("ann", "ANN_TOKEN"), ("bob", "BOB_TOKEN")] {
        let _infallible = writeln!(text, "[service.{name}.credentials]\nown = {{ env = \"{variable}\" }}");
    }
    text
}

/// Changes the files again and again; each change must be served before the next one. `text` is the file at the n-th.
async fn reloads(folder: PathBuf, text: impl Fn(usize) -> String) {
    let (file, log) = (folder.join("mcpgw.toml"), folder.join("log"));
    for reload in 1..=RELOADS {
        std::fs::write(&file, text(reload)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::fs::read_to_string(&log).unwrap().matches(" reloaded ").count() < reload {
            assert!(Instant::now() < deadline, "reload {reload} does not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn tools(client: &Client) -> Vec<String> {
    listed_tools(&client.modern("tools/list", json!({})).await.json())
}

/// Two callers, hot caches, a shared server and one that knows its callers, while the files change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_carries_its_callers_credential_through_a_thousand_calls_and_reloads() {
    let (own, shared) = (Mirror::start().await, Mirror::start().await);
    let environment = [
        ("SHARED_TOKEN", "of-all"),
        ("ANN_TOKEN", "of-ann"),
        ("BOB_TOKEN", "of-bob"),
    ];
    let text = configuration(own.address, shared.address, 0);
    let gateway = tokio::task::spawn_blocking(move || Gateway::serve_with(UNLIMITED, &text, &environment))
        .await
        .unwrap();
    let client = |name: &str| Client::new(gateway.url("all")).with("authorization", &format!("Bearer {name}"));
    let callers = [client("ann"), client("bob")].map(Arc::new);
    for caller in &callers {
        assert_eq!(tools(caller).await, ["own_who", "shared_who"]);
    }
    // Who has no credential of its own does not see the server.
    assert_eq!(tools(&client("bare")).await, ["shared_who"]);
    assert_eq!(tools(&Client::new(gateway.url("all"))).await, ["shared_who"]);

    let head = std::fs::read_to_string(gateway.folder().join("mcpgw.toml")).unwrap();
    let head = head.split_once("\n[server.own]").unwrap().0.to_owned();
    let (own_address, shared_address) = (own.address, shared.address);
    let reloading = tokio::spawn(reloads(gateway.folder().to_owned(), move |reload| {
        let text = configuration(own_address, shared_address, reload);
        format!("{head}\n{}", text.trim_start())
    }));
    let mut running = tokio::task::JoinSet::new();
    let mut call = 0;
    while call < CALLS || !reloading.is_finished() {
        let which = call % 2;
        let (server, wanted) = match (call / 2 % 2, which) {
            (0, 0) => ("own_who", "of-ann"),
            (0, _) => ("own_who", "of-bob"),
            _ => ("shared_who", "Bearer of-all"),
        };
        let caller = Arc::clone(&callers[which]);
        running.spawn(async move {
            let answer = caller
                .modern("tools/call", json!({"name": server, "arguments": {}}))
                .await
                .json();
            assert_eq!(answer["result"]["content"][0]["text"], wanted, "{answer}");
        });
        call += 1;
        if running.len() >= 20 {
            running.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    reloading.await.unwrap();
    assert_eq!(
        own.bare.load(Ordering::SeqCst) + shared.bare.load(Ordering::SeqCst),
        0,
        "nothing goes out bare"
    );
    let tokens: Vec<String> = own.tokens.lock().unwrap().keys().cloned().collect();
    assert_eq!(
        tokens,
        ["of-ann", "of-bob"],
        "nobody else's reached the personal server"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_the_server_is_never_relayed_as_a_challenge() {
    let own = Mirror::start().await;
    let shared = Mirror::start().await;
    // An empty header is none for the mirror's purpose: it answers 401 to `PRIVATE-TOKEN` only where it is absent.
    let environment = [
        ("SHARED_TOKEN", "of-all"),
        ("ANN_TOKEN", "of-ann"),
        ("BOB_TOKEN", "of-bob"),
    ];
    let text = configuration(own.address, shared.address, 0).replace(
        "credentials = \"shared\"\nauth = \"bearer\"\ntoken = { env = \"SHARED_TOKEN\" }\n",
        "",
    );
    let gateway = tokio::task::spawn_blocking(move || Gateway::serve_with("", &text, &environment))
        .await
        .unwrap();
    let ann = Client::new(gateway.url("all")).with("authorization", "Bearer ann");
    assert_eq!(tools(&ann).await, ["own_who"]);
    let answer = ann
        .modern("tools/call", json!({"name": "shared_who", "arguments": {}}))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.headers.get("www-authenticate").is_none());
    assert!(!String::from_utf8_lossy(&answer.body).contains("elsewhere.example"));
}

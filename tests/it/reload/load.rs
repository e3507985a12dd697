//! Reload under load: fifty clients call without pause while the files change two hundred times, good and bad.
//!
//! Every good change gives the server another header and the endpoint another tool behind the same shown name; the server
//! answers with both. A call that saw two generations would answer with a pair that no file ever held.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mcpgw::control::Changed;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::harness::{Home, Running, children};

const CLIENTS: usize = 50;
const CHANGES: usize = 200;
/// What a reload may leave behind in the end, over all of them: allocators keep some pages.
const GROWTH: u64 = 16 << 20;
/// Open files: the clients' connections, as many to the server for each of the few generations that still drain.
const OPEN: usize = 800;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_and_none_sees_two_generations() {
    let server = serve_mcp().await;
    let home = Home::new(&good(server, 0));
    let running = Arc::new(tokio::task::spawn_blocking(move || home.serve(&[], &[])).await.unwrap());
    let address = blocking(&running, |running| running.address("endpoints")).await;
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(client(address, number % 5 == 0, Arc::clone(&stop), Arc::clone(&calls))))
        .collect();

    let (processes, mut memory) = (children(running.pid()), 0);
    let mut swapped = 0;
    for change in 1..=CHANGES {
        let outcome = blocking(&running, move |running| {
            running.home().replace(
                "mcpgw.toml",
                &if change % 2 == 0 {
                    good(server, change / 2)
                } else {
                    bad(server)
                },
            );
            running.reload()
        });
        match outcome.await {
            Changed::Swapped { .. } if change % 2 == 0 => swapped += 1,
            // The gateway had seen the file by itself, before it was asked.
            Changed::Unchanged { generation } if change % 2 == 0 && generation == swapped + 2 => swapped += 1,
            Changed::Refused { .. } if change % 2 == 1 => {}
            other => panic!("change {change}: {other:?}"),
        }
        if change == CHANGES / 4 {
            memory = resident(running.pid());
        }
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }

    let status = blocking(&running, Running::status).await;
    assert_eq!(status["generation"]["number"], swapped + 1);
    assert_eq!(swapped, CHANGES as u64 / 2);
    let made = calls.load(Ordering::Relaxed);
    assert!(made > 2 * CHANGES as u64, "only {made} calls: that is no load");
    assert_eq!(
        children(running.pid()),
        processes,
        "the unchanged server keeps its one process"
    );
    let open = fs::read_dir(format!("/proc/{}/fd", running.pid())).unwrap().count();
    assert!(
        open < OPEN,
        "{open} open files: connections of old generations are left"
    );
    let grown = resident(running.pid()).saturating_sub(memory);
    assert!(
        grown < GROWTH,
        "{} MiB more than after a quarter of the changes",
        grown >> 20
    );
    // `cargo test -- --nocapture` shows what the bounds are measured against.
    println!(
        "{made} calls, {swapped} generations, {} KiB grown, {} KiB resident",
        grown >> 10,
        resident(running.pid()) >> 10
    );
}

fn good(server: SocketAddr, number: usize) -> String {
    let tool = tool(number);
    format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
limits = {{ calls-per-minute = 0 }}

[server.still]
command = ["mcpgw", "demo-server"]

[server.load]
url = "http://{server}/mcp"
headers = {{ X-Generation = "{number}" }}

[endpoint.load.server.still]
tools = ["*"]

[endpoint.load.server.load]
tools = ["{tool}"]
[endpoint.load.server.load.tool.{tool}]
name = "work"

[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = {{ equal = "load" }}
tool = {{ equal = "load/{tool}" }}
"#
    )
}

/// Wrong in one line, and right in lines that would change what is served.
fn bad(server: SocketAddr) -> String {
    good(server, 999_999) + "\n[endpoint.load.server.nowhere]\ntools = [\"*\"]\n"
}

fn tool(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "even" } else { "odd" }
}

/// Calls until it is told to stop; every answer must be right.
async fn client(address: SocketAddr, legacy: bool, stop: Arc<AtomicBool>, calls: Arc<AtomicU64>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let session = if legacy {
        Some(initialize(&mut sender).await)
    } else {
        None
    };
    let mut last = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut params = json!({ "name": "work", "arguments": {} });
        let mut headers = Vec::new();
        if let Some(session) = &session {
            headers.push(("mcp-session-id", session.as_str()));
            headers.push(("mcp-protocol-version", "2025-11-25"));
        } else {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            headers.extend([
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "work"),
            ]);
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let (_, answer) = post(&mut sender, &headers, &body).await;
        let text = answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("a call failed: {answer}"));
        let (called, number) = text.split_once(' ').unwrap();
        let number: usize = number.parse().unwrap();
        assert_eq!(called, tool(number), "a call saw two generations: {text}");
        assert_ne!(number, 999_999, "a bad file is served");
        assert!(number >= last, "generation {number} after {last}");
        last = number;
        calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

async fn initialize(sender: &mut Sender) -> String {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "load", "version": "0" } });
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let (headers, answer) = post(sender, &[], &body).await;
    assert!(answer["result"].is_object(), "{answer}");
    let session = headers["mcp-session-id"].to_str().unwrap().to_owned();
    post(
        sender,
        &[("mcp-session-id", &session)],
        &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
    )
    .await;
    session
}

async fn post(sender: &mut Sender, headers: &[(&str, &str)], body: &Value) -> (http::HeaderMap, Value) {
    let mut request = Request::post("/mcp/load")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    sender.ready().await.unwrap();
    let answer = sender
        .send_request(request.body(Full::new(Bytes::from(body.to_string()))).unwrap())
        .await
        .unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body);
    let message = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap_or(&text);
    (parts.headers, serde_json::from_str(message).unwrap_or(Value::Null))
}

async fn blocking<T: Send + 'static>(running: &Arc<Running>, work: impl FnOnce(&Running) -> T + Send + 'static) -> T {
    let running = Arc::clone(running);
    tokio::task::spawn_blocking(move || work(&running)).await.unwrap()
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// A stateless server that answers a call with the tool's name and the generation that the request came from.
async fn serve_mcp() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(answer));
                let _ended = connection.await;
            });
        }
    });
    address
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let generation = request.headers().get("x-generation").cloned();
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut reply = json!({ "jsonrpc": "2.0", "id": message["id"] });
    match message["method"].as_str() {
        Some("server/discover") => {
            reply["result"] = json!({ "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} } });
        }
        Some("tools/list") => {
            let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
            reply["result"] = json!({ "tools": [tool("even"), tool("odd")] });
        }
        Some("tools/call") => {
            let generation = generation
                .as_ref()
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            let text = format!(
                "{} {generation}",
                message["params"]["name"].as_str().unwrap_or_default()
            );
            reply["result"] = json!({ "content": [{ "type": "text", "text": text }] });
        }
        _ => {
            reply["error"] = json!({ "code": -32601, "message": "no such method" });
        }
    }
    if let Some(result) = reply.get_mut("result") {
        result["resultType"] = json!("complete");
        result["ttlMs"] = json!(60_000);
        result["cacheScope"] = json!("private");
    }
    let mut response = Response::new(Full::new(Bytes::from(reply.to_string())));
    if message["id"].is_null() {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/json"));
    Ok(response)
}

//! An MCP server of both eras that remembers every request that reached it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Collected, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct Recorder {
    address: SocketAddr,
    seen: Seen,
    task: JoinHandle<()>,
}

/// Each message with the `traceparent` of its headers.
type Seen = Arc<Mutex<Vec<(Value, Option<String>)>>>;

type Body = BoxBody<Bytes, Infallible>;

/// What the gateway asks on its own account, whoever calls: it gives nothing away.
const HOUSEKEEPING: [&str; 9] = [
    "initialize",
    "notifications/initialized",
    "server/discover",
    "ping",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "subscriptions/listen",
];

impl Recorder {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(accept(listener, Arc::clone(&seen)));
        Self { address, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// The requests that have come since the last time, apart from those that no caller causes.
    pub(crate) fn take(&self) -> Vec<Value> {
        self.take_traced().into_iter().map(|(message, _)| message).collect()
    }

    /// The same, each with the `traceparent` header that it came with.
    pub(crate) fn take_traced(&self) -> Vec<(Value, Option<String>)> {
        let mut seen = std::mem::take(&mut *self.seen.lock().expect("whole"));
        seen.retain(|(message, _)| !is_housekeeping(message));
        seen
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A stream of changes is the gateway's own as long as it names no resource.
fn is_housekeeping(message: &Value) -> bool {
    HOUSEKEEPING.iter().any(|method| message["method"] == *method)
        && message["params"]["notifications"]
            .get("resourceSubscriptions")
            .is_none()
}

async fn accept(listener: TcpListener, seen: Seen) {
    while let Ok((stream, _)) = listener.accept().await {
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
            let _ended = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, seen: Seen) -> Result<Response<Body>, Infallible> {
    let traceparent = request.headers().get("traceparent");
    let traceparent = traceparent.and_then(|value| Some(value.to_str().ok()?.to_owned()));
    let body = request
        .into_body()
        .collect()
        .await
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return Ok(status(StatusCode::METHOD_NOT_ALLOWED));
    };
    seen.lock().expect("whole").push((message.clone(), traceparent));
    if message.get("id").is_none() {
        return Ok(status(StatusCode::ACCEPTED));
    }
    let modern = message["params"]["_meta"]
        .get("io.modelcontextprotocol/protocolVersion")
        .is_some();
    if modern && message["method"] == "subscriptions/listen" {
        return Ok(stream_of_changes(&message));
    }
    let mut reply = json!({"jsonrpc": "2.0", "id": message["id"]});
    match result(message["method"].as_str().unwrap_or_default(), &message["params"]) {
        Some(mut result) => {
            if modern {
                result["resultType"] = json!("complete");
                result["ttlMs"] = json!(60_000);
                result["cacheScope"] = json!("private");
            }
            reply["result"] = result;
        }
        None => reply["error"] = json!({"code": -32601, "message": "no such method"}),
    }
    let mut response = Response::new(Full::new(Bytes::from(reply.to_string())).boxed());
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/json"));
    if message["method"] == "initialize" {
        response
            .headers_mut()
            .insert("mcp-session-id", http::HeaderValue::from_static("recorded"));
    }
    Ok(response)
}

fn result(method: &str, params: &Value) -> Option<Value> {
    let tool = |name: &str| json!({"name": name, "description": name, "inputSchema": {"type": "object"}});
    let prompt = |name: &str| json!({"name": name, "description": name});
    let resource = |uri: &str| json!({"uri": uri, "name": uri});
    Some(match method {
        "initialize" => {
            json!({"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}, "prompts": {}, "resources": {"subscribe": true}, "completions": {}, "logging": {}}, "serverInfo": {"name": "recorder", "version": "0"}})
        }
        "server/discover" => {
            json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}, "prompts": {}, "resources": {"subscribe": true}, "completions": {}, "logging": {}}})
        }
        "tools/list" => json!({"tools": [tool("open"), tool("unlisted"), tool("denied"), tool("argued")]}),
        "prompts/list" => json!({"prompts": [prompt("open"), prompt("unlisted"), prompt("denied")]}),
        "resources/list" => {
            json!({"resources": [resource("r://open"), resource("r://unlisted"), resource("r://denied")]})
        }
        "resources/templates/list" => json!({"resourceTemplates": [{"uriTemplate": "r://t/{id}", "name": "t"}]}),
        // `bytes`: so much text behind it.
        "tools/call" => {
            let bytes = params["arguments"]["bytes"].as_u64().unwrap_or(0);
            let text = format!("called{}", "x".repeat(usize::try_from(bytes).unwrap()));
            json!({"content": [{"type": "text", "text": text}]})
        }
        "prompts/get" => json!({"messages": []}),
        "resources/read" => json!({"contents": [{"uri": params["uri"], "text": "read"}]}),
        "completion/complete" => json!({"completion": {"values": ["done"]}}),
        "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => json!({}),
        _ => return None,
    })
}

/// Acknowledges all that is asked for, and then says nothing any more.
fn stream_of_changes(message: &Value) -> Response<Body> {
    let acknowledged = json!({
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {
            "notifications": message["params"]["notifications"],
            "_meta": {"io.modelcontextprotocol/subscriptionId": message["id"]},
        },
    });
    let event = Bytes::from(format!("data: {acknowledged}\n\n"));
    let frames = stream::iter([Ok(Frame::data(event))]).chain(stream::pending());
    let mut response = Response::new(BoxBody::new(StreamBody::new(frames)));
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().boxed());
    *response.status_mut() = status;
    response
}

//! A server of 2025-11-25 that hides things in its lists and answers calls under ids of its own.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct Liar {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Liar {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let builder = hyper::server::conn::http1::Builder::new();
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request
        .into_body()
        .collect()
        .await
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    if message["id"].is_null() {
        let mut response = Response::new(Full::default());
        *response.status_mut() = if message.is_object() {
            StatusCode::ACCEPTED
        } else {
            StatusCode::METHOD_NOT_ALLOWED
        };
        return Ok(response);
    }
    let tool =
        |name: &str| json!({"name": name, "description": "pl\u{202e}a\u{200b}in", "inputSchema": {"type": "object"}});
    let params = &message["params"];
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => {
            json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "resources": {}}, "serverInfo": {"name": "liar", "version": "0"}})
        }
        "tools/list" => json!({"tools": [tool("json"), tool("events"), tool("js\u{200b}on")]}),
        "resources/list" => json!({"resources": []}),
        "resources/templates/list" => json!({"resourceTemplates": [{"uriTemplate": "r://{+path}", "name": "t"}]}),
        "resources/read" => json!({"contents": [{"uri": params["uri"], "text": "read"}]}),
        "tools/call" => json!({"content": []}),
        _ => {
            let error =
                json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}});
            return Ok(typed("application/json", error.to_string()));
        }
    };
    let is_call = message["method"] == "tools/call";
    let id = if is_call {
        json!("another's")
    } else {
        message["id"].clone()
    };
    let reply = json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    Ok(if is_call && params["name"] == "events" {
        let noise = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;
        typed("text/event-stream", format!("data: {noise}\n\ndata: {reply}\n\n"))
    } else {
        typed("application/json", reply)
    })
}

fn typed(media: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(media));
    response
}

//! Holds over restarts, by groups within groups, and of everything that a server has; the rest stands with people.

mod callers;
mod objects;
mod speaking;
mod store;

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::support::Gateway;

fn done(gateway: &Gateway, arguments: &[&str]) -> String {
    let ran = gateway.run(arguments);
    assert_eq!(ran.code, 0, "{}\n{}", ran.all(), gateway.log());
    ran.stdout
}

fn audit_log(gateway: &Gateway) -> String {
    std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap()
}

/// A stream of 2026-07-28 that tells of changed tools, opened: its first event has come.
async fn open_stream(url: &str, token: &str) -> Incoming {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let mut request = http::Request::post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "subscriptions/listen");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request
        .body(http_body_util::Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let http = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let answer = http.request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut stream = answer.into_body();
    let first = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("acknowledged"));
    stream
}

async fn has_ended(mut stream: Incoming) {
    let rest = async { while let Some(Ok(_)) = stream.frame().await {} };
    tokio::time::timeout(Duration::from_secs(5), rest)
        .await
        .expect("the stream has ended");
}

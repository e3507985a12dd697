//! Bad input and its answer: the table of what HTTP and JSON-RPC give for what, in both eras.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::support::{Answer, Client, Gateway, Recorder};

const CONFIGURATION: &str = r#"
[endpoint.e.server.s]
tools = ["*"]
prompts = ["*"]
resources = ["**"]
[role.everybody]
members = ["anonymous"]
[[role.everybody.allow]]
endpoint = { equal = "e" }
"#;

const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");
const MODERN: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

async fn world(gateway: &str) -> (Recorder, Gateway) {
    let recorder = Recorder::start().await;
    let servers = format!("[server.s]\nurl = \"{}\"\n{CONFIGURATION}", recorder.url());
    (recorder, Gateway::serve_with(gateway, &servers, &[]))
}

fn modern(method: &str, params: Value) -> Value {
    let mut body = json!({"jsonrpc": "2.0", "id": "a", "method": method});
    body["params"] = params;
    body["params"]["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    body
}

/// Status and JSON-RPC code; 0 where the body is no JSON-RPC error.
fn outcome(answer: &Answer) -> (u16, i64) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status.as_u16(), body["error"]["code"].as_i64().unwrap_or(0))
}

#[tokio::test]
async fn what_http_refuses_before_a_message_is_read() {
    let (recorder, gateway) = world("").await;
    let client = Client::new(gateway.url("e"));
    let body = modern("tools/list", json!({})).to_string();
    let good = [JSON, ACCEPT, MODERN, ("mcp-method", "tools/list")];
    let with = |header: (&'static str, &'static str)| {
        let mut headers: Vec<_> = good.into_iter().filter(|(name, _)| *name != header.0).collect();
        headers.push(header);
        headers
    };
    assert_eq!(client.send(Method::POST, &good, body.clone()).await.status, 200);
    for (headers, status) in [
        (with(("host", "evil.example.com")), 403),
        (with(("host", "localhost.evil.example.com")), 403),
        (with(("origin", "https://evil.example.com")), 403),
        (with(("origin", "null")), 403),
        (with(("accept", "application/json")), 406),
        (with(("accept", "text/html")), 406),
        (with(("content-type", "text/plain")), 415),
        (with(("content-encoding", "gzip")), 415),
        (with(("x-forwarded-for", "10.0.0.1")), 403),
        (with(("via", "1.1 proxy")), 403),
        (with(("authorization", "Bearer wrong")), 401),
        (with(("authorization", "Basic eDp5")), 401),
    ] {
        let answer = client.send(Method::POST, &headers, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}: {answer:?}");
    }
    for host in ["localhost", "localhost:1", "127.0.0.1", "[::1]", "[::1]:8080"] {
        assert_eq!(
            client
                .send(Method::POST, &with(("host", host)), body.clone())
                .await
                .status,
            200,
            "{host}"
        );
    }
    for method in [Method::PUT, Method::PATCH, Method::HEAD] {
        let answer = client.send(method.clone(), &good, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.headers.contains_key("allow")),
            (405, true),
            "{method}"
        );
    }
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(
            client
                .send(method, &[MODERN, ("accept", "text/event-stream")], "")
                .await
                .status,
            405
        );
    }
    assert_eq!(recorder.take(), Vec::<Value>::new());
}

/// Who sends the head of a request and then its body must know whether anybody will read it (RFC 9112 section 9.6).
#[tokio::test]
async fn a_refusal_before_the_body_has_come_says_that_the_connection_ends() {
    let (_recorder, gateway) = world("").await;
    let refused = "POST /mcp/e HTTP/1.1\r\nhost: evil.example.com\r\ncontent-length: 2\r\n";
    for (sent, closes) in [
        (format!("{refused}\r\n"), true),
        (format!("{refused}expect: 100-continue\r\n\r\n"), true),
        (format!("{refused}\r\n{{}}"), false),
        (
            "GET /mcp/e HTTP/1.1\r\nhost: evil.example.com\r\n\r\n".to_owned(),
            false,
        ),
    ] {
        let mut stream = tokio::net::TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let head = head(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{sent}: {head}");
        assert_eq!(head.contains("\r\nconnection: close\r\n"), closes, "{sent}: {head}");
    }
}

/// The head of an answer, its empty line too.
async fn head(stream: &mut tokio::net::TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(Duration::from_secs(10), stream.read_u8()).await;
        head.push(byte.expect("an answer comes").expect("it is whole"));
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused() {
    let (_recorder, gateway) = world("[gateway.limits]\nrequest-body = \"4KiB\"").await;
    let client = Client::new(gateway.url("e"));
    let body = modern(
        "tools/call",
        json!({"name": "s_open", "arguments": {"x": "y".repeat(5000)}}),
    );
    assert_eq!(
        client
            .post(&[MODERN, ("mcp-method", "tools/call"), ("mcp-name", "s_open")], &body)
            .await
            .status,
        413
    );
}

#[tokio::test]
async fn bodies_that_are_no_message() {
    let (_recorder, gateway) = world("").await;
    let client = Client::new(gateway.url("e"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, expected) in [
        ("", (400, -32700)),
        ("{", (400, -32700)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#, (400, -32700)),
        ("\u{feff}{}", (400, -32700)),
        ("7", (400, -32600)),
        ("{}", (400, -32600)),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, (400, -32600)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, (400, -32600)),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, (400, -32600)),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
            (400, -32600),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\u0061me":"b"}}"#,
            (400, -32600),
        ),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, (400, -32600)),
        (deep.as_str(), (400, -32600)),
    ] {
        let answer = client.send(Method::POST, &[JSON, ACCEPT], body.to_owned()).await;
        assert_eq!(
            outcome(&answer),
            expected,
            "{}: {answer:?}",
            &body[..body.len().min(80)]
        );
    }
    let answer = client
        .send(
            Method::POST,
            &[JSON, ACCEPT],
            &b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"[..],
        )
        .await;
    assert_eq!(outcome(&answer), (400, -32700));
}

#[tokio::test]
async fn modern_requests_that_contradict_themselves() {
    let (recorder, gateway) = world("").await;
    let client = Client::new(gateway.url("e"));
    let call = modern("tools/call", json!({"name": "s_open", "arguments": {}}));
    let mut future = call.clone();
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let mut old = call.clone();
    old["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2025-11-25");
    let mut bare = call.clone();
    bare["params"]["_meta"]
        .as_object_mut()
        .unwrap()
        .remove("io.modelcontextprotocol/clientCapabilities");
    let mut loud = call.clone();
    loud["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("shout");
    let (method, name) = (("mcp-method", "tools/call"), ("mcp-name", "s_open"));
    for (headers, body, expected) in [
        (vec![MODERN, method, name], &call, (200, 0)),
        (
            vec![MODERN, method, ("mcp-name", "=?base64?c19vcGVu?=")],
            &call,
            (200, 0),
        ),
        (vec![method, name], &call, (400, -32020)),
        (
            vec![("mcp-protocol-version", "2025-11-25"), method, name],
            &call,
            (400, -32020),
        ),
        (vec![MODERN, name], &call, (400, -32020)),
        (vec![MODERN, ("mcp-method", "Tools/Call"), name], &call, (400, -32020)),
        (vec![MODERN, method], &call, (400, -32020)),
        (vec![MODERN, method, ("mcp-name", "s_denied")], &call, (400, -32020)),
        (
            vec![MODERN, method, ("mcp-name", "=?base64?c19vcGVu===?=")],
            &call,
            (400, -32020),
        ),
        (vec![MODERN, method, name, name], &call, (400, -32020)),
        (
            vec![("mcp-protocol-version", "2099-01-01"), method, name],
            &future,
            (400, -32022),
        ),
        (
            vec![("mcp-protocol-version", "2025-11-25"), method, name],
            &old,
            (400, -32022),
        ),
        (vec![MODERN, method, name], &bare, (400, -32602)),
        (vec![MODERN, method, name], &loud, (400, -32602)),
        (
            vec![MODERN, ("mcp-method", "no/such")],
            &modern("no/such", json!({})),
            (404, -32601),
        ),
        (
            vec![MODERN, ("mcp-method", "ping")],
            &modern("ping", json!({})),
            (404, -32601),
        ),
        (
            vec![MODERN, ("mcp-method", "initialize")],
            &modern("initialize", json!({})),
            (404, -32601),
        ),
        (
            vec![MODERN, ("mcp-method", "tools/list")],
            &modern("tools/list", json!({"cursor": ""})),
            (200, -32602),
        ),
    ] {
        let answer = client.post(&headers, body).await;
        assert_eq!(outcome(&answer), expected, "{headers:?} {body}: {answer:?}");
        let echoed: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(echoed["id"], json!("a"), "every answer names its request");
    }
    assert_eq!(recorder.take().len(), 2, "only the two good calls reached the server");
    let answer = client
        .post(&[("mcp-protocol-version", "2099-01-01"), method, name], &future)
        .await;
    let discovered = client.modern("server/discover", json!({})).await.json();
    assert_eq!(
        answer.json()["error"]["data"]["supported"],
        discovered["result"]["supportedVersions"]
    );
}

#[tokio::test]
async fn legacy_requests_without_their_session() {
    let (_recorder, gateway) = world("").await;
    let client = Client::new(gateway.url("e"));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let session = client.initialize("2025-06-18").await;
    let in_session = ("mcp-session-id", session.as_str());
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}}});
    let response = json!({"jsonrpc": "2.0", "id": 7, "result": {}});
    for (headers, body, expected) in [
        (vec![in_session], &list, (200, 0)),
        (
            vec![in_session, ("mcp-protocol-version", "2025-06-18")],
            &list,
            (200, 0),
        ),
        (vec![], &list, (400, -32600)),
        (vec![("mcp-session-id", "no-such-session")], &list, (404, -32600)),
        (
            vec![in_session, ("mcp-protocol-version", "1999-01-01")],
            &list,
            (400, -32022),
        ),
        (vec![in_session, MODERN], &list, (400, -32602)),
        (vec![MODERN], &initialize, (400, -32020)),
        (vec![in_session], &response, (400, -32600)),
    ] {
        let answer = client.post(&headers, body).await;
        assert_eq!(outcome(&answer), expected, "{headers:?} {body}: {answer:?}");
    }
    let batch = json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}]);
    assert_eq!(
        outcome(&client.post(&[in_session], &batch).await),
        (400, -32600),
        "2025-06-18 has no batches"
    );
    let ended = client.send(Method::DELETE, &[in_session], "").await;
    assert!(ended.status.is_success());
    assert_eq!(outcome(&client.post(&[in_session], &list).await), (404, -32600));
}

#[tokio::test]
async fn batches_of_2025_03_26_are_answered_each() {
    let (_recorder, gateway) = world("").await;
    let client = Client::new(gateway.url("e"));
    let session = client.initialize("2025-03-26").await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": {"name": "s_open", "arguments": {}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "s_nothing"}},
    ]);
    let answer = client.post(&[("mcp-session-id", &session)], &batch).await;
    assert_eq!(answer.status, 200);
    let answers: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!("two"), json!(3)]);
    assert_eq!(answers[1]["result"]["content"][0]["text"], json!("called"));
    assert_eq!(answers[2]["error"]["code"], json!(-32602));
}

#[tokio::test]
async fn every_legacy_version_gets_what_it_asks_for() {
    let (_recorder, gateway) = world("").await;
    let client = Client::new(gateway.url("e"));
    for (asked, given) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let params =
            json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        assert_eq!(
            client.post(&[], &body).await.json()["result"]["protocolVersion"],
            json!(given),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_listed_origin_may_read_the_answer() {
    let (_recorder, gateway) = world("allowed-origins = [\"https://app.example.com\"]").await;
    let client = Client::new(gateway.url("e")).with("origin", "https://app.example.com");
    let asked = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "mcp-param-region, x-evil"),
    ];
    let preflight = client.send(Method::OPTIONS, &asked, "").await;
    assert_eq!(preflight.status, 204);
    let allowed = preflight.headers["access-control-allow-headers"]
        .to_str()
        .unwrap()
        .to_ascii_lowercase();
    assert!(
        allowed.contains("authorization") && allowed.contains("mcp-param-region") && !allowed.contains("x-evil"),
        "{allowed}"
    );
    let answer = client.modern("tools/list", json!({})).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example.com");
    assert!(
        answer.headers["access-control-expose-headers"]
            .to_str()
            .unwrap()
            .contains("Mcp-Session-Id")
    );
}

#[tokio::test]
async fn calls_beyond_the_rate_are_refused_with_the_time_to_wait() {
    let (_recorder, gateway) = world("[gateway.limits]\ncalls-per-minute = 2").await;
    let client = Client::new(gateway.url("e"));
    let call = || client.modern("tools/call", json!({"name": "s_open", "arguments": {}}));
    assert_eq!(
        (call().await.status, call().await.status),
        (http::StatusCode::OK, http::StatusCode::OK)
    );
    let refused = call().await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 31);
}

//! Traces: what a collector gets, what servers are told, and that neither costs the calls anything.

pub(crate) mod collector;
mod metrics;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, Gateway, Recorder};
use crate::telemetry::collector::{Collector, Span};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "a3ce929d0e0e47364bf92f3577b34da6";
const PARENT: &str = "00f067aa0ba902b7";

fn traceparent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{PARENT}-{flags}")
}

/// One endpoint with a server over HTTP and one over stdio, and an audit log.
fn serve(recorder: &Recorder, telemetry: &str) -> Gateway {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/telemetry/server.py");
    Gateway::serve(&format!(
        r#"
[gateway.audit]
[gateway.telemetry]
{telemetry}

[server.s]
url = "{url}"
[server.child]
command = ["python3", "{script}"]

[endpoint.one.server.s]
tools = ["open", "denied"]
[endpoint.one.server.child]
tools = ["meta"]

[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = {{ equal = "one" }}
[[role.all.deny]]
tool = {{ equal = "s/denied" }}
"#,
        url = recorder.url()
    ))
}

async fn call(client: &Client, tool: &str, arguments: Value, meta: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    client.modern("tools/call", params).await.json()
}

/// The `_meta` that the server over stdio has got.
async fn meta_of_child(client: &Client, meta: Value) -> Value {
    let answered = call(client, "child_meta", json!({}), meta).await;
    let text = answered["result"]["content"][0]["text"].as_str();
    serde_json::from_str(text.unwrap_or_else(|| panic!("{answered}"))).unwrap()
}

/// `trace` of every line in the audit log that has one.
fn recorded(gateway: &Gateway) -> Vec<String> {
    let log = std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap();
    log.lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["trace"]
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

fn named<'a>(spans: &'a [Span], name: &str, kind: i32) -> &'a Span {
    spans
        .iter()
        .find(|span| span.name == name && span.kind == kind)
        .unwrap_or_else(|| panic!("no span {name} of kind {kind}: {spans:#?}"))
}

#[tokio::test]
async fn a_call_is_a_span_of_the_request_and_one_below_it_of_the_server() {
    let (recorder, collector) = (Recorder::start().await, Collector::start().await);
    let gateway = serve(
        &recorder,
        &format!("otlp = \"http://{}\"\nservice-name = \"edge\"", collector.address),
    );
    let client = Client::new(gateway.url("one")).with("traceparent", &traceparent(TRACE, "01"));
    let answered = call(&client, "s_open", json!({"to": "canary@corp.example"}), json!({})).await;
    assert!(answered.get("result").is_some(), "{answered}");

    let spans = collector.spans(2).await;
    let (request, server) = (named(&spans, "tools/call open", 2), named(&spans, "tools/call open", 3));
    assert_eq!((&*request.trace, &*request.parent), (TRACE, PARENT));
    assert_eq!((&*server.trace, &server.parent), (TRACE, &request.id));
    assert!(request.nanos >= server.nanos && server.nanos > 0);
    assert!(!request.is_error && !server.is_error);
    assert_eq!(request.service, "edge");
    let attributes: Vec<(&str, &str)> = request
        .attributes
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(
        attributes,
        [
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "open"),
            ("mcp.method.name", "tools/call"),
            ("mcp.protocol.version", "2026-07-28"),
            ("mcpgw.endpoint", "one"),
            ("mcpgw.generation", "1"),
            ("mcpgw.outcome", "answered"),
            ("mcpgw.principal.kind", "anonymous"),
            ("mcpgw.server", "s"),
            ("network.transport", "tcp"),
        ]
    );
    let raw = collector.raw();
    for value in ["canary", "corp.example", "called"] {
        assert!(
            !raw.windows(value.len()).any(|bytes| bytes == value.as_bytes()),
            "{value}"
        );
    }
    let grpc = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(collector.how(), [(grpc.to_owned(), "application/grpc".to_owned())]);

    // The server is told of the gateway's span, in the body and in the header.
    let told = format!("00-{TRACE}-{}-01", server.id);
    let (message, header) = recorder.take_traced().remove(0);
    assert_eq!(message["params"]["_meta"]["traceparent"], *told);
    assert_eq!(header, Some(told));
    assert_eq!(recorded(&gateway), [TRACE]);
}

#[tokio::test]
async fn a_url_with_a_path_is_spoken_to_over_http() {
    let (recorder, collector) = (Recorder::start().await, Collector::start().await);
    let gateway = serve(&recorder, &format!("otlp = \"http://{}/otlp\"", collector.address));
    let client = Client::new(gateway.url("one"));
    call(&client, "s_open", json!({}), json!({})).await;
    let spans = collector.spans(2).await;
    assert_eq!(
        collector.how(),
        [("/otlp/v1/traces".to_owned(), "application/x-protobuf".to_owned())]
    );
    // Nobody told of a trace: the gateway begins one, and records it.
    let request = named(&spans, "tools/call open", 2);
    assert_eq!((&*request.parent, &*request.service), ("", "mcpgw"));
    assert_eq!(recorded(&gateway), std::slice::from_ref(&request.trace));
}

#[tokio::test]
async fn one_trace_reaches_a_server_over_http_a_server_over_stdio_and_the_audit_log() {
    let recorder = Recorder::start().await;
    let collector = Collector::start().await;
    for telemetry in [String::new(), format!("otlp = \"http://{}\"", collector.address)] {
        let gateway = serve(&recorder, &telemetry);
        let header = traceparent(TRACE, "01");
        let client = Client::new(gateway.url("one"))
            .with("traceparent", &header)
            .with("tracestate", "rojo=1");
        call(&client, "s_open", json!({}), json!({})).await;
        let (message, sent) = recorder.take_traced().remove(0);
        let meta = &message["params"]["_meta"];
        let child = meta_of_child(&client, json!({})).await;
        let mut told = vec![sent.unwrap()];
        for meta in [meta, &child] {
            told.push(meta["traceparent"].as_str().unwrap().to_owned());
            assert_eq!(meta["tracestate"], "rojo=1");
        }
        assert!(told.iter().all(|told| told.contains(TRACE)), "{told:?}");
        assert_eq!(told.contains(&header), telemetry.is_empty(), "{told:?}");
        assert_eq!(recorded(&gateway), [TRACE, TRACE]);

        // In a session, whose calls have no `_meta`.
        let session = client.initialize("2025-11-25").await;
        for (tool, count) in [("child_meta", 3), ("s_open", 4)] {
            let params = json!({"name": tool, "arguments": {}});
            let answered = client.legacy(&session, "tools/call", params).await.json();
            assert!(answered.get("result").is_some(), "{answered}");
            assert_eq!(recorded(&gateway).len(), count);
        }
        let meta = &recorder.take()[0]["params"]["_meta"];
        assert!(meta["traceparent"].as_str().unwrap().contains(TRACE), "{meta}");
    }
}

#[tokio::test]
async fn what_the_message_says_goes_before_the_header() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "");
    let client = Client::new(gateway.url("one"))
        .with("traceparent", &traceparent(TRACE, "01"))
        .with("tracestate", "of=header");
    let own = traceparent(OTHER, "00");
    call(
        &client,
        "s_open",
        json!({}),
        json!({"traceparent": own, "tracestate": "of=meta"}),
    )
    .await;
    let (message, header) = recorder.take_traced().remove(0);
    assert_eq!(message["params"]["_meta"]["traceparent"], *own);
    assert_eq!(message["params"]["_meta"]["tracestate"], "of=meta");
    assert_eq!(header, Some(own));
    // What is not well-formed counts as absent.
    call(&client, "s_open", json!({}), json!({"traceparent": "nonsense"})).await;
    let (message, header) = recorder.take_traced().remove(0);
    assert_eq!(message["params"]["_meta"]["traceparent"], traceparent(TRACE, "01"));
    assert_eq!(header, Some(traceparent(TRACE, "01")));
    assert_eq!(recorded(&gateway), [OTHER, TRACE]);
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_is_passed_on_and_not_sent() {
    let (recorder, collector) = (Recorder::start().await, Collector::start().await);
    let gateway = serve(&recorder, &format!("otlp = \"http://{}\"", collector.address));
    let unsampled = Client::new(gateway.url("one")).with("traceparent", &traceparent(TRACE, "00"));
    call(&unsampled, "s_open", json!({}), json!({})).await;
    let (_, header) = recorder.take_traced().remove(0);
    let header = header.unwrap();
    assert!(
        header.starts_with(&format!("00-{TRACE}-")) && header.ends_with("-00"),
        "{header}"
    );
    let sampled = Client::new(gateway.url("one")).with("traceparent", &traceparent(OTHER, "01"));
    call(&sampled, "s_open", json!({}), json!({})).await;
    let spans = collector.spans(2).await;
    assert!(spans.iter().all(|span| span.trace == OTHER), "{spans:#?}");
}

#[tokio::test]
async fn what_fails_is_marked_and_says_why() {
    let (recorder, collector) = (Recorder::start().await, Collector::start().await);
    let gateway = serve(&recorder, &format!("otlp = \"http://{}\"", collector.address));
    let client = Client::new(gateway.url("one"));
    call(&client, "child_meta", json!({"fail": true}), json!({})).await;
    call(&client, "s_denied", json!({}), json!({})).await;
    call(&client, "made_up_name", json!({}), json!({})).await;
    client.modern("made/up", json!({})).await;
    client.modern("tools/list", json!({})).await;
    let spans = collector.spans(6).await;
    let failed = named(&spans, "tools/call meta", 2);
    assert!(failed.is_error);
    assert_eq!(failed.attributes["error.type"], "tool_error");
    assert_eq!(failed.attributes["mcpgw.outcome"], "error");
    // Names that only a client has said are in none.
    let denied: Vec<&Span> = spans.iter().filter(|span| span.name == "tools/call").collect();
    assert_eq!(denied.len(), 2, "{spans:#?}");
    for span in denied {
        assert_eq!(span.attributes["mcpgw.outcome"], "denied");
        assert_eq!(span.attributes["rpc.response.status_code"], "-32602");
    }
    let unknown = named(&spans, "_OTHER", 2);
    assert_eq!(unknown.attributes["rpc.response.status_code"], "-32601");
    assert_eq!(named(&spans, "tools/list", 2).attributes["mcpgw.outcome"], "answered");
    let raw = collector.raw();
    assert!(!raw.windows(7).any(|bytes| bytes == b"made_up" || bytes == b"made/up"));
}

/// Calls go on while nobody takes spans; that is told once, and once when somebody does again.
#[tokio::test]
async fn a_dead_collector_costs_nothing_and_is_told_once() {
    let recorder = Recorder::start().await;
    let address = {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        free.local_addr().unwrap()
    };
    let gateway = serve(&recorder, &format!("otlp = \"http://{address}\""));
    let client = Client::new(gateway.url("one"));
    let told = |text: &str| gateway.log().matches(text).count();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut slowest = Duration::ZERO;
    // More than the queue holds.
    for count in 0.. {
        let begun = Instant::now();
        let answered = call(&client, "s_open", json!({}), json!({})).await;
        assert!(answered.get("result").is_some() || count > 500, "{answered}");
        slowest = slowest.max(begun.elapsed());
        if told("takes no spans") > 0 && count > 300 {
            break;
        }
        assert!(Instant::now() < deadline, "{}", gateway.log());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert_eq!(told("takes no spans"), 1);
    assert!(gateway.log().contains("refused"), "{}", gateway.log());

    let collector = Collector::start_at(address).await;
    collector.spans(1).await;
    while told("takes spans again") == 0 {
        assert!(Instant::now() < deadline + Duration::from_secs(30), "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(told("takes no spans"), 1, "{}", gateway.log());
}

/// What waits at the end of the process is sent, and a reload moves later spans to another collector.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_and_a_reload_lose_no_span() {
    let (recorder, first, second) = (
        Recorder::start().await,
        Collector::start().await,
        Collector::start().await,
    );
    let mut gateway = serve(&recorder, &format!("otlp = \"http://{}\"", first.address));
    let client = Client::new(gateway.url("one"));
    call(&client, "s_open", json!({}), json!({})).await;
    let file = gateway.folder().join("mcpgw.toml");
    let moved = |to: SocketAddr| {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace(&first.address.to_string(), &to.to_string())).unwrap();
    };
    moved(second.address);
    first.spans(2).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while !gateway.log().contains("generation=2") {
        assert!(Instant::now() < deadline, "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    call(&client, "s_open", json!({}), json!({})).await;
    gateway.end();
    let spans = second.spans(2).await;
    assert_eq!(spans.len(), 2);
    assert_eq!(first.spans(2).await.len(), 2);
}

//! How much was redacted is told, by type and direction, in the audit log and in the metrics; what it was is not.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Client, Gateway};

/// A gateway whose clients' calls and whose server's answers are redacted; and where its metrics are.
fn serve(folder: &std::path::Path) -> (Gateway, String) {
    let metrics = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pii/server.py");
    let configuration = format!(
        r#"
[gateway.audit]
[gateway.telemetry]
metrics = "{metrics}"
[server.s]
command = ["python3", "{script}", "{}"]
[endpoint.e]
pii = "strict"
[endpoint.e.server.s]
tools = ["*"]
[pii.strict]
requests  = ["ssn", "credit-card"]
responses = ["all"]
[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = {{ equal = "e" }}
"#,
        folder.join("heard").display()
    );
    (Gateway::serve(&configuration), format!("http://{metrics}/metrics"))
}

/// A call with three values of two types that go, and a mail address that may pass; the answer has four values of three types.
async fn call(gateway: &Gateway) {
    let arguments = json!({"card": "4111 1111 1111 1111", "note": "SSN 123-45-6789 or 123-45-6780", "to": "a@x.io"});
    let call = json!({"name": "s_fail", "arguments": arguments});
    let answer = Client::new(gateway.url("e")).modern("tools/call", call).await.json();
    assert!(answer.to_string().contains("[REDACTED_PHONE]"), "{answer}");
}

/// `redacted` of the lines of the audit log that have it: a call's, and its answer's.
fn recorded(gateway: &Gateway) -> Vec<Value> {
    let log = std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap();
    log.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["redacted"].clone())
        .filter(|redacted| !redacted.is_null())
        .collect()
}

async fn sample(metrics: &str, direction: &str, kind: &str) -> Option<u64> {
    let page = Client::new(metrics.to_owned()).send(http::Method::GET, &[], "").await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let name = format!("mcpgw_redactions_total{{direction=\"{direction}\",type=\"{kind}\"}} ");
    page.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
}

#[tokio::test]
async fn what_was_redacted_of_a_call_is_counted_by_type() {
    let folder = tempfile::tempdir().unwrap();
    let (gateway, metrics) = serve(folder.path());
    call(&gateway).await;
    assert_eq!(recorded(&gateway)[0], json!({"credit-card": 1, "ssn": 2}));
    for (kind, count) in [("credit-card", Some(1)), ("ssn", Some(2)), ("email", None)] {
        assert_eq!(sample(&metrics, "request", kind).await, count, "{kind}");
    }
}

#[tokio::test]
async fn what_was_redacted_of_an_answer_is_counted_by_type() {
    let folder = tempfile::tempdir().unwrap();
    let (gateway, metrics) = serve(folder.path());
    call(&gateway).await;
    assert_eq!(recorded(&gateway)[1], json!({"email": 1, "ip": 1, "phone": 2}));
    for (kind, count) in [("email", Some(1)), ("ip", Some(1)), ("phone", Some(2)), ("ssn", None)] {
        assert_eq!(sample(&metrics, "response", kind).await, count, "{kind}");
    }
}

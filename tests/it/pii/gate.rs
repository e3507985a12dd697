//! The filter of an endpoint at work: a server that talks of a person everywhere, a client that does too, in both eras; and nothing of it
//! comes out on the other side.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Answer, Client, Gateway};

/// What the server says, and must reach no client.
const SAID: [&str; 5] = ["canary@corp", "555-0142", "4155550142", "10.66.77.88", "Y2FuYXJ5"];
/// What the client says, and must not reach the server.
const ASKED: [&str; 3] = ["123-45-6789", "123456789", "4111 1111 1111 1111"];

struct World {
    gateway: Gateway,
    client: Client,
    heard: PathBuf,
    _folder: TempDir,
}

impl World {
    fn start(pii: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let heard = folder.path().join("heard");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pii/server.py");
        let configuration = format!(
            r#"
[server.s]
command = ["python3", "{script}", "{}"]
[endpoint.e]
pii = "{pii}"
[endpoint.e.server.s]
tools = ["*"]
prompts = ["*"]
resources = ["**"]
[pii.strict]
requests  = ["ssn", "credit-card"]
responses = ["all"]
[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = {{ equal = "e" }}
[[role.all.deny]]
tool = {{ equal = "s/fail" }}
argument."/note" = {{ glob = "*REDACTED_SSN*" }}
"#,
            heard.display()
        );
        let gateway = Gateway::serve(&configuration);
        let client = Client::new(gateway.url("e"));
        Self {
            gateway,
            client,
            heard,
            _folder: folder,
        }
    }

    fn heard(&self) -> String {
        std::fs::read_to_string(&self.heard).unwrap()
    }
}

/// Every request that says and asks something personal.
fn requests() -> Vec<(&'static str, Value)> {
    let arguments =
        json!({"ssn": 123_456_789, "note": "card 4111 1111 1111 1111", "123-45-6789": {"b": ["SSN 123456789"]}});
    vec![
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        (
            "tools/call",
            json!({"name": "s_tell", "arguments": arguments, "_meta": {"progressToken": "t"}}),
        ),
        // Too long to be held back whole.
        (
            "tools/call",
            json!({"name": "s_tell", "arguments": {"padding": 600_000, "ssn": "123456789"}}),
        ),
        (
            "tools/call",
            json!({"name": "s_fail", "arguments": {"card": "4111 1111 1111 1111"}}),
        ),
        ("prompts/get", json!({"name": "s_p", "arguments": {"a": "123-45-6789"}})),
        ("resources/read", json!({"uri": "mem://canary@corp.com/a"})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "s_p"}, "argument": {"name": "a", "value": "123-45-6789"}}),
        ),
    ]
}

/// The client knows the address of a resource from the list, and reads it by that: it stays.
fn without_addresses(text: &str) -> String {
    text.replace("mem://canary@corp.com/a", "")
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn nothing_personal_passes_in_either_direction() {
    let world = World::start("strict");
    let session = world.client.initialize("2025-11-25").await;
    let mut told = Vec::new();
    for (method, params) in requests() {
        let legacy = text(&world.client.legacy(&session, method, params.clone()).await);
        let modern = text(&world.client.modern(method, params).await);
        for (era, answer) in [("legacy", legacy), ("modern", modern)] {
            assert!(answer.contains("[REDACTED_"), "{era} {method}: {answer:.400}");
            let answer = without_addresses(&answer);
            for canary in SAID {
                assert!(!answer.contains(canary), "{era} {method}: {canary}: {answer:.2000}");
            }
            told.push(answer);
        }
    }
    // Log, progress and question came with the call; the question is answered.
    let events = told
        .iter()
        .find(|answer| answer.contains("notifications/progress"))
        .unwrap();
    assert!(
        events.contains("notifications/message") && events.contains("elicitation/create"),
        "{events}"
    );
    assert!(events.contains("iVBORw0KGgo="), "a picture passes: {events}");
    let asked = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .find(|message| message["method"] == "elicitation/create")
        .unwrap();
    let answer =
        json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"ssn": "123456789"}}});
    let taken = world.client.post(&[("mcp-session-id", &session)], &answer).await;
    assert_eq!(taken.status, 202, "{taken:?}");

    let discovered = text(&world.client.modern("server/discover", json!({})).await);
    assert!(
        discovered.contains("[REDACTED_EMAIL]") && !discovered.contains("canary@"),
        "{discovered}"
    );

    let heard = world.heard();
    for canary in ASKED {
        assert!(!heard.contains(canary), "{canary}: {heard:.4000}");
    }
    assert!(heard.contains(r#""ssn":"[REDACTED_SSN]""#), "{heard:.2000}");
    let log = without_addresses(&world.gateway.log());
    for canary in SAID.iter().chain(&ASKED) {
        assert!(!log.contains(canary), "{canary}: {log}");
    }
}

#[tokio::test]
async fn rules_judge_what_the_server_will_get() {
    let world = World::start("strict");
    for (note, is_denied) in [("order 123456789", false), ("SSN 123456789", true)] {
        let call = json!({"name": "s_fail", "arguments": {"note": note}});
        let answer = world.client.modern("tools/call", call).await.json();
        assert_eq!(answer["result"]["isError"] == true, is_denied, "{note}: {answer}");
    }
}

#[tokio::test]
async fn without_a_filter_every_byte_passes() {
    let world = World::start("");
    let call = json!({"name": "s_tell", "arguments": {"note": "123-45-6789"}});
    let answer = text(&world.client.modern("tools/call", call).await);
    for canary in SAID {
        assert!(answer.contains(canary), "{canary}: {answer:.2000}");
    }
    assert!(world.heard().contains("123-45-6789"));
}

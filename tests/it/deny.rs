//! Deny by default: whatever a caller may not use is answered as if it did not exist, and nothing reaches the server.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Gateway, Recorder};

/// Each service's token is its name. Carol may do what Alice may.
const CONFIGURATION: &str = r#"
[endpoint.one.server.s]
tools = ["open", "denied", "argued"]
prompts = ["open", "denied"]
resources = ["r://open", "r://denied", "r://t/{id}", "r://t/*"]
[endpoint.two.server.s]
tools = ["*"]
prompts = ["*"]
resources = ["**"]

[service.alice]
token-sha256 = ["2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"]
[service.bob]
token-sha256 = ["81b637d8fcd2c6da6359e6963113a1170de795e4b725b84d1e0b4cfd9ec58ce9"]
[service.carol]
token-sha256 = ["4c26d9074c27d89ede59270c0ac14b71e071b15239519f75474b2f3ba63481f5"]

[role.alice]
members = ["service:alice", "service:carol"]
[[role.alice.allow]]
endpoint = { equal = "one" }
[[role.alice.deny]]
tool = { glob = "*/denied" }
[[role.alice.deny]]
prompt = { glob = "*/denied" }
[[role.alice.deny]]
resource = { in = ["s/r://denied", "s/r://t/secret"] }
[[role.alice.deny]]
tool = { equal = "s/argued" }
argument."/owner" = { not-equal = "acme" }

[role.bob]
members = ["service:bob"]
[[role.bob.allow]]
endpoint = { equal = "two" }
"#;

/// What a client can ask of a server by name, by method; `subscriptions/listen` has tests of its own.
const METHODS: [&str; 5] = [
    "tools/call",
    "prompts/get",
    "resources/read",
    "completion/complete",
    "resources/subscribe",
];

async fn world() -> (Recorder, Gateway) {
    let recorder = Recorder::start().await;
    let gateway = Gateway::serve(&format!("[server.s]\nurl = \"{}\"\n{CONFIGURATION}", recorder.url()));
    (recorder, gateway)
}

fn client(gateway: &Gateway, endpoint: &str, token: &str) -> Client {
    Client::new(gateway.url(endpoint)).with("authorization", &format!("Bearer {token}"))
}

/// The parameters that ask for the thing of this name by this method; tools and prompts by their shown names.
fn params(method: &str, name: &str) -> Value {
    match method {
        "tools/call" => json!({"name": format!("s_{name}"), "arguments": {}}),
        "prompts/get" => json!({"name": format!("s_{name}")}),
        "completion/complete" => {
            json!({"ref": {"type": "ref/prompt", "name": format!("s_{name}")}, "argument": {"name": "a", "value": ""}})
        }
        _ => json!({"uri": format!("r://{name}")}),
    }
}

/// The answers of both eras, where the method exists in them.
async fn ask(client: &Client, method: &str, name: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    if method != "resources/subscribe" {
        answers.push(client.modern(method, params(method, name)).await);
    }
    let session = client.initialize("2025-11-25").await;
    answers.push(client.legacy(&session, method, params(method, name)).await);
    answers
}

/// An answer without what names the thing asked for.
fn anonymised(answer: &Answer, name: &str) -> (u16, String) {
    (
        answer.status.as_u16(),
        String::from_utf8_lossy(&answer.body).replace(name, "NAME"),
    )
}

#[tokio::test]
async fn what_is_allowed_reaches_the_server() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    for method in METHODS {
        for answer in ask(&alice, method, "open").await {
            assert!(answer.json().get("result").is_some(), "{method}: {answer:?}");
        }
        assert!(!recorder.take().is_empty(), "{method}");
    }
}

#[tokio::test]
async fn what_is_not_listed_or_denied_is_answered_as_if_it_did_not_exist() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    for method in METHODS {
        let missing = ask(&alice, method, "missing").await;
        for name in ["unlisted", "denied"] {
            for (answer, missing) in ask(&alice, method, name).await.iter().zip(&missing) {
                assert_eq!(
                    anonymised(answer, name),
                    anonymised(missing, "missing"),
                    "{method} {name}"
                );
                assert!(answer.json().get("error").is_some(), "{method} {name}: {answer:?}");
            }
        }
    }
    assert_eq!(recorder.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_stream_of_changes_acknowledges_only_what_may_be_read() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    for (uris, honoured) in [
        (
            json!(["r://denied", "r://unlisted", "r://missing", "r://t/secret"]),
            json!({}),
        ),
        (
            json!(["r://denied", "r://open", "r://missing"]),
            json!({"resourceSubscriptions": ["r://open"]}),
        ),
    ] {
        let event = alice
            .first_event(
                "subscriptions/listen",
                json!({"notifications": {"resourceSubscriptions": uris}}),
            )
            .await;
        assert_eq!(event["method"], "notifications/subscriptions/acknowledged", "{event}");
        assert_eq!(event["params"]["notifications"], honoured, "{uris}");
        let reached = recorder.take();
        assert_eq!(reached.is_empty(), honoured == json!({}), "{uris}");
        for reached in reached {
            let told = &reached["params"]["notifications"];
            assert_eq!(
                told["resourceSubscriptions"], honoured["resourceSubscriptions"],
                "{reached}"
            );
        }
    }
}

#[tokio::test]
async fn another_principal_or_another_endpoint_gives_nothing() {
    let (recorder, gateway) = world().await;
    for method in METHODS.into_iter().chain(["subscriptions/listen", "server/discover"]) {
        for (endpoint, token, status) in [
            ("two", "alice", 404),
            ("one", "bob", 404),
            ("none", "alice", 404),
            ("one", "mallory", 401),
        ] {
            let answer = client(&gateway, endpoint, token)
                .modern(method, params(method, "open"))
                .await;
            assert_eq!(answer.status.as_u16(), status, "{method} {endpoint} {token}");
        }
        let nobody = Client::new(gateway.url("one"))
            .modern(method, params(method, "open"))
            .await;
        assert_eq!(nobody.status.as_u16(), 401);
        assert!(nobody.headers.contains_key("www-authenticate"));
        let nowhere = Client::new(gateway.url("none"))
            .modern(method, params(method, "open"))
            .await;
        assert_eq!(
            (nowhere.status, &nowhere.body),
            (nobody.status, &nobody.body),
            "an outsider cannot tell endpoints from nothing"
        );
    }
    assert_eq!(recorder.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_session_is_nobody_elses() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    let session = alice.initialize("2025-11-25").await;
    let call = async |endpoint, token, session| {
        let client = client(&gateway, endpoint, token);
        let answer = client.legacy(session, "tools/call", params("tools/call", "open")).await;
        (answer.status.as_u16(), answer.body)
    };
    for (endpoint, token) in [("one", "carol"), ("two", "bob")] {
        let answer = call(endpoint, token, &session).await;
        assert_eq!(answer.0, 404, "{endpoint} {token}");
        assert_eq!(answer, call(endpoint, token, "no-session").await, "{endpoint} {token}");
    }
    assert_eq!(call("one", "bob", &session).await.0, 404);
    assert_eq!(call("one", "mallory", &session).await.0, 401);
    let gone = alice
        .send(http::Method::DELETE, &[("mcp-session-id", &session)], "")
        .await;
    assert!(gone.status.is_success());
    assert_eq!(alice.legacy(&session, "ping", json!({})).await.status.as_u16(), 404);
    assert_eq!(recorder.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn refused_arguments_are_a_tool_error_and_go_nowhere() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    for arguments in [json!({"owner": "evil"}), json!({}), json!({"owner": ["acme"]})] {
        let answer = alice
            .modern("tools/call", json!({"name": "s_argued", "arguments": arguments}))
            .await
            .json();
        assert_eq!(answer["result"]["isError"], json!(true), "{answer}");
    }
    assert_eq!(recorder.take(), Vec::<Value>::new());
    let answer = alice
        .modern(
            "tools/call",
            json!({"name": "s_argued", "arguments": {"owner": "acme"}}),
        )
        .await
        .json();
    assert_eq!(answer["result"]["content"][0]["text"], json!("called"));
    assert_eq!(recorder.take().len(), 1);
}

#[tokio::test]
async fn lists_show_what_calls_allow() {
    let (_recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    let names = |answer: &Answer, kind: &str, key: &str| {
        let items = answer.json()["result"][kind].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item[key].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&alice.modern("tools/list", json!({})).await, "tools", "name"),
        ["s_open", "s_argued"]
    );
    assert_eq!(
        names(&alice.modern("prompts/list", json!({})).await, "prompts", "name"),
        ["s_open"]
    );
    assert_eq!(
        names(&alice.modern("resources/list", json!({})).await, "resources", "uri"),
        ["r://open"]
    );
    let session = alice.initialize("2025-06-18").await;
    assert_eq!(
        names(&alice.legacy(&session, "tools/list", json!({})).await, "tools", "name"),
        ["s_open", "s_argued"]
    );
}

#[tokio::test]
async fn resources_behind_a_template_are_decided_one_by_one() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    for uri in ["r://t/secret", "r://t/../denied", "r://t/%2e%2e", "r://t/a%2fb"] {
        let answer = alice.modern("resources/read", json!({"uri": uri})).await.json();
        assert!(answer.get("error").is_some(), "{uri}: {answer}");
    }
    assert_eq!(recorder.take(), Vec::<Value>::new());
    let answer = alice
        .modern("resources/read", json!({"uri": "r://t/public"}))
        .await
        .json();
    assert_eq!(answer["result"]["contents"][0]["text"], json!("read"), "{answer}");
}

#[tokio::test]
async fn unknown_methods_reach_no_server() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    let session = alice.initialize("2025-11-25").await;
    for method in [
        "tasks/list",
        "tasks/result",
        "skills/list",
        "resources/directory/read",
        "roots/list",
        "sampling/createMessage",
    ] {
        let modern = alice.modern(method, json!({"taskId": "1"})).await;
        assert_eq!(
            (modern.status.as_u16(), modern.json()["error"]["code"].as_i64()),
            (404, Some(-32601)),
            "{method}"
        );
        let legacy = alice.legacy(&session, method, json!({"taskId": "1"})).await;
        assert_eq!(legacy.json()["error"]["code"].as_i64(), Some(-32601), "{method}");
    }
    assert_eq!(recorder.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_task_that_nobody_was_given_is_not_looked_for() {
    let (recorder, gateway) = world().await;
    let alice = client(&gateway, "one", "alice");
    let session = alice.initialize("2025-11-25").await;
    let capabilities = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let declared = json!({"taskId": "1", "_meta": {"io.modelcontextprotocol/clientCapabilities": capabilities}});
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        for (answer, code) in [
            (alice.modern(method, declared.clone()).await, -32602),
            (alice.modern(method, json!({"taskId": "1"})).await, -32021),
            (alice.legacy(&session, method, json!({"taskId": "1"})).await, -32601),
        ] {
            assert_eq!(answer.json()["error"]["code"], code, "{method}: {answer:?}");
        }
    }
    assert_eq!(recorder.take(), Vec::<Value>::new());
}

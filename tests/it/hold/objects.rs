//! Tools, servers and endpoints.

use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::{done, has_ended, open_stream};
use crate::support::{Client, Gateway, Recorder, listed_tools};

fn serve(recorder: &Recorder) -> Gateway {
    Gateway::serve(&format!(
        r#"
[gateway.audit]
[server.s]
url = "{url}"
[server.t]
url = "{url}"
[endpoint.one.server.s]
tools = ["open", "denied"]
prompts = ["open"]
resources = ["r://open", "r://t/*"]
[endpoint.one.server.t]
tools = ["open"]
[endpoint.two.server.t]
tools = ["open"]
[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = {{ glob = "*" }}
"#,
        url = recorder.url()
    ))
}

async fn tools(client: &Client) -> Vec<String> {
    listed_tools(&client.modern("tools/list", json!({})).await.json())
}

async fn call(client: &Client, tool: &str) -> Value {
    let answer = client
        .modern("tools/call", json!({"name": tool, "arguments": {}}))
        .await;
    answer.json()
}

#[tokio::test]
async fn a_held_tool_leaves_the_lists_is_announced_and_cannot_be_called() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder);
    let client = Client::new(gateway.url("one"));
    assert_eq!(tools(&client).await, ["s_open", "s_denied", "t_open"]);
    let mut stream = open_stream(&gateway.url("one"), "").await;

    done(&gateway, &["hold", "tool:s/open"]);
    let told = tokio::time::timeout(Duration::from_secs(5), stream.frame()).await;
    let told = told.unwrap().unwrap().unwrap().into_data().unwrap();
    assert!(
        String::from_utf8_lossy(&told).contains("tools/list_changed"),
        "{told:?}"
    );
    assert_eq!(tools(&client).await, ["s_denied", "t_open"]);
    recorder.take();
    let held = call(&client, "s_open").await;
    let unknown = call(&client, "s_other").await;
    assert_eq!(
        held["error"]["message"].as_str().unwrap().replace("s_open", "s_other"),
        unknown["error"]["message"].as_str().unwrap(),
        "as if there were none"
    );
    assert!(recorder.take().is_empty(), "it did not reach the server");
    assert!(call(&client, "t_open").await.get("result").is_some());

    done(&gateway, &["release", "tool:s/open"]);
    assert_eq!(tools(&client).await, ["s_open", "s_denied", "t_open"]);
    assert!(call(&client, "s_open").await.get("result").is_some());
}

#[tokio::test]
async fn of_a_held_server_nothing_is_left_on_any_endpoint() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder);
    let (one, two) = (Client::new(gateway.url("one")), Client::new(gateway.url("two")));
    let read = json!({"uri": "r://open"});
    let complete = json!({"ref": {"type": "ref/prompt", "name": "s_open"}, "argument": {"name": "a", "value": "b"}});
    for (method, params) in [("resources/read", &read), ("completion/complete", &complete)] {
        let answer = one.modern(method, params.clone()).await.json();
        assert!(answer.get("result").is_some(), "{answer}");
    }
    done(&gateway, &["hold", "server:s"]);
    recorder.take();
    assert_eq!(tools(&one).await, ["t_open"]);
    let prompts = one.modern("prompts/list", json!({})).await.json();
    assert_eq!(prompts["result"]["prompts"], json!([]));
    for (method, list) in [
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let listed = one.modern(method, json!({})).await.json();
        assert_eq!(listed["result"][list], json!([]));
    }
    let prompt = json!({"name": "s_open"});
    for (method, params) in [
        ("resources/read", &read),
        ("resources/read", &json!({"uri": "r://t/1"})),
        ("completion/complete", &complete),
        ("prompts/get", &prompt),
    ] {
        let answer = one.modern(method, params.clone()).await.json();
        assert!(answer.get("error").is_some(), "{method}: {answer}");
    }
    assert!(call(&one, "s_open").await.get("error").is_some());
    assert!(recorder.take().is_empty(), "nothing reached the server");
    assert_eq!(tools(&two).await, ["t_open"]);
    done(&gateway, &["release", "server:s"]);
    assert!(one.modern("resources/read", read).await.json().get("result").is_some());
}

#[tokio::test]
async fn a_held_endpoint_is_not_there() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder);
    let (one, two) = (Client::new(gateway.url("one")), Client::new(gateway.url("two")));
    let stream = open_stream(&gateway.url("two"), "").await;
    done(&gateway, &["hold", "endpoint:two"]);
    has_ended(stream).await;
    let held = two.modern("tools/list", json!({})).await;
    let nowhere = Client::new(gateway.url("nowhere"))
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(
        (held.status, held.body),
        (nowhere.status, nowhere.body),
        "as one that there is not"
    );
    assert_eq!(tools(&one).await.len(), 3, "others go on");
    done(&gateway, &["release", "endpoint:two"]);
    assert_eq!(tools(&two).await, ["t_open"]);
}

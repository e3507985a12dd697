//! Servers and clients that do not mean well, over real connections.

use serde_json::json;

use crate::support::{Client, Gateway, Liar};

const CONFIGURATION: &str = r#"
[endpoint.e.server.s]
tools = ["*"]
resources = ["**"]
[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = { equal = "e" }
[[role.all.deny]]
resource = { glob = "s/r://secret/**" }
"#;

async fn world() -> (Liar, Gateway, Client) {
    let liar = Liar::start().await;
    let gateway = Gateway::serve(&format!("[server.s]\nurl = \"{}\"\n{CONFIGURATION}", liar.url()));
    let client = Client::new(gateway.url("e"));
    (liar, gateway, client)
}

#[tokio::test]
async fn what_a_server_hides_from_readers_is_not_served() {
    let (_liar, _gateway, client) = world().await;
    let listed = client.modern("tools/list", json!({})).await.json();
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| &tool["name"]).collect();
    assert_eq!(
        names,
        ["s_json", "s_events"],
        "a name with hidden characters is held back"
    );
    assert_eq!(tools[0]["description"], "plain");
}

#[tokio::test]
async fn an_answer_under_a_foreign_id_reaches_the_client_under_its_own() {
    let (_liar, _gateway, client) = world().await;
    let session = client.initialize("2025-11-25").await;
    for tool in ["s_json", "s_events"] {
        let call = json!({"name": tool, "arguments": {}});
        let answers = [
            client.legacy(&session, "tools/call", call.clone()).await.json(),
            client.modern("tools/call", call).await.json(),
        ];
        for answer in answers {
            assert_eq!(answer["id"], 1, "{answer}");
            assert!(answer["result"].is_object(), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_deny_is_not_passed_by_an_encoded_letter() {
    let (_liar, _gateway, client) = world().await;
    let open = client
        .modern("resources/read", json!({"uri": "r://open/a"}))
        .await
        .json();
    assert!(open["result"].is_object(), "{open}");
    for uri in ["r://secret/a", "r://%73ecret/a", "r://secre%2574/a"] {
        let answer = client.modern("resources/read", json!({"uri": uri})).await.json();
        assert_eq!(answer["error"]["code"], -32602, "{uri}: {answer}");
    }
}

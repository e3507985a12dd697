use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader, DuplexStream, Lines};

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// A running demo server and its two ends.
struct Server {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
}

impl Server {
    fn start() -> Self {
        let (input, server_input) = tokio::io::duplex(1 << 16);
        let (server_output, output) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve(BufReader::new(server_input), server_output));
        let output = tokio::io::AsyncBufReadExt::lines(BufReader::new(output));
        Self { input, output }
    }

    async fn send(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(10), self.output.next_line());
        serde_json::from_str(&line.await.unwrap().unwrap().unwrap()).unwrap()
    }

    async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.receive().await
    }

    async fn shake_hands(&mut self, version: &str) -> Value {
        let params =
            json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let answer = self.ask(&request(0, "initialize", params)).await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await;
        answer
    }
}

/// A request that describes itself.
fn modern(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    request(id, method, params)
}

#[tokio::test]
async fn a_handshake_agrees_on_the_version_asked_for() {
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let answer = Server::start().shake_hands(version).await;
        assert_eq!(answer["result"]["protocolVersion"], version);
    }
    for other in ["2024-11-05", "2026-07-28", "2099-01-01"] {
        let answer = Server::start().shake_hands(other).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    }
}

#[tokio::test]
async fn nothing_is_served_before_a_version_is_known() {
    let mut server = Server::start();
    assert_eq!(
        server.ask(&request(1, "tools/list", json!({}))).await["error"]["code"],
        -32600
    );
    assert_eq!(
        server.ask(&request(2, "server/discover", json!({}))).await["error"]["code"],
        -32602
    );
}

#[tokio::test]
async fn discover_needs_no_handshake_and_says_how_long_it_holds() {
    let answer = Server::start().ask(&modern(1, "server/discover", json!({}))).await;
    let result = &answer["result"];
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(
        (&result["resultType"], &result["cacheScope"]),
        (&json!("complete"), &json!("public"))
    );
    assert!(result["ttlMs"].is_u64() && result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"].is_string());
}

#[tokio::test]
async fn both_eras_share_one_process() {
    let mut server = Server::start();
    server.shake_hands("2025-11-25").await;
    let old = server.ask(&request(1, "tools/list", json!({}))).await;
    let new = server.ask(&modern(2, "tools/list", json!({}))).await;
    assert_eq!(old["result"]["tools"], new["result"]["tools"]);
    assert!(old["result"].get("resultType").is_none() && old["result"].get("ttlMs").is_none());
    assert_eq!(new["result"]["resultType"], "complete");
}

#[tokio::test]
async fn an_unknown_version_and_missing_capabilities_are_refused_as_2026_07_28_says() {
    let mut server = Server::start();
    let mut asked = modern(1, "tools/list", json!({}));
    asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let answer = server.ask(&asked).await;
    assert_eq!(answer["error"]["code"], -32022);
    assert_eq!(
        answer["error"]["data"],
        json!({ "supported": ["2026-07-28"], "requested": "2099-01-01" })
    );
    let bare = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } });
    assert_eq!(
        server.ask(&request(2, "tools/list", bare)).await["error"]["code"],
        -32602
    );
}

#[tokio::test]
async fn methods_of_the_other_era_do_not_exist() {
    let mut server = Server::start();
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe"] {
        assert_eq!(
            server.ask(&modern(1, method, json!({}))).await["error"]["code"],
            -32601,
            "{method}"
        );
    }
    server.shake_hands("2025-11-25").await;
    assert_eq!(
        server.ask(&request(2, "subscriptions/listen", json!({}))).await["error"]["code"],
        -32601
    );
}

#[tokio::test]
async fn the_oldest_revision_gets_neither_titles_nor_structured_content() {
    let mut server = Server::start();
    server.shake_hands("2025-03-26").await;
    let listed = server.ask(&request(1, "tools/list", json!({}))).await;
    for tool in listed["result"]["tools"].as_array().unwrap() {
        assert!(
            tool.get("title").is_none() && tool.get("outputSchema").is_none(),
            "{tool}"
        );
    }
    let called = server
        .ask(&request(2, "tools/call", json!({ "name": "list_customers" })))
        .await;
    assert!(called["result"].get("structuredContent").is_none());
    server
        .send(&json!([request(3, "ping", json!({})), request(4, "ping", json!({}))]))
        .await;
    assert_eq!(
        (
            server.receive().await["id"].clone(),
            server.receive().await["id"].clone()
        ),
        (json!(3), json!(4))
    );
}

#[tokio::test]
async fn progress_comes_in_order_and_before_the_result() {
    let mut server = Server::start();
    let params =
        json!({ "name": "slow_report", "arguments": { "steps": 3, "step_ms": 0 }, "_meta": { "progressToken": "p" } });
    server.send(&modern(7, "tools/call", params)).await;
    for step in 1..=3 {
        let progress = server.receive().await;
        assert_eq!(progress["params"]["progress"], step);
        assert_eq!(progress["params"]["progressToken"], "p");
    }
    assert_eq!(server.receive().await["result"]["isError"], false);
}

#[tokio::test]
async fn a_cancelled_call_is_never_answered() {
    let mut server = Server::start();
    let params = json!({ "name": "slow_report", "arguments": { "steps": 50, "step_ms": 2000 } });
    server.send(&modern(1, "tools/call", params)).await;
    server
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }))
        .await;
    assert_eq!(server.ask(&modern(2, "tools/list", json!({}))).await["id"], 2);
    drop(server.input);
    assert!(
        server.output.next_line().await.unwrap().is_none(),
        "ends at once, without an answer to 1"
    );
}

#[tokio::test]
async fn log_messages_come_only_when_asked_for() {
    let mut server = Server::start();
    let params = json!({ "name": "list_customers", "_meta": { "io.modelcontextprotocol/logLevel": "info" } });
    assert_eq!(
        server.ask(&modern(1, "tools/call", params)).await["method"],
        "notifications/message"
    );
    assert_eq!(server.receive().await["id"], 1);
    assert_eq!(
        server
            .ask(&modern(2, "tools/call", json!({ "name": "list_customers" })))
            .await["id"],
        2
    );
}

#[tokio::test]
async fn wrong_arguments_are_a_tools_answer_and_an_unknown_tool_is_an_error() {
    let mut server = Server::start();
    for arguments in [
        json!({}),
        json!({ "id": 3 }),
        json!({ "id": "c-1" }),
        json!({ "id": "c-1001", "x": 1 }),
    ] {
        let params = json!({ "name": "get_customer", "arguments": arguments });
        assert_eq!(
            server.ask(&modern(1, "tools/call", params)).await["result"]["isError"],
            true
        );
    }
    assert_eq!(
        server.ask(&modern(2, "tools/call", json!({ "name": "nope" }))).await["error"]["code"],
        -32602
    );
}

#[tokio::test]
async fn a_missing_resource_has_the_code_of_its_era() {
    let mut server = Server::start();
    let uri = json!({ "uri": "demo://nope" });
    assert_eq!(
        server.ask(&modern(1, "resources/read", uri.clone())).await["error"]["code"],
        -32602
    );
    server.shake_hands("2025-06-18").await;
    let answer = server.ask(&request(2, "resources/read", uri)).await;
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["data"]["uri"]),
        (&json!(-32002), &json!("demo://nope"))
    );
}

#[tokio::test]
async fn prompts_templates_and_completion_answer() {
    let mut server = Server::start();
    let prompt = json!({ "name": "customer_letter", "arguments": { "id": "c-1002" } });
    let text =
        server.ask(&modern(1, "prompts/get", prompt)).await["result"]["messages"][0]["content"]["text"].to_string();
    assert!(text.contains("Bruno Castellan"), "{text}");
    let read = server
        .ask(&modern(
            2,
            "resources/read",
            json!({ "uri": "demo://customers/c-1003" }),
        ))
        .await;
    assert!(read["result"]["contents"][0]["text"].to_string().contains("Chiyo"));
    let wanted = json!({ "ref": { "type": "ref/resource", "uri": "demo://customers/{id}" }, "argument": { "name": "id", "value": "c-1" } });
    let completed = server.ask(&modern(3, "completion/complete", wanted)).await;
    assert_eq!(completed["result"]["completion"]["values"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_the_next_one_is_served() {
    let mut server = Server::start();
    for (line, code) in [
        ("{", -32700),
        ("[]", -32600),
        ("7", -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
    ] {
        server.input.write_all(format!("\n{line}\n").as_bytes()).await.unwrap();
        let answer = server.receive().await;
        assert_eq!(answer["error"]["code"], code, "{line}");
        assert!(answer.get("id").is_none());
    }
    let long = "x".repeat(line::LONGEST + 1);
    server.input.write_all(format!("{long}\n").as_bytes()).await.unwrap();
    assert_eq!(server.receive().await["error"]["code"], -32600);
    assert_eq!(server.ask(&request(1, "ping", json!({}))).await["result"], json!({}));
}

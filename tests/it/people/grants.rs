//! Grants: seen and ended by their person and by the client.

use std::time::Duration;

use http_body_util::BodyExt as _;

use super::agent::{ALICE, Agent, BOB, CALLBACK, gateway};

#[tokio::test]
async fn revoking_on_my_page_ends_the_next_call_and_the_open_stream() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let mut stream = open_stream(&alice.base, &tokens.access).await;
    let first = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("acknowledged"));

    let page = alice.get("/").await;
    assert!(page.text.contains("Test client"), "{}", page.text);
    let (csrf, grant) = (page.field("csrf"), page.field("grant"));
    let answer = alice
        .submit("/grants/revoke", &[("csrf", &csrf), ("grant", &grant)])
        .await;
    assert_eq!(answer.status, 303);
    let rest = async { while let Some(Ok(_)) = stream.frame().await {} };
    tokio::time::timeout(Duration::from_secs(5), rest)
        .await
        .expect("the stream has ended");
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);
    assert!(!alice.get("/").await.text.contains("Test client"));
}

#[tokio::test]
async fn nobody_ends_the_grant_of_another_person() {
    let gateway = gateway();
    let (alice, bob) = (Agent::of(&gateway), Agent::of(&gateway));
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    bob.sign_in(BOB).await;
    let tokens = alice.tokens(&client).await;
    let grant = alice.get("/").await.field("grant");
    let csrf = bob.get("/").await.field("csrf");
    bob.submit("/grants/revoke", &[("csrf", &csrf), ("grant", &grant)])
        .await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
}

#[tokio::test]
async fn a_client_gives_up_what_it_was_given() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let foreign = [("token", tokens.refresh.as_str()), ("client_id", "mcpgw_client_other")];
    assert_eq!(alice.post("/revoke", &foreign).await.status, 200);
    assert_eq!(
        alice.call("eng", &tokens.access).await.status,
        200,
        "another client's word is nothing"
    );
    let own = [("token", tokens.refresh.as_str()), ("client_id", &client)];
    assert_eq!(alice.post("/revoke", &own).await.status, 200);
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);
    assert_eq!(
        alice.post("/revoke", &own).await.status,
        200,
        "what is gone is gone (RFC 7009)"
    );
}

#[tokio::test]
async fn an_administrator_sees_grants_and_ends_them() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let run = |arguments: &[&str]| gateway.run(&[&["grants"], arguments].concat());
    let ran = run(&["list"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let listed = ran.stdout;
    assert!(
        listed.contains("alice") && listed.contains("Test client (127.0.0.1)") && listed.contains("eng"),
        "{listed}"
    );
    assert_eq!(run(&["revoke"]).code, 64, "which ones must be said");
    assert!(run(&["revoke", "--user", "bob"]).stdout.contains("no such grant"));
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
    assert!(
        run(&["revoke", "--user", "alice", "--endpoint", "eng"])
            .stdout
            .contains("Revoked 1 grant")
    );
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);
    assert!(run(&["list"]).stdout.contains("Nobody"));
}

#[tokio::test]
async fn sign_ins_and_grants_are_recorded_and_no_secret_is() {
    let gateway = crate::support::Gateway::serve(&format!("[gateway.audit]\n{}", super::agent::CONFIGURATION));
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(("alice", "wrong password")).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let refreshed = alice.refresh(&client, &tokens.refresh).await.tokens();
    alice.call("eng", &refreshed.access).await;
    alice.refresh(&client, &tokens.refresh).await;
    let log = std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap();
    for event in [
        r#""event":"sign-in","principal":"user:alice","source":"local","address":"127.0.0.1","outcome":"failed""#,
        r#""outcome":"ok""#,
        r#""event":"grant","grant":"#,
        r#""event":"refresh-reused""#,
    ] {
        assert!(log.contains(event), "{event}: {log}");
    }
    let everything = log + &gateway.log();
    for secret in [&tokens.access, &tokens.refresh, &refreshed.access, &refreshed.refresh] {
        assert!(!everything.contains(secret.as_str()));
    }
    assert!(!everything.contains("wrong password") && !everything.contains(ALICE.1));
}

pub(super) async fn open_stream(base: &str, token: &str) -> hyper::body::Incoming {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let request = http::Request::post(format!("{base}/mcp/eng"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "subscriptions/listen")
        .header("authorization", format!("Bearer {token}"))
        .body(http_body_util::Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let http = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let answer = http.request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body()
}

//! Holds: what is taken away at once is refused in every form, and what is released is there again.

use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::agent::{ALICE, Agent, CALLBACK, CONFIGURATION, gateway};
use super::grants::open_stream;
use crate::support::{Answer, Client, Gateway, Provider, Recorder, listed_tools};

fn recorded(configuration: &str) -> Gateway {
    Gateway::serve(&format!("[gateway.audit]\n{configuration}"))
}

/// Empty while the gateway starts.
fn log_of(gateway: &Gateway) -> String {
    std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap_or_default()
}

fn hold(gateway: &Gateway, what: &str) -> String {
    let ran = gateway.run(&["hold", what, "--reason", "incident 7"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    ran.stdout
}

fn release(gateway: &Gateway, what: &str) {
    let ran = gateway.run(&["release", what]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

async fn ends(stream: &mut hyper::body::Incoming) {
    let rest = async { while let Some(Ok(_)) = stream.frame().await {} };
    let ended = tokio::time::timeout(Duration::from_secs(30), rest).await;
    ended.expect("the stream goes on");
}

#[tokio::test]
async fn who_is_held_is_refused_with_every_token_and_at_the_door_until_the_release() {
    let gateway = recorded(CONFIGURATION);
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let unspent = alice.code(&client).await;
    let mut stream = open_stream(&alice.base, &tokens.access).await;
    let first = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("acknowledged"));

    let out = hold(&gateway, "user:alice");
    assert!(out.contains("held: user:alice, 1 grant ended"), "{out}");
    ends(&mut stream).await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);
    assert_eq!(alice.refresh(&client, &tokens.refresh).await.status, 400);
    assert_eq!(alice.exchange(&client, &unspent, &[]).await.status, 400);
    // Signed in before: not any more, and not anew.
    let page = alice.get(&alice.authorize_url(&client, &[])).await;
    assert!(page.header("location").starts_with("/sign-in"), "{page:?}");
    let refused = alice.sign_in(ALICE).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("may not sign in now"), "{}", refused.text);
    assert!(
        !refused.text.contains("incident"),
        "the person is told less than the log"
    );

    release(&gateway, "user:alice");
    assert_eq!(
        alice.call("eng", &tokens.access).await.status,
        401,
        "its grants have ended"
    );
    assert_eq!(alice.get("/").await.status, 200, "the browser is signed in as before");
    let again = alice.tokens(&client).await;
    assert_eq!(alice.call("eng", &again.access).await.status, 200);

    let log = log_of(&gateway);
    for told in [
        r#""event":"hold","what":"user:alice","by":"local:"#,
        r#""reason":"incident 7""#,
        r#""event":"release","what":"user:alice""#,
        r#""event":"sign-in","principal":"user:alice","source":"local","address":"127.0.0.1","outcome":"held""#,
    ] {
        assert!(log.contains(told), "{told}: {log}");
    }
}

#[tokio::test]
async fn a_group_is_held_with_all_who_are_in_it_and_keeps_its_grants() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let mut stream = open_stream(&alice.base, &tokens.access).await;
    hold(&gateway, "group:staff");
    ends(&mut stream).await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);
    assert_eq!(alice.refresh(&client, &tokens.refresh).await.status, 400);
    release(&gateway, "group:staff");
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
}

const AUDIENCE: &str = "https://mcp.example.com";
const TOKEN: &str = "mcpgw_a-token-of-a-test";

/// A service, and programs of an issuer, before a server that answers.
async fn programs() -> (Gateway, Provider, Recorder) {
    use sha2::Digest as _;
    let (provider, recorder) = (Provider::start(AUDIENCE), Recorder::start().await);
    let hash = mcpgw::text::hex(&sha2::Sha256::digest(TOKEN));
    let gateway = Gateway::serve(&format!(
        r#"
[issuer.corp]
url = "{issuer}"
audience = "{AUDIENCE}"
[service.bot]
token-sha256 = ["{hash}"]
[server.s]
url = "{server}"
[endpoint.one.server.s]
tools = ["open", "denied"]
[role.all]
members = ["authenticated", "service:bot"]
[[role.all.allow]]
endpoint = {{ equal = "one" }}
"#,
        issuer = provider.url(),
        server = recorder.url(),
    ));
    (gateway, provider, recorder)
}

fn bearer(gateway: &Gateway, token: &str) -> Client {
    Client::new(gateway.url("one")).with("authorization", &format!("Bearer {token}"))
}

async fn list(client: &Client) -> Answer {
    client.modern("tools/list", json!({})).await
}

#[tokio::test]
async fn a_service_and_a_program_of_an_issuer_are_held_too() {
    let (gateway, provider, _recorder) = programs().await;
    let jwt = provider.token(AUDIENCE).await;
    for (token, what) in [(TOKEN, "service:bot"), (&*jwt, "user:corp:program")] {
        let client = bearer(&gateway, token);
        assert_eq!(list(&client).await.status, 200, "{what}");
        let listen = json!({"notifications": {"toolsListChanged": true}});
        let mut stream = client.stream("subscriptions/listen", listen).await;
        hold(&gateway, what);
        ends(&mut stream).await;
        assert_eq!(list(&client).await.status, 401, "{what}");
        release(&gateway, what);
        assert_eq!(list(&client).await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn a_call_in_flight_of_who_is_held_is_cut() {
    let gateway = recorded(&CONFIGURATION.replace("user:bob", "anonymous"));
    let client = Client::new(gateway.url("ops"));
    let call = client.modern(
        "tools/call",
        json!({"name": "demo_slow_report", "arguments": {"steps": 20, "step_ms": 2000}}),
    );
    let held = async {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !log_of(&gateway).contains("slow_report") {
            assert!(tokio::time::Instant::now() < deadline, "the call never began");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        hold(&gateway, "anonymous");
    };
    let (answer, ()) = tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(call, held) })
        .await
        .expect("the call goes on");
    assert!(
        !String::from_utf8_lossy(&answer.body).contains("\"result\""),
        "{answer:?}"
    );
    assert_eq!(client.modern("tools/list", json!({})).await.status, 401);
}

#[tokio::test]
async fn a_tool_a_server_and_an_endpoint_leave_the_lists_at_once_and_are_reached_by_nobody() {
    let (gateway, _provider, recorder) = programs().await;
    let client = bearer(&gateway, TOKEN);
    let tools = async || listed_tools(&list(&client).await.json());
    assert_eq!(tools().await, ["s_open", "s_denied"]);
    let call = async || {
        client
            .modern("tools/call", json!({"name": "s_open", "arguments": {}}))
            .await
    };
    assert_eq!(call().await.status, 200);
    let never = client
        .modern("tools/call", json!({"name": "s_nothing", "arguments": {}}))
        .await;
    recorder.take();

    hold(&gateway, "tool:s/open");
    assert_eq!(tools().await, ["s_denied"]);
    let refused = call().await;
    let text = |answer: &Answer| String::from_utf8_lossy(&answer.body).replace("s_nothing", "s_open");
    assert_eq!(text(&refused), text(&never), "told as if it did not exist");
    hold(&gateway, "server:s");
    assert_eq!(tools().await, Vec::<String>::new());
    release(&gateway, "tool:s/open");
    assert_eq!(tools().await, Vec::<String>::new(), "its server is held still");
    release(&gateway, "server:s");
    hold(&gateway, "endpoint:one");
    assert_eq!(list(&client).await.status, 404);
    assert_eq!(recorder.take(), Vec::<Value>::new(), "something held was called");
    release(&gateway, "endpoint:one");
    assert_eq!(tools().await, ["s_open", "s_denied"]);
    assert_eq!(call().await.status, 200);
}

#[tokio::test]
async fn an_open_stream_hears_that_a_tool_was_taken_away() {
    let (gateway, _provider, _recorder) = programs().await;
    let client = bearer(&gateway, TOKEN);
    list(&client).await;
    let mut stream = client
        .stream(
            "subscriptions/listen",
            json!({"notifications": {"toolsListChanged": true}}),
        )
        .await;
    hold(&gateway, "tool:s/open");
    let told = async {
        let mut text = String::new();
        while !text.contains("notifications/tools/list_changed") {
            let frame = stream.frame().await.expect("the stream goes on").unwrap();
            text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told)
        .await
        .expect("nobody is told");
}

#[tokio::test]
async fn what_cannot_be_held_or_is_not_held_is_an_error() {
    let gateway = gateway();
    let ran = gateway.run(&["hold", "alice"]);
    assert!(ran.code == 64 && ran.stderr.contains("user:NAME"), "{}", ran.all());
    let ran = gateway.run(&["release", "user:alice"]);
    assert!(ran.code == 1 && ran.stderr.contains("is not held"), "{}", ran.all());
    let ran = gateway.run(&["hold", "server:typo", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(
        ran.stderr.contains("nothing of the name `server:typo` is known"),
        "{}",
        ran.all()
    );
    let held: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&held["what"], &held["known"]), (&json!("server:typo"), &json!(false)));
}

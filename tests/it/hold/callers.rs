//! People, services and callers without a name.

use serde_json::json;

use super::{audit_log, done, has_ended, open_stream};
use crate::people::agent::{ALICE, Agent, BOB, CALLBACK, CONFIGURATION};
use crate::support::{Answer, Client, Gateway, Recorder};

fn with_people() -> Gateway {
    Gateway::serve(&format!("[gateway.audit]\n{CONFIGURATION}"))
}

#[tokio::test]
async fn a_held_person_is_out_at_once_through_a_restart_and_until_released() {
    let mut gateway = with_people();
    let (alice, bob) = (Agent::of(&gateway), Agent::of(&gateway));
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let stream = open_stream(&gateway.url("eng"), &tokens.access).await;
    // Allowed before, and exchanged only after the hold.
    let code = alice.code(&client).await;

    let told = done(&gateway, &["hold", "user:alice", "--reason", "left on Friday"]);
    assert!(
        told.contains("held: user:alice") && told.contains("1 grant ended"),
        "{told}"
    );
    has_ended(stream).await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);
    assert_eq!(alice.refresh(&client, &tokens.refresh).await.status, 400);
    assert_eq!(alice.exchange(&client, &code, &[]).await.status, 400);
    assert_eq!(alice.get("/").await.status, 303, "the browser is signed in no more");
    let refused = alice.sign_in(ALICE).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("may not sign in"), "{refused:?}");
    assert_eq!(bob.sign_in(BOB).await.status, 303, "nobody else is concerned");

    gateway.kill();
    gateway.begin();
    let alice = Agent::of(&gateway);
    assert_eq!(alice.sign_in(ALICE).await.status, 403);
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);

    done(&gateway, &["release", "user:alice"]);
    assert_eq!(alice.sign_in(ALICE).await.status, 303);
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401, "grants have ended");
    let tokens = alice.tokens(&client).await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);

    let log = audit_log(&gateway);
    for line in [
        r#""event":"hold","what":"user:alice","by":"local:"#,
        r#""reason":"left on Friday""#,
        r#""event":"grant-revoked""#,
        r#""source":"local","address":"127.0.0.1","outcome":"held""#,
        r#""event":"release","what":"user:alice","by":"local:"#,
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
}

const SERVICE: &str = "a-token-of-a-service";

fn with_service(recorder: &Recorder) -> Gateway {
    use sha2::Digest as _;
    let hash = mcpgw::text::hex(&sha2::Sha256::digest(SERVICE));
    Gateway::serve(&format!(
        r#"
[gateway.audit]
[server.s]
url = "{}"
[endpoint.one.server.s]
tools = ["open"]
[service.bot]
token-sha256 = ["{hash}"]
groups = ["bots"]
[group.programs]
members = ["group:bots"]
[role.all]
members = ["authenticated", "anonymous"]
[[role.all.allow]]
endpoint = {{ equal = "one" }}
"#,
        recorder.url()
    ))
}

async fn list(gateway: &Gateway, token: &str) -> Answer {
    let mut client = Client::new(gateway.url("one"));
    if !token.is_empty() {
        client = client.with("authorization", &format!("Bearer {token}"));
    }
    client.modern("tools/list", json!({})).await
}

#[tokio::test]
async fn a_services_token_counts_no_more_by_its_name_or_by_a_group_within_a_group() {
    let recorder = Recorder::start().await;
    let gateway = with_service(&recorder);
    for what in ["service:bot", "group:bots", "group:programs"] {
        assert_eq!(list(&gateway, SERVICE).await.status, 200, "{what}");
        let stream = open_stream(&gateway.url("one"), SERVICE).await;
        done(&gateway, &["hold", what]);
        has_ended(stream).await;
        let refused = list(&gateway, SERVICE).await;
        assert_eq!(refused.status, 401, "{what}");
        let challenge = refused.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert_eq!(list(&gateway, "").await.status, 200, "{what}: others go on");
        done(&gateway, &["release", what]);
    }
    assert_eq!(list(&gateway, SERVICE).await.status, 200);
}

#[tokio::test]
async fn callers_without_a_name_can_be_held() {
    let recorder = Recorder::start().await;
    let gateway = with_service(&recorder);
    let stream = open_stream(&gateway.url("one"), "").await;
    done(&gateway, &["hold", "anonymous"]);
    has_ended(stream).await;
    assert_eq!(list(&gateway, "").await.status, 401);
    assert_eq!(list(&gateway, SERVICE).await.status, 200);
    done(&gateway, &["release", "anonymous"]);
    assert_eq!(list(&gateway, "").await.status, 200);
}

/// Neither a hold nor a grant is of the process: both are there after `kill -9`, with the tokens that clients have.
#[tokio::test]
async fn grants_survive_a_restart_and_their_tokens_count_on() {
    let mut gateway = with_people();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    gateway.kill();
    gateway.begin();
    let alice = Agent::of(&gateway);
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
    let refreshed = alice.refresh(&client, &tokens.refresh).await.tokens();
    assert_eq!(alice.call("eng", &refreshed.access).await.status, 200);
    gateway.end();
    gateway.begin();
    let alice = Agent::of(&gateway);
    assert_eq!(alice.call("eng", &refreshed.access).await.status, 200);
    let spent = alice.refresh(&client, &tokens.refresh).await;
    assert_eq!(spent.status, 400, "what was spent before stays spent");
    assert_eq!(
        alice.call("eng", &refreshed.access).await.status,
        401,
        "and ends the grant"
    );
}

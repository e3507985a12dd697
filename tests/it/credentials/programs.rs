//! Programs get their person's token in a variable, and another process when that token has ended.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::tracker::{Tracker, state, through};
use crate::people::agent::{ALICE, Agent, CALLBACK};
use crate::support::{Client, Gateway};

const LIVES: Duration = Duration::from_secs(4);

fn configuration(tracker: &Tracker, more: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let peers = format!("{root}/target/peers");
    let issuer = tracker.url("issuer");
    format!(
        r#"
[server.keyring]
command = ["{peers}/bin/node", "{root}/tests/peers/keyring.mjs", "{peers}/node_modules"]
credentials = "personal"
auth = "oauth"
token-env = "TOKEN"
{more}
[server.keyring.oauth]
client-id = "given"
authorize-url = "{issuer}/auth"
token-url = "{issuer}/token"
scopes = ["openid", "offline_access"]
[endpoint.eng.server.keyring]
tools = ["*"]
[user.alice]
password-hash = "$argon2id$v=19$m=19456,t=2,p=1$PlNtG3PcLqenP74DBcCUzw$VqE3pA1M2aL6stUDpY5NIojpBkNp5jqwkABTwb24/q4"
[role.people]
members = ["user:alice"]
[[role.people.allow]]
endpoint = {{ equal = "eng" }}
"#
    )
}

async fn alice(gateway: &Gateway) -> Arc<Client> {
    let agent = Agent::of(gateway);
    assert_eq!(agent.sign_in(ALICE).await.status, 303);
    let csrf = agent.get("/connect/eng").await.field("csrf");
    let onward = agent
        .submit("/connect/eng", &[("csrf", &csrf), ("server", "keyring")])
        .await;
    let back = through(&agent, onward.link("/auth?")).await;
    assert_eq!(agent.get(&back).await.header("location"), "/connect/eng");
    let client = agent.register(&[CALLBACK]).await;
    let access = agent.tokens(&client).await.access;
    Arc::new(Client::new(gateway.url("eng")).with("authorization", &format!("Bearer {access}")))
}

/// The process that answered, and its token.
async fn call(client: &Client, tool: &str, seconds: u64) -> (u32, String) {
    let answer = client
        .modern("tools/call", json!({"name": tool, "arguments": {"seconds": seconds}}))
        .await
        .json();
    let text = answer["result"]["content"][0]["text"].as_str();
    let (pid, token) = text
        .and_then(|text| text.split_once(' '))
        .unwrap_or_else(|| panic!("{answer}"));
    (pid.parse().unwrap_or_else(|_| panic!("{answer}")), token.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_started_anew_with_a_token_that_was_refreshed() {
    let tracker = Tracker::start(&state("anna", &json!({"ttl": LIVES.as_secs()})));
    // One place: the process before must have gone when the next one starts.
    let text = configuration(&tracker, "max-processes = 1");
    let gateway = tokio::task::spawn_blocking(move || Gateway::serve(&text))
        .await
        .unwrap();
    let client = alice(&gateway).await;
    let first = call(&client, "keyring_whoami", 0).await;
    tracker.write(&state("anna", &json!({})));
    tokio::time::sleep(LIVES).await;
    let second = call(&client, "keyring_whoami", 0).await;
    assert!(
        first.0 != second.0 && first.1 != second.1,
        "{first:?} {second:?} {}",
        gateway.log()
    );
    assert_eq!(
        call(&client, "keyring_whoami", 0).await,
        second,
        "and kept from then on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_still_does_it_finishes() {
    let tracker = Tracker::start(&state("anna", &json!({"ttl": LIVES.as_secs()})));
    let text = configuration(&tracker, "");
    let gateway = tokio::task::spawn_blocking(move || Gateway::serve(&text))
        .await
        .unwrap();
    let client = alice(&gateway).await;
    let slow = tokio::spawn({
        let client = Arc::clone(&client);
        async move { call(&client, "keyring_slow", 7).await }
    });
    let first = call(&client, "keyring_whoami", 0).await;
    tracker.write(&state("anna", &json!({})));
    tokio::time::sleep(LIVES).await;
    let second = call(&client, "keyring_whoami", 0).await;
    assert!(first.0 != second.0 && first.1 != second.1, "{first:?} {second:?}");
    assert_ne!(
        slow.await.unwrap().0,
        second.0,
        "its process was there until it had answered"
    );
}

//! Legacy sessions that outlive the process that began them: over restarts, and over several gateways on one Redis.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::json;

use crate::people::agent::{ALICE, Agent, CALLBACK, CONFIGURATION};
use crate::support::{Client, Gateway, Proxy, Redis};

const DEADLINE: Duration = Duration::from_secs(30);
const VERSION: &str = "2025-11-25";

/// Everybody here may use everything.
fn open() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sessions/resources.py");
    format!(
        "[server.r]\ncommand = [\"python3\", \"{script}\"]\n[endpoint.e.server.r]\ntools = [\"*\"]\nresources = [\"note://**\"]\n\
         [role.all]\nmembers = [\"anonymous\"]\n[[role.all.allow]]\nendpoint = {{ equal = \"e\" }}\n"
    )
}

fn replica(redis: &Redis, configuration: &str) -> Gateway {
    let store = "[gateway.store]\nredis = { env = \"STORE\" }\nkey = [{ env = \"STORE_KEY\" }]\n";
    let environment = [
        ("STORE", &*redis.url()),
        ("STORE_KEY", "one key for all replicas, of 32 characters"),
    ];
    Gateway::serve_with("", &format!("{store}{configuration}"), &environment)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = tokio::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn calls(client: &Client, session: &str) -> u16 {
    let arguments = json!({"name": "r_level", "arguments": {}});
    client.legacy(session, "tools/call", arguments).await.status.as_u16()
}

/// Reads a feed until it says so.
async fn hears(feed: &mut Incoming, wanted: &str) {
    let mut text = String::new();
    while !text.contains(wanted) {
        let frame = tokio::time::timeout(DEADLINE, feed.frame()).await;
        let frame = frame.expect("nothing is heard").expect("the feed goes on").unwrap();
        text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
    }
}

async fn has_ended(feed: Incoming) {
    let rest = async {
        let mut feed = feed;
        while let Some(Ok(_)) = feed.frame().await {}
    };
    tokio::time::timeout(DEADLINE, rest).await.expect("the feed ends");
}

#[tokio::test]
async fn a_session_does_not_see_a_restart_and_ends_when_its_client_says_so() {
    let mut gateway = Gateway::serve(&open());
    let client = Client::new(gateway.url("e"));
    let (session, ended) = (client.initialize(VERSION).await, client.initialize(VERSION).await);
    assert_eq!(calls(&client, &session).await, 200);
    let level = client
        .legacy(&session, "logging/setLevel", json!({"level": "error"}))
        .await;
    assert_eq!(level.status, 200);
    let answer = client.send(Method::DELETE, &[("mcp-session-id", &ended)], "").await;
    assert_eq!(answer.status, 204);
    gateway.kill();
    gateway.begin();
    let client = Client::new(gateway.url("e"));
    let arguments = json!({"name": "r_level", "arguments": {}});
    let answer = client.legacy(&session, "tools/call", arguments).await;
    assert_eq!(
        answer.json()["result"]["content"][0]["text"],
        "level error",
        "{answer:?}"
    );
    assert_eq!(calls(&client, &ended).await, 404);
    // One character of it is another one.
    let mut forged = session.into_bytes();
    forged[40] = if forged[40] == b'A' { b'B' } else { b'A' };
    assert_eq!(calls(&client, std::str::from_utf8(&forged).unwrap()).await, 404);
}

#[tokio::test]
async fn what_a_session_sets_at_one_replica_counts_at_all_and_so_does_its_end() {
    let redis = Redis::start();
    let all = [replica(&redis, &open()), replica(&redis, &open())];
    let [one, other] = all.each_ref().map(|gateway| Client::new(gateway.url("e")));
    let session = one.initialize(VERSION).await;
    let subscribed = one
        .legacy(&session, "resources/subscribe", json!({"uri": "note://one"}))
        .await;
    assert_eq!(subscribed.json()["result"], json!({}), "{subscribed:?}");
    // The stream is open at another gateway than the subscription was made at.
    let mut feed = other.feed(Method::GET, &session).await;
    hears(&mut feed, "note://one").await;
    let level = one
        .legacy(&session, "logging/setLevel", json!({"level": "warning"}))
        .await;
    assert_eq!(level.status, 200);
    until("the level counts", async || {
        let answer = other
            .legacy(&session, "tools/call", json!({"name": "r_level", "arguments": {}}))
            .await;
        answer.json()["result"]["content"][0]["text"] == "level warning"
    })
    .await;

    let answer = one.send(Method::DELETE, &[("mcp-session-id", &session)], "").await;
    assert_eq!(answer.status, 204);
    has_ended(feed).await;
    for client in [&one, &other] {
        assert_eq!(calls(client, &session).await, 404);
    }
    let stored = redis.bytes();
    for plain in ["note://one", "warning", &*session] {
        assert!(
            !stored.windows(plain.len()).any(|part| part == plain.as_bytes()),
            "{plain}"
        );
    }
}

#[tokio::test]
async fn a_client_with_long_capabilities_goes_anywhere() {
    let redis = Redis::start();
    let all = [replica(&redis, &open()), replica(&redis, &open())];
    let [one, other] = all.each_ref().map(|gateway| Client::new(gateway.url("e")));
    for length in [3_000, 30_000] {
        let capabilities = json!({"experimental": {"x": "y".repeat(length)}});
        let params = json!({"protocolVersion": VERSION, "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}});
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = one.post(&[], &body).await;
        if length > 16 << 10 {
            assert!(
                answer.json()["error"]["message"].as_str().unwrap().contains("16384"),
                "{answer:?}"
            );
            continue;
        }
        let session = answer.headers["mcp-session-id"].to_str().unwrap();
        assert!(session.len() < 1_000, "{session}");
        assert_eq!(calls(&other, session).await, 200);
    }
}

#[tokio::test]
async fn sessions_of_a_held_caller_are_over_also_after_the_release() {
    let redis = Redis::start();
    let all = [replica(&redis, &open()), replica(&redis, &open())];
    let [one, other] = all.each_ref().map(|gateway| Client::new(gateway.url("e")));
    let session = one.initialize(VERSION).await;
    let ran = all[0].run(&["hold", "anonymous"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(calls(&one, &session).await, 401);
    until("it is held there too", async || calls(&other, &session).await == 401).await;
    assert_eq!(all[1].run(&["release", "anonymous"]).code, 0);
    until("it is released", async || {
        [calls(&one, &session).await, calls(&other, &session).await] == [404, 404]
    })
    .await;
    let session = one.initialize(VERSION).await;
    assert_eq!(calls(&other, &session).await, 200);
}

/// Three gateways, one Redis, a proxy that knows nothing: as one of them after the other is killed and comes back, no request fails.
#[tokio::test]
async fn behind_a_plain_proxy_sessions_and_stateless_clients_go_on_while_replicas_are_killed() {
    let redis = Redis::start();
    let mut all = [(); 3].map(|()| replica(&redis, CONFIGURATION));
    let proxy = Proxy::before(all.iter().map(Gateway::address).collect()).await;
    let alice = Agent::of(&all[0]);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    let client = Client::new(proxy.url("eng")).with("authorization", &format!("Bearer {}", tokens.access));
    let session = client.initialize(VERSION).await;
    let arguments = json!({"name": "demo_list_customers", "arguments": {}});
    let mut made = 0;
    let mut work = async || {
        for _ in 0..9 {
            let legacy = client.legacy(&session, "tools/call", arguments.clone()).await;
            let modern = client.modern("tools/call", arguments.clone()).await;
            for answer in [legacy, modern] {
                assert_eq!(answer.status, 200, "{answer:?}");
                assert!(answer.json()["result"]["content"].is_array(), "{answer:?}");
                made += 1;
            }
        }
    };
    work().await;
    for replica in &mut all {
        replica.kill();
        work().await;
        replica.begin();
        work().await;
    }
    println!("{made} calls, none failed");
    // A revocation counts at whichever the proxy asks.
    assert_eq!(all[1].run(&["grants", "revoke", "--user", "alice"]).code, 0);
    for _ in 0..all.len() {
        until("it is revoked", async || {
            client.legacy(&session, "tools/list", json!({})).await.status == 401
        })
        .await;
    }
}

//! Several gateways on one Redis: what one knows of people, all know.

mod applies;
mod crash;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::people::agent::{ALICE, Agent, CALLBACK, CONFIGURATION};
use crate::support::{Client, Gateway, Redis};

const DEADLINE: Duration = Duration::from_secs(30);

fn replica(redis: &Redis) -> Gateway {
    with(redis, CONFIGURATION)
}

fn with(redis: &Redis, configuration: &str) -> Gateway {
    let store = "[gateway.store]\nredis = { env = \"STORE\" }\nkey = [{ env = \"STORE_KEY\" }]\n";
    let environment = [
        ("STORE", &*redis.url()),
        ("STORE_KEY", "one key for all replicas, of 32 characters"),
    ];
    Gateway::serve_with("", &format!("{store}{configuration}"), &environment)
}

/// How long it took.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < DEADLINE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

#[tokio::test]
async fn a_grant_a_revocation_and_a_hold_count_on_every_replica() {
    let redis = Redis::start();
    let all = [replica(&redis), replica(&redis), replica(&redis)];
    let [first, second, third] = all.each_ref().map(Agent::of);
    let client = first.register(&[CALLBACK]).await;
    first.sign_in(ALICE).await;
    let tokens = first.tokens(&client).await;
    for other in [&second, &third] {
        assert_eq!(
            other.call("eng", &tokens.access).await.status,
            200,
            "at once, also before the news"
        );
    }
    // The grant is everybody's: refreshed at one, it counts at the others.
    let tokens = second.refresh(&client, &tokens.refresh).await.tokens();
    assert_eq!(third.call("eng", &tokens.access).await.status, 200);

    let ran = all[0].run(&["grants", "revoke", "--user", "alice"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for other in [&second, &third] {
        let took = until("it is revoked", async || {
            other.call("eng", &tokens.access).await.status == 401
        })
        .await;
        println!("revoked after {took:?}");
    }
    let tokens = first.tokens(&client).await;
    assert_eq!(second.call("eng", &tokens.access).await.status, 200);
    let ran = all[2].run(&["hold", "group:staff"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for other in [&first, &second] {
        let took = until("it is held", async || {
            other.call("eng", &tokens.access).await.status == 401
        })
        .await;
        println!("held after {took:?}");
    }
    // One that starts empty knows it from its first request on.
    let fourth = replica(&redis);
    assert_eq!(Agent::of(&fourth).call("eng", &tokens.access).await.status, 401);
    assert_eq!(fourth.run(&["release", "group:staff"]).code, 0);
    until("it is released", async || {
        first.call("eng", &tokens.access).await.status == 200
    })
    .await;

    let stored = redis.bytes();
    for plain in ["alice", "Test client", "group:staff", &*tokens.access, &*tokens.refresh] {
        assert!(
            !stored.windows(plain.len()).any(|part| part == plain.as_bytes()),
            "{plain} can be read"
        );
    }
}

#[tokio::test]
async fn a_stateless_client_goes_on_while_replicas_are_killed_and_started_one_by_one() {
    let redis = Redis::start();
    let mut all = [replica(&redis), replica(&redis), replica(&redis)];
    let agent = Agent::of(&all[0]);
    let client = agent.register(&[CALLBACK]).await;
    agent.sign_in(ALICE).await;
    let tokens = agent.tokens(&client).await;
    for at in 0..all.len() {
        all[at].kill();
        for other in (0..all.len()).filter(|other| *other != at) {
            assert_eq!(Agent::of(&all[other]).call("eng", &tokens.access).await.status, 200);
        }
        all[at] = replica(&redis);
        assert_eq!(Agent::of(&all[at]).call("eng", &tokens.access).await.status, 200);
    }
}

#[tokio::test]
async fn while_redis_is_away_people_and_programs_are_refused_and_then_all_goes_on() {
    let mut redis = Redis::start();
    let gateway = replica(&redis);
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    redis.kill();
    until("who cannot be checked is refused", async || {
        alice.call("eng", &tokens.access).await.status == 503
    })
    .await;
    assert_eq!(alice.call("eng", "").await.status, 503, "nobody knows what is held");
    assert_eq!(alice.get("/sign-in").await.status, 503);
    let held = gateway.run(&["hold", "user:alice"]);
    assert!(held.code == 1 && held.stderr.contains("error"), "{}", held.all());
    redis.again();
    until("it goes on", async || {
        alice.call("eng", &tokens.access).await.status == 200
    })
    .await;
    assert!(gateway.log().contains("the store answers again"), "{}", gateway.log());
    assert!(!gateway.log().contains("one key for all"), "{}", gateway.log());
}

/// A program's calls, of which all gateways together let ten through; one more would come after six seconds.
const LIMITED: &str = r#"
[server.demo]
command = ["mcpgw", "demo-server"]
[endpoint.e]
limits = { calls-per-minute = LIMIT }
[endpoint.e.server.demo]
tools = ["*"]
[service.robot]
token-sha256 = ["HASH"]
expires = 2099-01-01
[role.all]
members = ["service:robot"]
[[role.all.allow]]
endpoint = { equal = "e" }
"#;

#[tokio::test]
async fn calls_per_minute_are_those_of_all_replicas() {
    let secret = "robot-has-a-long-enough-token-of-its-own";
    let hash = mcpgw::text::hex(&Sha256::digest(secret));
    let configuration = LIMITED.replace("HASH", &hash);
    let mut redis = Redis::start();
    let slow = configuration.replace("LIMIT", "10");
    let all = [with(&redis, &slow), with(&redis, &slow), with(&redis, &slow)];
    let bearer = format!("Bearer {secret}");
    let clients = all
        .each_ref()
        .map(|gateway| Client::new(gateway.url("e")).with("authorization", &bearer));
    let call = async |client: &Client| {
        let arguments = json!({"name": "demo_search_orders", "arguments": {"query": "a"}});
        client.modern("tools/call", arguments).await.status
    };
    let began = Instant::now();
    let at_once = join_all((0..30).map(|at| call(&clients[at % 3]))).await;
    let passed = at_once.iter().filter(|status| **status == StatusCode::OK).count() as u64;
    assert!(
        at_once.iter().all(|status| *status == 200 || *status == 429),
        "{at_once:?}"
    );
    // One more for every six seconds that this took: none, as a rule.
    let refilled = began.elapsed().as_secs() / 6;
    assert!(
        (10..=10 + refilled).contains(&passed),
        "{passed} after {:?}",
        began.elapsed()
    );
    let stored = redis.bytes();
    assert!(!stored.windows(5).any(|part| part == b"robot"), "it can be read");

    redis.kill();
    // One gateway may have let all ten through, and needs nobody to refuse the next.
    let refused = join_all(clients.iter().map(call)).await;
    let uncounted = refused.iter().filter(|status| **status == 503).count();
    assert!(
        uncounted >= 2 && refused.iter().all(|status| *status == 503 || *status == 429),
        "who cannot be counted is refused: {refused:?}"
    );
    redis.again();
    until("it goes on", async || call(&clients[0]).await != 503).await;
}

#[test]
fn a_shared_store_is_for_gateways_that_follow_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = "[gateway.store]\nredis = { env = \"STORE\" }\nkey = [{ env = \"STORE_KEY\" }]\n";
    std::fs::write(folder.path().join("mcpgw.toml"), store).unwrap();
    let serve = |arguments: &[&str], url: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mcpgw"));
        command.arg("serve").arg(folder.path()).args(arguments);
        command
            .env("STORE", url)
            .env("STORE_KEY", "one key for all replicas, of 32 characters");
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, err) = serve(&["--no-watch"], "redis://127.0.0.1:9");
    assert!(
        code == Some(1) && err.contains("follow files") && err.contains("--redis-env"),
        "{err}"
    );
    let (code, err) = serve(&[], "redis://:hunter2@127.0.0.1:9");
    assert!(
        code == Some(1) && err.contains("the store's Redis at 127.0.0.1:9"),
        "{err}"
    );
    assert!(!err.contains("hunter2"), "{err}");
    let (code, err) = serve(&[], "hunter2 is no URL");
    assert!(
        code == Some(1) && err.contains("no URL of a Redis") && !err.contains("hunter2"),
        "{err}"
    );
}

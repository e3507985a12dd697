//! Several gateways on one Redis: what one knows of people, all know.

use std::time::{Duration, Instant};

use crate::people::agent::{ALICE, Agent, CALLBACK, CONFIGURATION};
use crate::support::{Gateway, Redis};

const DEADLINE: Duration = Duration::from_secs(30);

fn replica(redis: &Redis) -> Gateway {
    let store = "[gateway.store]\nredis = { env = \"STORE\" }\nkey = [{ env = \"STORE_KEY\" }]\n";
    let environment = [
        ("STORE", &*redis.url()),
        ("STORE_KEY", "one key for all replicas, of 32 characters"),
    ];
    Gateway::serve_with("", &format!("{store}{CONFIGURATION}"), &environment)
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
    assert!(code == Some(1) && err.contains("follow files"), "{err}");
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

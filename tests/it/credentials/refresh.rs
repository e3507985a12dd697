//! Tokens that end under many calls at once, before a real authorization server.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::tracker::{Tracker, alice, said, state};
use crate::support::{Client, Gateway};

const CALLS: usize = 50;
/// Of the first access token.
const LIVES: Duration = Duration::from_secs(3);

/// An account whose token has just ended; the next one lives long.
async fn at_the_end(first: Value, then: Value) -> (Tracker, Gateway, Arc<Client>) {
    let mut first = state("anna", &first);
    first["ttl"] = json!(LIVES.as_secs());
    let tracker = Tracker::start(&first);
    let configuration = tracker.configuration();
    let gateway = tokio::task::spawn_blocking(move || Gateway::serve(&configuration))
        .await
        .unwrap();
    let client = Arc::new(alice(&gateway).await);
    tracker.write(&state("anna", &then));
    tokio::time::sleep(LIVES).await;
    (tracker, gateway, client)
}

/// All at once; every one of them must be answered as the account's.
async fn burst(client: &Arc<Client>) {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..CALLS {
        let client = Arc::clone(client);
        running.spawn(async move { said(&client, "tracker_whoami").await });
    }
    while let Some(said) = running.join_next().await {
        assert_eq!(said.unwrap(), "anna");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_at_the_end_of_a_token_make_one_refresh() {
    let (tracker, gateway, client) = at_the_end(json!({}), json!({})).await;
    burst(&client).await;
    assert_eq!(tracker.seen().await["refreshes"], 1, "{}", gateway.log());
    burst(&client).await;
    assert_eq!(tracker.seen().await["refreshes"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_answer_is_lost_logs_nobody_out() {
    for how in [
        // The authorization server has done it, and its answer does not arrive.
        json!({"lose": 1, "rotate": false}),
        // It never gets to it; its refresh tokens count once.
        json!({"lose": 1, "lose-before": true}),
    ] {
        let (tracker, gateway, client) = at_the_end(json!({"rotate": how["rotate"]}), how.clone()).await;
        burst(&client).await;
        let seen = tracker.seen().await;
        assert_eq!(
            (&seen["lost"], &seen["refreshes"]),
            (&json!(1), &json!(2)),
            "{how} {}",
            gateway.log()
        );
    }
}

//! Two people who have signed in, with accounts of their own.

use std::sync::Arc;

use serde_json::json;

use super::tracker::{Tracker, alice, bob, said, state};
use super::{CALLS, UNLIMITED, reloads};
use crate::support::Gateway;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_served_with_the_account_of_another_while_the_files_change() {
    let tracker = Tracker::start(&state("anna", &json!({})));
    let configuration = tracker.configuration();
    let gateway = tokio::task::spawn_blocking(move || Gateway::serve_with(UNLIMITED, &configuration, &[]))
        .await
        .unwrap();
    let alice = alice(&gateway).await;
    tracker.write(&state("ben", &json!({})));
    let people = [(Arc::new(alice), "anna"), (Arc::new(bob(&gateway).await), "ben")];
    let before = std::fs::read_to_string(gateway.folder().join("mcpgw.toml")).unwrap();
    let reloading = tokio::spawn(reloads(gateway.folder().to_owned(), move |reload| {
        let titled = format!("[endpoint.eng]\ntitle = \"reload {reload}\"\n[endpoint.eng.server.tracker]");
        before.replace("[endpoint.eng.server.tracker]", &titled)
    }));
    let mut running = tokio::task::JoinSet::new();
    let mut calls = 0;
    while calls < CALLS || !reloading.is_finished() {
        let (client, account) = &people[calls % 2];
        let (client, account) = (Arc::clone(client), *account);
        let tool = ["tracker_whoami", "wiki_whoami"][calls / 2 % 2];
        running.spawn(async move { assert_eq!(said(&client, tool).await, account, "{tool}") });
        calls += 1;
        if running.len() >= 16 {
            running.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    reloading.await.unwrap();
    let callers = tracker.seen().await["callers"].clone();
    assert_eq!(callers, json!({"anna": calls.div_ceil(2), "ben": calls / 2}));
}

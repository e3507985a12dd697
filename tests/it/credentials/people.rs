//! Two people who have signed in, with accounts of their own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::tracker::{Tracker, alice, bob, said, state, through};
use super::{CALLS, UNLIMITED, reloads};
use crate::people::agent::{ALICE, Agent, BOB};
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

/// MCP 2026-07-28: a client that opens links is asked to, and its call goes on with the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_account_is_asked_for_where_the_client_opens_links() {
    let tracker = Tracker::start(&state("anna", &json!({})));
    let configuration = tracker.configuration();
    let gateway = tokio::task::spawn_blocking(move || Gateway::serve(&configuration))
        .await
        .unwrap();
    let client = alice(&gateway).await;
    assert_eq!(said(&client, "tracker_whoami").await, "anna");
    tracker.write(&state("ben", &json!({"people": ["ben"]})));
    let page = gateway.url("eng").replace("/mcp/", "/connect/");
    let told = said(&client, "tracker_whoami").await;
    assert!(told.contains(&page), "{told}");

    let call = |more: Value| {
        let mut params = json!({"name": "tracker_whoami", "arguments": {}, "_meta": {
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}}}});
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        client.modern("tools/call", params)
    };
    let asked = call(json!({})).await.json();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let questions = asked["result"]["inputRequests"].as_object().unwrap();
    let (name, question) = questions.iter().next().unwrap();
    assert_eq!(
        (&question["params"]["mode"], &question["params"]["url"]),
        (&json!("url"), &json!(page)),
        "{asked}"
    );

    reconnect(&gateway).await;
    let answer = call(json!({"inputResponses": {name: {"action": "accept"}}}))
        .await
        .json();
    assert_eq!(answer["result"]["content"][0]["text"], "ben", "{answer}");
}

/// Alice opens the page, where the account is told to be dead, and signs in there with another one.
async fn reconnect(gateway: &Gateway) {
    let agent = Agent::of(gateway);
    agent.sign_in(ALICE).await;
    let page = agent.get("/connect/eng").await;
    assert!(page.text.contains("Not accepted any more"), "{}", page.text);
    let fields = [("csrf", &*page.field("csrf")), ("server", "tracker")];
    let onward = agent.submit("/connect/eng", &fields).await;
    let back = through(&agent, onward.link("/auth?")).await;
    // Who is signed in as somebody else, or nowhere, cannot end what she began.
    for stranger in [None, Some(BOB)] {
        let other = Agent::of(gateway);
        if let Some(person) = stranger {
            other.sign_in(person).await;
        }
        assert_eq!(other.get(&back).await.status, 400);
    }
    assert_eq!(agent.get(&back).await.header("location"), "/connect/eng");
}

//! People of a real identity provider: from a client's first request to a tool, and out again when the provider says so.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::agent::{Agent, Answer, CALLBACK, Tokens};
use crate::oidc::browser::Browser;
use crate::support::{Gateway, Provider, listed_tools};

const SECRET: &str = "provider+secret/%";

fn gateway(login: &str) -> (Gateway, Provider) {
    let mut provider = Provider::reserve();
    let configuration = format!(
        r#"
[gateway.audit]
[login.oidc]
issuer = "{}"
client-id = "mcpgw"
client-secret = {{ env = "PROVIDER_SECRET" }}
{login}

[server.demo]
command = ["mcpgw", "demo-server"]
[endpoint.eng.server.demo]
tools = ["*"]
[role.staff]
members = ["group:staff"]
[[role.staff.allow]]
endpoint = {{ equal = "eng" }}
tool = {{ not-equal = "demo/list_customers" }}
[role.sales]
members = ["group:sales"]
[[role.sales.allow]]
endpoint = {{ equal = "eng" }}
tool = {{ equal = "demo/list_customers" }}
"#,
        provider.url()
    );
    let gateway = Gateway::serve_with("", &configuration, &[("PROVIDER_SECRET", SECRET)]);
    let base = gateway.url("");
    let base = base.trim_end_matches("/mcp/");
    provider.begin_for(&format!("{base}/sign-in/callback"));
    (gateway, provider)
}

fn people(provider: &Provider, groups: &Value, refresh: bool) {
    let alice = json!({"email": "alice@example.com", "email_verified": true, "groups": groups});
    provider.write(&json!({"signed-in": "alice", "people": {"alice": alice}, "refresh": refresh}));
}

/// As far as the page that follows signing in.
async fn sign_in(agent: &Agent, to: &str) -> Answer {
    let page = agent.get(&format!("/sign-in?to={to}")).await;
    assert!(page.text.contains("/sign-in/provider?to="), "{}", page.text);
    let away = agent.get(&format!("/sign-in/provider?to={to}")).await;
    assert_eq!(away.status, 303, "{away:?}");
    let callback = come_back(agent, &away).await;
    agent.get(&callback).await
}

/// Through the provider, back to the address at which the gateway awaits the answer.
async fn come_back(agent: &Agent, away: &Answer) -> String {
    let query = Browser::new(&agent.base).follow(away.header("location")).await;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("/sign-in/callback?{query}")
}

async fn tokens(agent: &Agent) -> (String, Tokens) {
    let client = agent.register(&[CALLBACK]).await;
    let tokens = agent.tokens(&client).await;
    (client, tokens)
}

fn tools(answer: &Answer) -> Vec<String> {
    listed_tools(&answer.json())
}

/// Waits until it is so, and gives how long that took.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_person_of_the_provider_comes_to_the_tools_of_their_groups() {
    let (gateway, provider) = gateway("");
    people(&provider, &json!(["staff"]), true);
    let alice = Agent::of(&gateway);
    let landed = sign_in(&alice, "/authorize").await;
    assert_eq!(
        (landed.status.as_u16(), landed.header("location")),
        (303, "/authorize"),
        "{landed:?}"
    );
    let (_, tokens) = tokens(&alice).await;
    let listed = tools(&alice.call("eng", &tokens.access).await);
    assert!(
        listed.len() > 1 && !listed.contains(&"demo_list_customers".to_owned()),
        "{listed:?}"
    );
    let log = std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap();
    assert!(log.contains("user:alice@example.com"), "{log}");
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_asked_alone() {
    let (gateway, provider) = gateway("");
    people(&provider, &json!(["staff"]), true);
    let (alice, mallory) = (Agent::of(&gateway), Agent::of(&gateway));
    // Mallory's answer, planted in the browser of Alice: she would be signed in as Mallory.
    let away = mallory.get("/sign-in/provider?to=/").await;
    let planted = come_back(&mallory, &away).await;
    alice.get("/sign-in").await;
    assert_eq!(alice.get(&planted).await.status, 403);
    // And it is used up.
    assert_eq!(mallory.get(&planted).await.status, 403);

    let away = alice.get("/sign-in/provider?to=//evil.example").await;
    let callback = come_back(&alice, &away).await;
    let state_of_nobody = callback.replace("state=", "state=x");
    assert_eq!(alice.get(&state_of_nobody).await.status, 403);
    let landed = alice.get(&callback).await;
    assert_eq!(
        (landed.status.as_u16(), landed.header("location")),
        (303, "/"),
        "{landed:?}"
    );
    assert_eq!(alice.get(&callback).await.status, 403);
}

#[tokio::test]
async fn a_person_who_does_not_fit_is_told_so_and_signed_in_nowhere() {
    let (gateway, provider) = gateway("require-claims = { hd = [\"example.com\"] }");
    people(&provider, &json!(["staff"]), true);
    let alice = Agent::of(&gateway);
    let refused = sign_in(&alice, "/").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("may not sign in here"), "{}", refused.text);
    assert!(!refused.text.contains("hd"), "the log is told more than the person");
    assert!(alice.get("/").await.header("location").starts_with("/sign-in"));
}

#[tokio::test]
async fn who_leaves_a_group_at_the_provider_loses_its_tools_within_recheck() {
    let (gateway, provider) = gateway("recheck = \"5s\"");
    people(&provider, &json!(["staff", "sales"]), true);
    let alice = Agent::of(&gateway);
    sign_in(&alice, "/").await;
    let (client, tokens) = tokens(&alice).await;
    let has = async |tool: &str| tools(&alice.call("eng", &tokens.access).await).contains(&tool.to_owned());
    assert!(has("demo_list_customers").await);

    people(&provider, &json!(["staff"]), true);
    let took = until("the tool is gone", async || !has("demo_list_customers").await).await;
    println!("gone after {took:?}");
    // A new grant from the same browser has the new groups too.
    let more = alice.tokens(&client).await;
    assert!(!tools(&alice.call("eng", &more.access).await).contains(&"demo_list_customers".to_owned()));
    // Several times, over several refresh tokens of the provider.
    people(&provider, &json!(["staff", "sales"]), true);
    until("the tool is back", async || has("demo_list_customers").await).await;
}

#[tokio::test]
async fn who_is_gone_at_the_provider_loses_every_grant_and_the_browser() {
    let (gateway, mut provider) = gateway("recheck = \"5s\"");
    people(&provider, &json!(["staff"]), true);
    let alice = Agent::of(&gateway);
    sign_in(&alice, "/").await;
    let (client, tokens) = tokens(&alice).await;

    // Away is not gone.
    provider.end();
    until("the provider is missed", async || {
        gateway.log().contains("cannot be asked again")
    })
    .await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200, "{}", gateway.log());

    // Back, without knowing what it gave out: its refresh tokens are refused.
    provider.begin();
    provider.write(&json!({"signed-in": "nobody", "people": {}}));
    until("the grant has ended", async || {
        alice.call("eng", &tokens.access).await.status == 401
    })
    .await;
    assert_eq!(alice.refresh(&client, &tokens.refresh).await.status, 400);
    assert!(alice.get("/").await.header("location").starts_with("/sign-in"));
}

#[tokio::test]
async fn without_refresh_tokens_people_sign_in_again() {
    let (gateway, provider) = gateway("recheck = \"5s\"\nrecheck-without-refresh = \"5s\"");
    people(&provider, &json!(["staff"]), false);
    let alice = Agent::of(&gateway);
    sign_in(&alice, "/").await;
    let (_, tokens) = tokens(&alice).await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
    let took = until("the grant has ended", async || {
        alice.call("eng", &tokens.access).await.status == 401
    })
    .await;
    assert!(took > Duration::from_secs(1), "{took:?}");
    sign_in(&alice, "/").await;
    let (_, again) = self::tokens(&alice).await;
    assert_eq!(alice.call("eng", &again.access).await.status, 200);
}

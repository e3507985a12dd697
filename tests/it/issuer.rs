//! Tokens of an external authorization server, a real one: whom they stand for, and what happens while it is away.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Client, Gateway, Provider, Recorder, listed_tools};

const AUDIENCE: &str = "https://mcp.example.com";

fn serve(provider: &Provider, recorder: &Recorder, issuer: &str) -> Gateway {
    Gateway::serve(&format!(
        r#"
[gateway.audit]
[issuer.corp]
url = "{url}"
audience = "{AUDIENCE}"
{issuer}

[server.s]
url = "{server}"
[endpoint.one.server.s]
tools = ["open", "denied"]

[role.ci]
members = ["group:corp:ci"]
[[role.ci.allow]]
endpoint = {{ equal = "one" }}
tool = {{ equal = "s/open" }}
[role.all]
members = ["authenticated"]
[[role.all.allow]]
endpoint = {{ equal = "two" }}
[endpoint.two.server.s]
tools = ["open"]
"#,
        url = provider.url(),
        server = recorder.url(),
    ))
}

async fn list(gateway: &Gateway, endpoint: &str, token: &str) -> Answer {
    Client::new(gateway.url(endpoint))
        .with("authorization", &format!("Bearer {token}"))
        .modern("tools/list", json!({}))
        .await
}

fn tools(answer: &Answer) -> Vec<String> {
    listed_tools(&answer.json())
}

fn log_of(gateway: &Gateway) -> String {
    std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap()
}

#[tokio::test]
async fn a_signed_token_is_a_user_with_groups_behind_the_prefix() {
    let (provider, recorder) = (Provider::start(AUDIENCE), Recorder::start().await);
    let gateway = serve(&provider, &recorder, "groups-claim = \"groups\"");
    provider.write(&json!({"people": {}, "claims": {"groups": ["ci"]}}));
    let token = provider.token(AUDIENCE).await;
    assert_eq!(tools(&list(&gateway, "one", &token).await), ["s_open"]);
    let client = Client::new(gateway.url("one")).with("authorization", &format!("Bearer {token}"));
    let called = client
        .modern("tools/call", json!({"name": "s_open", "arguments": {}}))
        .await;
    assert!(called.json().get("result").is_some(), "{called:?}");
    assert!(log_of(&gateway).contains("\"principal\":\"user:corp:program\""));
    assert!(!log_of(&gateway).contains(&token) && !gateway.log().contains(&token));
    // The token went no further.
    assert!(
        !recorder
            .take()
            .iter()
            .any(|message| message.to_string().contains(&token))
    );

    // Of no such group: the endpoint is not there for it; another that everybody may enter is.
    provider.write(&json!({"people": {}, "claims": {"groups": ["other"]}}));
    let other = provider.token(AUDIENCE).await;
    assert_eq!(list(&gateway, "one", &other).await.status, 404);
    assert_eq!(tools(&list(&gateway, "two", &other).await), ["s_open"]);
}

#[tokio::test]
async fn what_is_not_for_this_gateway_is_challenged() {
    let (provider, recorder) = (Provider::start(AUDIENCE), Recorder::start().await);
    let gateway = serve(&provider, &recorder, "");
    let good = provider.token(AUDIENCE).await;
    assert_eq!(list(&gateway, "two", &good).await.status, 200);
    let foreign = provider.token("https://elsewhere.example.com").await;
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let flipped = format!(
        "{signed}.{}{}",
        if signature.starts_with('A') { 'B' } else { 'A' },
        &signature[1..]
    );
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", signed.split_once('.').unwrap().1);
    for bad in [&foreign, &flipped, &unsigned, "eyJ.eyJ.x", "opaque"] {
        let answer = list(&gateway, "two", bad).await;
        assert_eq!(answer.status, 401, "{bad}");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    assert_eq!(list(&gateway, "two", &good).await.status, 200);
}

/// The keys that are known go on while the issuer is away, through a reload too; nothing else counts then.
#[tokio::test]
async fn an_outage_blocks_no_reload_and_opens_nothing() {
    let (mut provider, recorder) = (Provider::start(AUDIENCE), Recorder::start().await);
    let gateway = serve(&provider, &recorder, "");
    let (seen, unseen) = (provider.token(AUDIENCE).await, provider.token(AUDIENCE).await);
    assert_eq!(list(&gateway, "two", &seen).await.status, 200);
    provider.end();

    let file = gateway.folder().join("mcpgw.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace(
            "[role.ci]\n",
            "[role.ci2]\nmembers = [\"group:corp:x\"]\n[[role.ci2.allow]]\nendpoint = { equal = \"two\" }\n[role.ci]\n",
        ),
    )
    .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !log_of(&gateway).contains("\"generation\":2") {
        assert!(Instant::now() < deadline, "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(list(&gateway, "two", &seen).await.status, 200);
    assert_eq!(list(&gateway, "two", &unseen).await.status, 200);
    assert_eq!(list(&gateway, "two", "opaque").await.status, 401);

    // Back with new keys: tokens of the old ones are over only when their keys are fetched anew, new ones count at once.
    provider.begin();
    let renewed = provider.token(AUDIENCE).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while list(&gateway, "two", &renewed).await.status != 200 {
        assert!(Instant::now() < deadline, "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_token_that_opened_it() {
    let (provider, recorder) = (Provider::start(AUDIENCE), Recorder::start().await);
    let gateway = serve(&provider, &recorder, "");
    provider.write(&json!({"ttl": 6}));
    let token = provider.token(AUDIENCE).await;
    let client = Client::new(gateway.url("two")).with("authorization", &format!("Bearer {token}"));
    let listen = client.modern(
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    );
    // Whole when it has ended; the gateway changes nothing meanwhile.
    let stream = tokio::time::timeout(Duration::from_secs(30), listen).await.unwrap();
    assert_eq!(stream.status, 200);
    let told = String::from_utf8_lossy(&stream.body);
    assert!(told.contains("notifications/subscriptions/acknowledged"), "{told}");
}

#[tokio::test]
async fn without_keys_no_token_counts_and_the_client_may_try_again() {
    let (mut provider, recorder) = (Provider::start(AUDIENCE), Recorder::start().await);
    let token = provider.token(AUDIENCE).await;
    provider.end();
    let gateway = serve(&provider, &recorder, "");
    for _ in 0..20 {
        let answer = list(&gateway, "two", &token).await;
        assert_eq!(answer.status, 503);
        assert!(answer.headers.contains_key("retry-after"));
    }
    // Told once, however many ask.
    assert_eq!(
        gateway.log().matches("keys cannot be fetched").count(),
        1,
        "{}",
        gateway.log()
    );
}

#[tokio::test]
async fn keys_of_a_file_need_no_issuer_that_answers() {
    let (mut provider, recorder) = (Provider::start(AUDIENCE), Recorder::start().await);
    let token = provider.token(AUDIENCE).await;
    let keys = Client::new(format!("{}/jwks", provider.url()))
        .send(http::Method::GET, &[], "")
        .await
        .body;
    provider.end();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, &keys).unwrap();
    let jwks = format!("jwks = {{ file = \"{}\" }}", file.display());
    let gateway = serve(&provider, &recorder, &jwks);
    assert_eq!(list(&gateway, "two", &token).await.status, 200);
    // A file that holds no keys is refused, and the old ones go on.
    std::fs::write(&file, "{\"keys\": []}").unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !gateway.log().contains("it has no key to check signatures with") {
        assert!(Instant::now() < deadline, "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(list(&gateway, "two", &token).await.status, 200);
}

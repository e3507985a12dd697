//! `mode = "token"` at work: an agent that works with people it never sees. What the client is told are tokens; the server that may know
//! gets the values back, and nobody else does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::support::{Client, Gateway, listed_tools};

/// What no client, no server but `crm`, no log and no record may have.
const VALUES: [&str; 4] = ["jane@corp", "bob@corp", "555-2671", "4155552671"];

const TOOLS: &str = "tools = [\"find\", \"glue\", \"halves\", \"say*\", \"many\"]";

struct World {
    gateway: Gateway,
    folder: TempDir,
}

/// A caller, in a session or without one.
struct Caller {
    client: Client,
    session: Option<String>,
}

impl World {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pii/people.py");
        let mut configuration = String::from(
            r#"
[gateway.audit]
[pii.people]
requests   = ["ssn", "email"]
responses  = ["all"]
mode       = "token"
restore-to = ["crm"]
[role.all]
members = ["service:alice", "service:bob"]
[[role.all.allow]]
endpoint = { glob = "*" }
[[role.all.deny]]
tool = { equal = "crm/say2" }
argument."/to" = { not-glob = "*@corp.com" }
"#,
        );
        for server in ["crm", "web"] {
            let heard = folder.path().join(server);
            let table = format!(
                "[server.{server}]\ncommand = [\"python3\", \"{script}\", \"{}\"]\n",
                heard.display()
            );
            configuration.push_str(&table);
        }
        for endpoint in ["e", "f"] {
            let table = format!(
                "[endpoint.{endpoint}]\npii = \"people\"\n[endpoint.{endpoint}.server.crm]\n{TOOLS}\n[endpoint.{endpoint}.server.web]\n{TOOLS}\n"
            );
            configuration.push_str(&table);
        }
        for name in ["alice", "bob"] {
            let hash = mcpgw::text::hex(&Sha256::digest(secret(name)));
            let table = format!("[service.{name}]\ntoken-sha256 = [\"{hash}\"]\nexpires = 2099-01-01\n");
            configuration.push_str(&table);
        }
        Self {
            gateway: Gateway::serve(&configuration),
            folder,
        }
    }

    async fn caller(&self, name: &str, endpoint: &str, is_legacy: bool) -> Caller {
        let bearer = format!("Bearer {}", secret(name));
        let client = Client::new(self.gateway.url(endpoint)).with("authorization", &bearer);
        let session = if is_legacy {
            Some(client.initialize("2025-11-25").await)
        } else {
            None
        };
        Caller { client, session }
    }

    /// The arguments of the last call that a server got.
    fn heard(&self, server: &str) -> Value {
        let heard = std::fs::read_to_string(self.folder.path().join(server)).unwrap();
        serde_json::from_str(heard.lines().last().unwrap()).unwrap()
    }

    fn nothing_personal_is_written(&self) {
        let audit = std::fs::read_to_string(self.gateway.folder().join(".mcpgw/audit.jsonl")).unwrap();
        let web = std::fs::read_to_string(self.folder.path().join("web")).unwrap_or_default();
        for (place, text) in [("log", self.gateway.log()), ("audit", audit), ("web", web)] {
            for value in VALUES {
                assert!(!text.contains(value), "{place}: {value}: {text:.4000}");
            }
        }
    }
}

impl Caller {
    /// A tool's answer, whole as it came.
    async fn call(&self, tool: &str, arguments: Value) -> String {
        let params = json!({"name": tool, "arguments": arguments});
        let answer = match &self.session {
            Some(session) => self.client.legacy(session, "tools/call", params).await,
            None => self.client.modern("tools/call", params).await,
        };
        assert_eq!(answer.status, 200, "{answer:?}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        for value in VALUES {
            assert!(!text.contains(value), "{tool}: {value}: {text}");
        }
        text
    }

    /// What `find` tells of Jane and Bob: text, phone, her address, his.
    async fn find(&self, server: &str) -> Found {
        let text = self.call(&format!("{server}_find"), json!({})).await;
        let message: Value = serde_json::from_str(&text).unwrap();
        let people = message["result"]["structuredContent"].as_object().unwrap().clone();
        let (jane, others) = people.iter().find(|(key, _)| key.starts_with("[EMAIL_")).unwrap();
        assert_eq!(others[1], json!(jane), "one person is one token: {message}");
        let text = message["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(text.contains(jane), "{message}");
        Found {
            text,
            jane: jane.clone(),
            bob: others[0].as_str().unwrap().to_owned(),
            phone: people["phone"].as_str().unwrap().to_owned(),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Found {
    text: String,
    jane: String,
    bob: String,
    phone: String,
}

fn secret(name: &str) -> String {
    format!("{name}-has-a-long-enough-token-of-her-own")
}

#[tokio::test]
async fn what_a_client_never_saw_comes_back_to_the_server_that_may_know() {
    let world = World::start();
    for is_legacy in [true, false] {
        let alice = world.caller("alice", "e", is_legacy).await;
        let found = alice.find("crm").await;
        if is_legacy {
            assert_eq!(found.text, "Jane, [EMAIL_1] or [PHONE_1]");
            assert_eq!((found.bob.as_str(), found.phone.as_str()), ("[EMAIL_2]", "[PHONE_2]"));
        }
        assert_eq!(found, alice.find("web").await, "the same wherever it comes from");

        let arguments = json!({
            "to": found.jane, "text": format!("To {} and {}: {}", found.bob, found.jane, found.text),
            "phone": found.phone, &found.bob: [found.jane], "nested": format!("{{\"to\": \"{}\"}}", found.jane),
        });
        alice.call("crm_say", arguments.clone()).await;
        let back = json!({
            "to": "jane@corp.com",
            "text": "To bob@corp.com and jane@corp.com: Jane, jane@corp.com or (415) 555-2671",
            "phone": 4_155_552_671_u64, "bob@corp.com": ["jane@corp.com"], "nested": "{\"to\": \"jane@corp.com\"}",
        });
        assert_eq!(world.heard("crm"), back, "legacy: {is_legacy}");
        alice.call("web_say", arguments.clone()).await;
        assert_eq!(world.heard("web"), arguments, "legacy: {is_legacy}");
    }
    world.nothing_personal_is_written();
}

#[tokio::test]
async fn events_carry_the_tokens_of_the_answer() {
    let world = World::start();
    let alice = world.caller("alice", "e", true).await;
    let events = alice.call("crm_find", json!({"events": true})).await;
    let messages: Vec<_> = events.lines().filter(|line| line.starts_with("data: ")).collect();
    assert_eq!(messages.len(), 2, "{events}");
    for message in messages {
        assert!(message.contains("Jane, [EMAIL_1] or [PHONE_1]"), "{events}");
    }
    world.nothing_personal_is_written();
}

/// Text that a server cut over its blocks is read as one.
#[tokio::test]
async fn a_value_that_is_cut_over_blocks_is_one() {
    let world = World::start();
    for is_legacy in [true, false] {
        let alice = world.caller("alice", "e", is_legacy).await;
        let answer: Value = serde_json::from_str(&alice.call("web_halves", json!({})).await).unwrap();
        let blocks = answer["result"]["content"].as_array().unwrap();
        let texts: Vec<_> = blocks.iter().map(|block| block["text"].as_str().unwrap()).collect();
        assert!(texts[1].starts_with(", and [PHONE_") && texts[2].is_empty(), "{answer}");
        let jane = texts[0].strip_prefix("Jane, ").unwrap();
        alice.call("crm_say", json!({"to": jane})).await;
        assert_eq!(world.heard("crm"), json!({"to": "jane@corp.com"}));
    }
    world.nothing_personal_is_written();
}

/// No detector finds what is glued to other letters; the gateway knows what the server was given.
#[tokio::test]
async fn a_server_shows_nothing_of_what_it_was_given_by_gluing_it_to_other_letters() {
    let world = World::start();
    for is_legacy in [true, false] {
        let alice = world.caller("alice", "e", is_legacy).await;
        let phone = alice.find("crm").await.phone;
        for arguments in [
            json!({"phone": phone}),
            json!({"phone": phone, "events": true}),
            // Longer than what is looked at in one piece.
            json!({"phone": phone, "length": 300_000}),
        ] {
            let answer = alice.call("crm_glue", arguments.clone()).await;
            assert_eq!(
                world.heard("crm")["phone"],
                json!(4_155_552_671_u64),
                "legacy: {is_legacy}"
            );
            // Without a session, a client that names no level is sent no log messages.
            let is_told_twice = is_legacy && arguments["events"] == true;
            let told = answer.matches("ref[PHONE_").count();
            assert_eq!(told, 1 + usize::from(is_told_twice), "{answer:.2000}");
            assert!(answer.contains("\"x[PHONE_"), "{answer:.2000}");
        }
        if is_legacy {
            // What a session has given stays known in it.
            let answer = alice.call("crm_glue", json!({})).await;
            assert!(answer.contains("ref[PHONE_3]x[PHONE_3][PHONE_3]"), "{answer}");
        }
    }
    world.nothing_personal_is_written();
}

#[tokio::test]
async fn nobody_else_and_nowhere_else_is_a_token_put_back() {
    let world = World::start();
    for is_legacy in [true, false] {
        let found = world.caller("alice", "e", is_legacy).await.find("crm").await;
        for (name, endpoint) in [("bob", "e"), ("alice", "f"), ("bob", "f")] {
            let other = world.caller(name, endpoint, is_legacy).await;
            let arguments = json!({"to": found.jane, "text": found.text, "phone": found.phone});
            other.call("crm_say", arguments.clone()).await;
            assert_eq!(
                world.heard("crm"),
                arguments,
                "{name} on {endpoint}, legacy: {is_legacy}"
            );
        }
    }
    world.nothing_personal_is_written();
}

#[tokio::test]
async fn what_is_no_token_of_ours_stays_as_it_is() {
    let world = World::start();
    for is_legacy in [true, false] {
        let alice = world.caller("alice", "e", is_legacy).await;
        let jane = alice.find("crm").await.jane;
        let name = &jane[1..jane.len() - 1];
        let forged = [
            "[EMAIL_99]".to_owned(),
            "[EMAIL_01]".to_owned(),
            "[EMAIL_]".to_owned(),
            format!("[{name}"),
            format!("{name}]"),
            format!("[{name}a]"),
            format!("[{}]", &name[..name.len() - 1]),
            jane.replace("EMAIL", "PHONE").replace("_1]", "_9]"),
            jane.to_lowercase().replace("_1]", "_x]"),
            format!("[{}]", "A_".repeat(5000)),
        ];
        let arguments = json!({"all": forged, jane.replace("EMAIL", "SSN"): 1});
        alice.call("crm_say", arguments.clone()).await;
        assert_eq!(world.heard("crm"), arguments, "legacy: {is_legacy}");
    }
}

/// What a client writes itself is not sent back by way of a token, and stays out of what the server gets.
#[tokio::test]
async fn what_a_client_writes_itself_is_redacted_on_the_way_to_every_server() {
    let world = World::start();
    let alice = world.caller("alice", "e", true).await;
    let jane = alice.find("crm").await.jane;
    let arguments = json!({"to": jane, "text": "carl@corp.com 123-45-6789"});
    alice.call("crm_say", arguments.clone()).await;
    let masked = json!({"to": "jane@corp.com", "text": "[REDACTED_EMAIL] [REDACTED_SSN]"});
    assert_eq!(world.heard("crm"), masked);
    alice.call("web_say", arguments).await;
    assert_eq!(world.heard("web"), json!({"to": jane, "text": "[EMAIL_3] [SSN_1]"}));
}

#[tokio::test]
async fn rules_judge_what_was_put_back() {
    let world = World::start();
    for is_legacy in [true, false] {
        let alice = world.caller("alice", "e", is_legacy).await;
        let jane = alice.find("crm").await.jane;
        let allowed = alice.call("crm_say2", json!({"to": jane})).await;
        assert!(!allowed.contains("isError\":true"), "{allowed}");
        assert_eq!(world.heard("crm"), json!({"to": "jane@corp.com"}));
        let denied = alice.call("crm_say2", json!({"to": "[EMAIL_77]"})).await;
        assert!(denied.contains("isError\":true"), "{denied}");
    }
    world.nothing_personal_is_written();
}

#[tokio::test]
async fn a_reload_changes_no_token() {
    let world = World::start();
    let (session, stateless) = (
        world.caller("alice", "e", true).await,
        world.caller("alice", "e", false).await,
    );
    let (remembered, sealed) = (session.find("crm").await.jane, stateless.find("crm").await.jane);
    let file = world.gateway.folder().join("mcpgw.toml");
    let files = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, files.replace(TOOLS, "tools = [\"find\", \"say*\"]")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = stateless.client.modern("tools/list", json!({})).await.json();
        if !listed_tools(&answer).contains(&"crm_many".to_owned()) {
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (caller, token) in [(&session, &remembered), (&stateless, &sealed)] {
        caller.call("crm_say", json!({"to": token})).await;
        assert_eq!(world.heard("crm"), json!({"to": "jane@corp.com"}));
        assert_eq!(caller.find("crm").await.jane, *token);
    }
}

#[tokio::test]
async fn what_a_session_has_no_room_for_is_masked() {
    let world = World::start();
    let alice = world.caller("alice", "e", true).await;
    let answer = alice.call("crm_many", json!({"count": 5000})).await;
    assert!(answer.contains("[EMAIL_1000]"), "{answer:.300}");
    assert!(answer.contains("[REDACTED_EMAIL]"), "a bound is kept");
    assert!(!answer.contains("@corp.com"));
    alice.call("crm_say", json!({"to": "[EMAIL_1000]"})).await;
    assert_eq!(world.heard("crm"), json!({"to": "p999@corp.com"}));
}

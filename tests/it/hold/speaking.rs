//! What a server says and asks in a session that is open: while it is held, nobody hears it.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use regex::Regex;
use serde_json::json;

use super::done;
use crate::support::{Client, Gateway};

#[tokio::test]
async fn what_a_held_server_says_and_asks_in_open_sessions_reaches_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let spoken = folder.path().join("spoken");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hold/speaking.py");
    let gateway = Gateway::serve(&format!(
        "[gateway.audit]\n[server.s]\ncommand = [\"python3\", \"{script}\", \"{}\"]\n[endpoint.e.server.s]\ntools = [\"*\"]\n\
         [role.all]\nmembers = [\"anonymous\"]\n[[role.all.allow]]\nendpoint = {{ equal = \"e\" }}\n",
        spoken.display()
    ));
    let client = Client::new(gateway.url("e"));
    let session = client.initialize("2025-11-25").await;
    let mut feed = client.feed(Method::GET, &session).await;
    client
        .legacy(&session, "tools/call", json!({"name": "s_go", "arguments": {}}))
        .await;
    let number = || {
        std::fs::read_to_string(&spoken)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let until = async |least: u64| {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while number() < least {
            assert!(tokio::time::Instant::now() < deadline, "the server is silent");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (mut text, said) = (String::new(), Regex::new(r"(said|asked) (\d+)\.").unwrap());
    // Until something said or asked after `number` has come.
    let mut heard = async |number: u64| {
        let later = |text: &str| {
            said.captures_iter(text)
                .any(|one| one[2].parse::<u64>().unwrap() > number)
        };
        while !later(&text) {
            let frame = tokio::time::timeout(Duration::from_secs(30), feed.frame()).await;
            let frame = frame.expect("nothing is heard").expect("the feed goes on").unwrap();
            text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
        }
        text.clone()
    };
    heard(0).await;
    done(&gateway, &["hold", "server:s"]);
    // What it says at this moment may still come.
    let from = number() + 1;
    until(from + 10).await;
    let to = number();
    done(&gateway, &["release", "server:s"]);
    let text = heard(to + 1).await;
    for one in said.captures_iter(&text) {
        let number: u64 = one[2].parse().unwrap();
        assert!(
            number <= from || number > to,
            "{} came between {from} and {to}",
            &one[0]
        );
    }
}

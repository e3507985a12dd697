//! `mcpgw credentials list` and `forget`: whose accounts the gateway keeps, and what ends when one is forgotten.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::tracker::{Tracker, alice, bob, said, state};
use crate::cli::run::Ran;
use crate::support::Gateway;

fn run(gateway: &Gateway, arguments: &[&str]) -> Ran {
    gateway.run(&[&["credentials"], arguments].concat())
}

fn listed(gateway: &Gateway) -> Vec<(String, String, String)> {
    let ran = run(gateway, &["list", "--format", "json"]);
    assert_eq!(ran.code, 0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = answer["credentials"].as_array().unwrap().iter();
    rows.map(|row| (text(row, "server"), text(row, "owner"), text(row, "standing")))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_sees_whose_credentials_are_kept_and_forgets_them() {
    let tracker = Tracker::start(&state("anna", &json!({})));
    let gateway = Gateway::serve(&format!("[gateway.audit]\n{}", tracker.configuration()));
    assert!(run(&gateway, &["list"]).stdout.contains("Nobody's"));
    let anna = alice(&gateway).await;
    tracker.write(&state("ben", &json!({})));
    let ben = bob(&gateway).await;
    assert_eq!(said(&anna, "tracker_whoami").await, "anna");

    let row = |server: &str, owner: &str| (server.to_owned(), owner.to_owned(), "connected".to_owned());
    let all = [
        row("tracker", "user:alice"),
        row("tracker", "user:bob"),
        row("wiki", "user:alice"),
        row("wiki", "user:bob"),
    ];
    assert_eq!(listed(&gateway), all);
    let shown = run(&gateway, &["list"]).stdout;
    assert!(
        shown.contains("pasted") && shown.contains("http://127.0.0.1"),
        "{shown}"
    );

    let ran = run(&gateway, &["forget", "tracker", "--user", "alice"]);
    assert!(
        ran.code == 0 && ran.stdout.contains("Forgot 1 credential"),
        "{}",
        ran.all()
    );
    assert_eq!(listed(&gateway), all[1..]);
    let lost = said(&anna, "tracker_whoami").await;
    assert!(lost.contains("/connect/eng"), "at once: {lost}");
    assert_eq!(said(&ben, "tracker_whoami").await, "ben", "nobody else's");
    assert!(
        run(&gateway, &["forget", "tracker", "--user", "alice"])
            .stdout
            .contains("no such")
    );

    let ran = run(&gateway, &["forget", "wiki", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["forgotten"], json!(["user:alice", "user:bob"]));
    assert_eq!(listed(&gateway), all[1..2]);
    let ran = run(&gateway, &["forget", "trackr"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("no server `trackr`"),
        "{}",
        ran.all()
    );

    let log = std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap();
    for line in [
        r#""event":"credential-connected","server":"tracker","owner":"user:alice","by":"user:alice","how":"oauth"}"#,
        r#""event":"credential-connected","server":"wiki","owner":"user:bob","by":"user:bob","how":"pasted"}"#,
        r#""event":"credential-forgotten","server":"tracker","owner":"user:alice","by":"local:"#,
        r#""event":"credential-forgotten","server":"wiki","owner":"user:bob","by":"local:"#,
    ] {
        let found = log.contains(line.trim_end_matches('}'));
        assert!(found, "{line}: {log}");
    }
}

/// Of a person whom neither the authorization server nor the other server knows any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_credential_is_refused_stands_in_the_audit_log_once() {
    let tracker = Tracker::start(&state("anna", &json!({})));
    let gateway = Gateway::serve(&format!("[gateway.audit]\n{}", tracker.configuration()));
    let anna = alice(&gateway).await;
    assert_eq!(said(&anna, "tracker_whoami").await, "anna");
    assert_eq!(said(&anna, "wiki_whoami").await, "anna");
    tracker.write(&state("anna", &json!({"people": ["ben"], "pasted": {}})));
    for _ in 0..3 {
        for tool in ["tracker_whoami", "wiki_whoami"] {
            let lost = said(&anna, tool).await;
            assert!(lost.contains("/connect/eng"), "{lost}");
        }
    }
    let expected = [
        r#""event":"credential-refused","server":"tracker","owner":"user:alice","by":"issuer","reason":"invalid_grant""#,
        r#""event":"credential-refused","server":"wiki","owner":"user:alice","by":"server""#,
    ];
    let read = || std::fs::read_to_string(gateway.folder().join(".mcpgw/audit.jsonl")).unwrap();
    let began = Instant::now();
    while !expected.iter().all(|line| read().contains(line)) {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", read());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let log = read();
    assert_eq!(log.matches("credential-refused").count(), 2, "{log}");
    assert!(!log.contains("of-anna"), "{log}");
}

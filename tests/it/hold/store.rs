//! Holds as they lie in the store, and one that nobody can read.

use super::done;
use crate::people::agent::{ALICE, Agent, BOB, CONFIGURATION};
use crate::support::Gateway;

/// The records of holds, by file.
fn records(gateway: &Gateway) -> Vec<std::path::PathBuf> {
    let found = walk(&gateway.folder().join(".mcpgw"));
    found
        .into_iter()
        .filter(|path| path.parent().is_some_and(|parent| parent.ends_with("hold")))
        .collect()
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

#[tokio::test]
async fn a_hold_lies_sealed_in_the_store() {
    let gateway = Gateway::serve(CONFIGURATION);
    done(&gateway, &["hold", "user:alice", "--reason", "a reason of its own"]);
    let [file] = &records(&gateway)[..] else {
        panic!("{:?}", walk(gateway.folder()))
    };
    let bytes = std::fs::read(file).unwrap();
    for text in ["alice", "a reason of its own"] {
        assert!(!String::from_utf8_lossy(&bytes).contains(text));
    }
    done(&gateway, &["release", "user:alice"]);
    assert!(records(&gateway).is_empty());
}

#[tokio::test]
async fn who_is_in_is_decided_by_nobody_while_a_hold_cannot_be_read() {
    let mut gateway = Gateway::serve(CONFIGURATION);
    done(&gateway, &["hold", "user:alice"]);
    gateway.end();
    let file = records(&gateway).remove(0);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"damaged").unwrap();
    gateway.begin();
    let (alice, bob) = (Agent::of(&gateway), Agent::of(&gateway));
    assert_eq!(bob.call("ops", "").await.status, 503);
    for person in [ALICE, BOB] {
        assert_ne!(bob.sign_in(person).await.status, 303);
    }
    // Put back, it holds as before, without a restart.
    std::fs::write(&file, whole).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while bob.call("ops", "").await.status == 503 {
        assert!(std::time::Instant::now() < deadline, "{}", gateway.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(bob.sign_in(BOB).await.status, 303);
    assert_eq!(alice.sign_in(ALICE).await.status, 403);
}

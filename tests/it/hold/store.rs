//! Holds as they lie in the store, and one that nobody can read.

use super::done;
use crate::people::agent::CONFIGURATION;
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

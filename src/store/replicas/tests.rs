//! Generations over files and over a real Redis; presence and proposals over the Redis.

use std::time::Instant;

use serde_json::value::RawValue;
use tokio::time::sleep;

use super::*;
use crate::store::vault::tests::Server;
use crate::store::{Files, Generations, How, KEPT, New};

const KEY: &str = "a key of the tests, of 32 characters";

pub(in crate::store) fn new(digest: &str) -> New {
    New {
        digest: digest.to_owned(),
        by: "local:me".to_owned(),
        how: How::Apply,
        files: RawValue::from_string(format!("{{\"of\":\"{digest}\"}}")).unwrap(),
    }
}

fn replicas(server: &Server, key: &str) -> Replicas {
    Replicas::at(&server.url(), Keys::of([key]).unwrap()).unwrap()
}

async fn what_was_appended_is_there_and_the_newest_is_followed(store: &dyn Generations) {
    assert!(store.newest().await.unwrap().is_none() && store.list().await.unwrap().is_empty());
    let first = store.append(0, new("a")).await.unwrap();
    assert_eq!((first.generation, first.how), (1, How::Apply));
    let late = store.append(0, new("b")).await.unwrap_err();
    assert!(late.to_string().contains("has moved"), "{late}");
    let second = New {
        how: How::Rollback { to: 1 },
        ..new("b")
    };
    store.append(1, second).await.unwrap();
    let newest = store.newest().await.unwrap().unwrap();
    assert_eq!((newest.head.generation, newest.head.how), (2, How::Rollback { to: 1 }));
    assert_eq!(newest.files.get(), "{\"of\":\"b\"}");
    assert_eq!(store.find(1).await.unwrap().unwrap().head, first);
    assert!(store.find(3).await.unwrap().is_none());
}

async fn the_last_fifty_are_kept_and_numbers_go_on(store: &dyn Generations) {
    for after in 0..KEPT as u64 + 5 {
        store.append(after, new("x")).await.unwrap();
    }
    let heads = store.list().await.unwrap();
    let numbers: Vec<u64> = heads.iter().map(|head| head.generation).collect();
    assert_eq!(numbers, (6..=KEPT as u64 + 5).collect::<Vec<_>>());
    assert!(store.find(5).await.unwrap().is_none());
}

macro_rules! over_both {
    ($($test:ident),* $(,)?) => {
        mod over_files {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                let home = tempfile::tempdir().unwrap();
                super::$test(&Files::of(home.path())).await;
            })*
        }
        mod over_redis {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                let server = Server::start().await;
                super::$test(&replicas(&server, KEY)).await;
            })*
        }
    };
}

over_both!(
    what_was_appended_is_there_and_the_newest_is_followed,
    the_last_fifty_are_kept_and_numbers_go_on,
);

#[tokio::test]
async fn of_many_who_append_one_wins_and_nobody_reads_it_without_the_key() {
    let server = Server::start().await;
    let store = replicas(&server, KEY);
    let all = (0..16).map(|number| store.append(0, new(&format!("secret words {number}"))));
    let won = futures_util::future::join_all(all).await;
    assert_eq!(won.iter().filter(|won| won.is_ok()).count(), 1);
    let other = replicas(&server, "another key, of 32 characters too");
    let refused = other.newest().await.unwrap_err().to_string();
    assert!(refused.contains("a key that is not given"), "{refused}");
    let stored = server.bytes();
    assert!(!stored.windows(12).any(|part| part == b"secret words"));
}

#[tokio::test]
async fn a_generation_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let large = New {
        files: RawValue::from_string(format!("\"{}\"", "x".repeat(16 << 20))).unwrap(),
        ..new("large")
    };
    let refused = replicas(&server, KEY).append(0, large).await.unwrap_err();
    assert!(refused.to_string().contains("may have 16777216"), "{refused}");
}

#[tokio::test]
async fn who_is_silent_is_not_there_any_more_and_who_leaves_is_gone_at_once() {
    let server = Server::start().await;
    let store = replicas(&server, KEY);
    store.beat("one", true, b"first").await.unwrap();
    store.beat("two", false, b"second").await.unwrap();
    let all = store.beat("three", true, b"third").await.unwrap();
    let ids: Vec<&str> = all.iter().map(|(id, _)| &**id).collect();
    assert_eq!(ids, ["one", "three", "two"]);
    assert_eq!(all[0].1, b"first");
    store.leave("two").await.unwrap();
    let began = Instant::now();
    while store.beat("three", true, b"third").await.unwrap().len() > 1 {
        assert!(began.elapsed() < Duration::from_secs(20), "the silent one stays");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(2), "it was forgotten early");
}

#[tokio::test]
async fn a_proposal_is_committed_when_everybody_who_is_there_is_ready() {
    let server = Server::start().await;
    let store = replicas(&server, KEY);
    store.beat("one", true, b"").await.unwrap();
    store.beat("two", true, b"").await.unwrap();
    store.beat("of files", false, b"").await.unwrap();
    assert_eq!(store.propose("p", 0, b"what").await.unwrap(), Proposed::Yes);
    assert_eq!(store.propose("q", 0, b"other").await.unwrap(), Proposed::Busy);
    assert_eq!(store.proposed("p").await.unwrap().unwrap(), b"what");
    assert_eq!(store.proposed("q").await.unwrap(), None);
    assert!(store.answer("p", "one", None).await.unwrap());
    assert!(!store.answer("q", "one", None).await.unwrap());
    assert_eq!(store.commit("p", 0, new("a")).await.unwrap(), Committed::NotReady);
    assert!(store.answer("p", "two", Some(b"why not")).await.unwrap());
    assert_eq!(store.commit("p", 0, new("a")).await.unwrap(), Committed::NotReady);
    let answers = store.answers("p").await.unwrap().unwrap();
    assert_eq!(answers.live, ["one", "two"]);
    assert_eq!(answers.given["one"], None);
    assert_eq!(answers.given["two"].as_deref(), Some(&b"why not"[..]));
    store.leave("two").await.unwrap();
    assert_eq!(store.commit("p", 0, new("a")).await.unwrap(), Committed::Yes);
    let newest = store.newest().await.unwrap().unwrap();
    assert_eq!((newest.head.generation, &*newest.head.digest), (1, "a"));
    let look = store.look().await.unwrap();
    assert_eq!(
        (look.newest, look.committed.as_deref(), look.proposal),
        (1, Some("p"), None)
    );
    assert_eq!(store.commit("p", 0, new("a")).await.unwrap(), Committed::Lost);
    assert_eq!(store.propose("q", 0, b"late").await.unwrap(), Proposed::Moved);
}

#[tokio::test]
async fn a_proposal_that_nobody_looks_after_goes_by_itself() {
    let server = Server::start().await;
    let store = replicas(&server, KEY);
    assert_eq!(store.propose("p", 0, b"what").await.unwrap(), Proposed::Yes);
    store.abandon("another").await.unwrap();
    let began = Instant::now();
    while store.look().await.unwrap().proposal.is_some() {
        assert!(began.elapsed() < Duration::from_secs(20), "it stays");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.answers("p").await.unwrap(), None);
    assert_eq!(store.propose("q", 0, b"what").await.unwrap(), Proposed::Yes);
    store.abandon("q").await.unwrap();
    assert_eq!(store.propose("r", 0, b"what").await.unwrap(), Proposed::Yes);
}

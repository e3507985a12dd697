use std::collections::HashMap;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::id::tests::Glass;
use super::*;
use crate::gate::level::Level;
use crate::name::ServerName;

/// Shared by several tables, as gateways share a store; every one knows at once.
#[derive(Debug, Default)]
struct Shared {
    is_alone: bool,
    saved: Mutex<HashMap<String, (u64, Vec<u8>)>>,
    changes: watch::Sender<u64>,
}

impl SessionStore for Shared {
    fn is_alone(&self) -> bool {
        self.is_alone
    }

    fn version(&self, session: &str) -> Option<u64> {
        Some(self.known(session)?.0)
    }

    fn known(&self, session: &str) -> Option<(u64, Vec<u8>)> {
        self.saved.lock().unwrap().get(session).cloned()
    }

    fn find(&self, session: &str) -> BoxFuture<'_, Result<Option<(u64, Vec<u8>)>, String>> {
        let found = self.known(session);
        Box::pin(async move { Ok(found) })
    }

    fn put(
        &self,
        session: &str,
        seen: Option<u64>,
        value: Vec<u8>,
        _end: u64,
    ) -> BoxFuture<'_, Result<Option<u64>, String>> {
        let mut saved = self.saved.lock().unwrap();
        let is_seen = saved.get(session).map(|(version, _)| *version) == seen;
        let version = seen.unwrap_or(0) + 1;
        if is_seen {
            saved.insert(session.to_owned(), (version, value));
        }
        Box::pin(async move { Ok(is_seen.then_some(version)) })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

fn alone() -> Sessions {
    let store = Shared {
        is_alone: true,
        ..Shared::default()
    };
    Sessions::new(Arc::new(Glass), Arc::new(store))
}

/// Two gateways on one store.
fn two() -> (Sessions, Sessions) {
    let store = Arc::new(Shared::default());
    let one = || Sessions::new(Arc::new(Glass), Arc::clone(&store) as Arc<dyn SessionStore>);
    (one(), one())
}

fn owner(user: &str) -> Owner {
    let principal = Principal::User(user.into());
    Owner {
        account: Account::Principal(principal.clone()),
        principal,
        endpoint: EndpointName::new("e").unwrap(),
    }
}

async fn begin(sessions: &Sessions, user: &str, max: u32) -> Arc<Session> {
    begin_with(sessions, user, max, "{}").await.unwrap()
}

async fn begin_with(sessions: &Sessions, user: &str, max: u32, capabilities: &str) -> Result<Arc<Session>, Unsaved> {
    let seed = Seed {
        owner: owner(user),
        version: Version::NEWEST_LEGACY,
        capabilities: Bytes::copy_from_slice(capabilities.as_bytes()),
        client: Some("Test 1".into()),
    };
    sessions.begin(seed, max).await
}

/// As the gate does it.
async fn find(sessions: &Sessions, id: &str, user: &str) -> Option<Arc<Session>> {
    let owner = owner(user);
    match sessions.find(id, &owner.principal, &owner.endpoint) {
        Found::Here(session) => Some(session),
        Found::Gone => None,
        Found::Unknown => sessions.revive(id, owner, None, 10).await.unwrap(),
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_owner_only() {
    for sessions in [alone(), two().0] {
        let session = begin(&sessions, "alice", 10).await;
        assert!(find(&sessions, &session.id, "alice").await.is_some());
        assert!(find(&sessions, &session.id, "bob").await.is_none());
        let elsewhere = EndpointName::new("f").unwrap();
        let there = sessions.find(&session.id, &session.principal, &elsewhere);
        assert!(matches!(there, Found::Gone));
        assert!(find(&sessions, "nonsense", "alice").await.is_none());
    }
}

#[tokio::test]
async fn beyond_the_limit_the_longest_idle_one_ends() {
    let sessions = alone();
    let first = begin(&sessions, "alice", 2).await;
    let second = begin(&sessions, "alice", 2).await;
    second.used.store(1_000, Ordering::Relaxed);
    begin(&sessions, "bob", 2).await;
    let third = begin(&sessions, "alice", 2).await;
    assert!(first.closed.is_cancelled() && !second.closed.is_cancelled() && !third.closed.is_cancelled());
    assert_eq!(sessions.len(), 3);
    assert!(find(&sessions, &first.id, "alice").await.is_none(), "it has ended here");
}

#[tokio::test]
async fn a_session_goes_on_elsewhere_with_what_it_has_set() {
    let (here, there) = two();
    let long = format!(
        "{{\"experimental\":{{\"x\":\"{}\"}}}}",
        "y".repeat(id::MAX_CAPABILITIES)
    );
    for capabilities in ["{\"roots\":{}}", &long] {
        let session = begin_with(&here, "alice", 10, capabilities).await.unwrap();
        assert!(session.id.len() < 4_096);
        let again = find(&there, &session.id, "alice").await.unwrap();
        assert_eq!((&again.key, again.version), (&session.key, session.version));
        assert_eq!(
            (&*again.capabilities, &again.client),
            (capabilities.as_bytes(), &session.client)
        );
        let level = Level::parse("error");
        assert_eq!(there.change(&again, |saved| saved.level = level).await.unwrap(), level);
        // What is set at one counts at the other, also where both have set something.
        let wanted = (ServerName::new("s").unwrap(), "a://b".to_owned());
        let add = |saved: &mut Saved| drop(saved.subscriptions.replace(wanted.clone()));
        here.change(&session, add).await.unwrap();
        assert_eq!(session.level(), level);
        there.follow(|_| None);
        assert!(again.is_subscribed(&wanted.0, &wanted.1));
    }
}

#[tokio::test]
async fn a_session_that_has_ended_goes_on_nowhere() {
    let (here, there) = two();
    let session = begin(&here, "alice", 10).await;
    let again = find(&there, &session.id, "alice").await.unwrap();
    here.end(&session).await.unwrap();
    there.follow(|_| None);
    assert!(session.closed.is_cancelled() && again.closed.is_cancelled());
    for sessions in [&here, &there] {
        assert!(find(sessions, &session.id, "alice").await.is_none());
    }
    let late = there.change(&again, |saved| saved.level = None).await;
    assert!(matches!(late, Err(Unsaved::Ended)));
}

#[tokio::test]
async fn one_caller_cannot_fill_the_store() {
    let (here, there) = two();
    let (level, mut saved) = (Level::parse("error"), 0);
    let mut last = None;
    for _ in 0..2 * SAVED_AT_ONCE {
        let session = begin(&here, "alice", 10).await;
        match here.change(&session, |saved| saved.level = level).await {
            Ok(_) => saved += 1,
            Err(why) => {
                assert!(matches!(why, Unsaved::TooOften));
                last = Some(session);
            }
        }
    }
    assert!((SAVED_AT_ONCE..SAVED_AT_ONCE + 10).contains(&saved), "{saved}");
    // Others are not concerned, and an end counts here all the same.
    let session = begin(&here, "bob", 10).await;
    assert!(here.change(&session, |saved| saved.level = level).await.is_ok());
    let last = last.unwrap();
    here.end(&last).await.unwrap();
    assert!(last.closed.is_cancelled() && find(&there, &last.id, "alice").await.is_some());
}

#[tokio::test]
async fn sessions_of_a_caller_end_where_another_gateway_has_said_so() {
    let (here, there) = two();
    let old = begin(&here, "alice", 10).await;
    let (again, until) = (find(&there, &old.id, "alice").await.unwrap(), now());
    tokio::time::sleep(Duration::from_millis(2)).await;
    let new = begin(&there, "alice", 10).await;
    there.follow(|principal| (*principal == again.principal).then_some(until));
    assert!(again.closed.is_cancelled() && !new.closed.is_cancelled());
}

#[tokio::test]
async fn a_newer_stream_outlives_the_one_before_and_a_revived_session_is_told_of_lists_once() {
    let (here, there) = two();
    let session = begin(&here, "alice", 10).await;
    let (_first, one) = session.open_feed();
    let (_second, _) = session.open_feed();
    session.close_feed(one);
    assert!(session.is_listening());
    assert_eq!(session.saw(crate::gate::view::Kind::Tools, 7), None);
    let again = find(&there, &session.id, "alice").await.unwrap();
    let before = again.saw(crate::gate::view::Kind::Tools, 7);
    assert!(before.is_some_and(|before| before != 7));
    assert_eq!(again.saw(crate::gate::view::Kind::Tools, 7), Some(7));
}

#[tokio::test]
async fn whose_sessions_were_all_ended_begins_anew() {
    let (here, there) = two();
    let session = begin(&here, "alice", 10).await;
    let revived = there.revive(&session.id, owner("alice"), Some(now()), 10).await;
    assert!(revived.unwrap().is_none());
    let revived = there
        .revive(&session.id, owner("alice"), Some(now() - 60_000), 10)
        .await;
    assert!(revived.unwrap().is_some());
}

#[tokio::test]
async fn what_goes_on_for_lack_of_use_is_given_back_and_goes_on_where_it_may() {
    let alone = alone();
    let session = begin(&alone, "alice", 10).await;
    session.used.store(0, Ordering::Relaxed);
    alone.end_where(|_| true);
    assert!(find(&alone, &session.id, "alice").await.is_none());
    let (here, _) = two();
    let session = begin(&here, "alice", 10).await;
    here.end_where(|_| true);
    assert!(session.closed.is_cancelled());
    assert!(find(&here, &session.id, "alice").await.is_some());
}

#[tokio::test]
async fn messages_wait_for_the_stream_within_a_bound() {
    let sessions = alone();
    let session = begin(&sessions, "alice", 2).await;
    for at in 0..100 {
        session.tell(Bytes::from(at.to_string()));
    }
    let (mut feed, _) = session.open_feed();
    assert_eq!(feed.try_recv().unwrap(), "36");
    assert_eq!(std::iter::from_fn(|| feed.try_recv().ok()).count(), 63);
}

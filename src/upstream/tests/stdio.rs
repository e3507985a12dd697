//! Children that make noise, end, hang, lie and leave others behind.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::mcp::{Era, Version, envelope};
use crate::snapshot::Isolation;
use crate::upstream::tests::{
    PATIENCE, Peer, all, outgoing, over_stdio, scope, send, text, until, with_process, with_protocol, with_sink,
};
use crate::upstream::{CatalogueState, FailureKind};

fn runs(pid: &str) -> bool {
    // A zombie has ended.
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn noise_on_standard_output_is_tolerated() {
    let peer = Peer::ready(over_stdio("noisy", Isolation::Auto)).await;
    assert_eq!(peer.tools(), ["echo", "pid"]);
    let catalogue = peer.upstream.catalogue();
    assert_eq!(
        &catalogue.tools[0].item.raw[..],
        br#"{"name": "echo", "inputSchema": {"type": "object"}, "x": 100.0}"#
    );
}

#[tokio::test]
async fn a_server_that_ends_when_it_is_probed_is_started_again_as_a_legacy_one() {
    let peer = Peer::ready(over_stdio("exits-on-probe", Isolation::Auto)).await;
    let link = peer.open(&scope("user:ann", Some("s"))).await;
    assert_eq!(link.version(), Version::V2025_11_25);
    assert_eq!(text(&link, "echo").await.unwrap(), "a\nb");
}

#[tokio::test]
async fn a_modern_server_is_shared_and_a_legacy_one_is_not() {
    for (mood, shared) in [("modern", true), ("legacy", false)] {
        let peer = Peer::ready(over_stdio(mood, Isolation::Auto)).await;
        let (ann, bob) = (
            peer.open(&scope("user:ann", Some("1"))).await,
            peer.open(&scope("user:bob", Some("2"))).await,
        );
        assert_eq!(ann.version().era(), if shared { Era::Modern } else { Era::Legacy });
        assert_eq!((ann.shared(), bob.shared()), (shared, shared));
        let (one, other) = (text(&ann, "pid").await.unwrap(), text(&bob, "pid").await.unwrap());
        assert_eq!(one == other, shared, "{mood}");
        let again = peer.open(&scope("user:ann", Some("1"))).await;
        assert_eq!(text(&again, "pid").await.unwrap(), one);
    }
}

#[tokio::test]
async fn lone_callers_never_share_a_legacy_process_and_it_ends_with_the_link() {
    let peer = Peer::ready(over_stdio("legacy", Isolation::Auto)).await;
    let (one, other) = (
        peer.open(&scope("anonymous", None)).await,
        peer.open(&scope("anonymous", None)).await,
    );
    let pid = text(&one, "pid").await.unwrap();
    assert_ne!(pid, text(&other, "pid").await.unwrap());
    drop(one);
    until("the process of the dropped link is gone", || !runs(&pid)).await;
    assert!(text(&other, "pid").await.is_ok());
}

#[tokio::test]
async fn ids_and_progress_tokens_come_back_as_the_client_sent_them() {
    for mood in ["modern", "legacy"] {
        let peer = Peer::ready(over_stdio(mood, Isolation::Shared)).await;
        let (one, other) = (
            peer.open(&scope("user:ann", None)).await,
            peer.open(&scope("user:bob", None)).await,
        );
        let (one, other) = tokio::join!(send(&one, "progress"), send(&other, "progress"));
        for reply in [one, other] {
            let messages = all(reply.unwrap()).await.unwrap();
            assert_eq!(messages.len(), 4, "{messages:?}");
            assert!(
                messages[..3]
                    .iter()
                    .all(|message| message.contains(r#""progressToken": "t""#)),
                "{messages:?}"
            );
            assert!(messages[3].contains(r#""id": 7"#), "{messages:?}");
        }
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_call_fails_it_and_the_next_call_starts_anew() {
    let peer = Peer::ready(over_stdio("legacy", Isolation::Auto)).await;
    let ann = peer.open(&scope("user:ann", Some("1"))).await;
    let bob = peer.open(&scope("user:bob", Some("2"))).await;
    let other = text(&bob, "pid").await.unwrap();
    assert_eq!(send(&ann, "crash").await.unwrap_err().kind, FailureKind::Ended);
    assert!(text(&ann, "pid").await.is_ok());
    for _ in 0..2 {
        assert_eq!(send(&ann, "crash").await.unwrap_err().kind, FailureKind::Ended);
    }
    let refused = send(&ann, "pid").await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Refused, "{refused}");
    // The others go on, and new ones may come.
    assert_eq!(text(&bob, "pid").await.unwrap(), other);
    assert!(
        text(&peer.open(&scope("user:eve", Some("3"))).await, "pid")
            .await
            .is_ok()
    );
    assert!(!peer.upstream.status().health.circuit_open);
}

#[tokio::test]
async fn a_server_that_never_starts_opens_the_circuit() {
    let peer = Peer::start(over_stdio("crashes-at-start", Isolation::Auto));
    tokio::time::timeout(PATIENCE, peer.upstream.first_catalogue())
        .await
        .unwrap();
    assert!(matches!(peer.upstream.catalogue().state, CatalogueState::Failed(_)));
    until("the circuit is open", || peer.upstream.status().health.circuit_open).await;
    let failure = peer.upstream.open(&scope("user:ann", None)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named() {
    let mut settings = over_stdio("legacy", Isolation::Auto);
    let mut server = crate::snapshot::Server::clone(&settings.server);
    if let crate::snapshot::Transport::Stdio { argv, .. } = &mut server.transport {
        *argv = vec!["no-such-command-here".into()];
    }
    settings.server = std::sync::Arc::new(server);
    let peer = Peer::start(settings);
    tokio::time::timeout(PATIENCE, peer.upstream.first_catalogue())
        .await
        .unwrap();
    let reason = peer.upstream.status().health.reason.unwrap();
    assert!(reason.contains("`no-such-command-here` does not start"), "{reason}");
}

#[tokio::test]
async fn a_call_that_hangs_ends_at_its_deadline_and_is_cancelled() {
    let peer = Peer::ready(over_stdio("legacy", Isolation::Auto)).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    let begun = Instant::now();
    let failure = link
        .conversation()
        .send(outgoing(&link, "hang", Duration::from_millis(200)), Era::Legacy)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let end = Instant::now() + PATIENCE;
    while text(&link, "last-cancelled").await.unwrap() == "None" {
        assert!(Instant::now() < end, "the server was never told");
    }
}

#[tokio::test]
async fn a_huge_line_fails_its_call_only() {
    let peer = Peer::ready(over_stdio("modern", Isolation::Auto)).await;
    let link = peer.open(&scope("user:ann", None)).await;
    let (huge, slow) = tokio::join!(send(&link, "huge"), text(&link, "slow"));
    assert_eq!(huge.unwrap_err().kind, FailureKind::TooLarge);
    assert_eq!(slow.unwrap(), "slow");
}

#[tokio::test]
async fn a_stopped_server_takes_its_grandchildren_along() {
    for mood in ["legacy", "stubborn"] {
        let peer = Peer::ready(over_stdio(mood, Isolation::Auto)).await;
        let link = peer.open(&scope("user:ann", Some("1"))).await;
        let (child, grandchild) = (
            text(&link, "pid").await.unwrap(),
            text(&link, "grandchild").await.unwrap(),
        );
        assert!(runs(&child) && runs(&grandchild));
        peer.upstream.shut_down(Instant::now() + PATIENCE).await;
        assert!(!runs(&child), "{mood}");
        until("the grandchild is gone", || !runs(&grandchild)).await;
        assert_eq!(peer.upstream.status().processes, 0);
    }
}

#[tokio::test]
async fn idle_processes_stop_and_the_next_call_starts_one() {
    let settings = with_process(over_stdio("legacy", Isolation::Auto), 16, Duration::from_millis(300));
    let peer = Peer::ready(settings).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    let pid = text(&link, "pid").await.unwrap();
    until("all processes are stopped", || peer.upstream.status().processes == 0).await;
    assert_ne!(text(&link, "pid").await.unwrap(), pid);
    assert_eq!(peer.tools(), ["echo", "pid"]);
}

#[tokio::test]
async fn beyond_max_processes_the_answer_is_busy() {
    let peer = Peer::ready(with_process(
        over_stdio("legacy", Isolation::Auto),
        2,
        Duration::from_secs(600),
    ))
    .await;
    let first = peer.open(&scope("user:ann", Some("1"))).await;
    // The gateway's own process makes room.
    let second = peer.open(&scope("user:ann", Some("2"))).await;
    let failure = peer.upstream.open(&scope("user:ann", Some("3"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Busy, "{failure}");
    assert!(text(&first, "pid").await.is_ok() && text(&second, "pid").await.is_ok());
    peer.upstream.release("1");
    drop(first);
    until("a place is free", || peer.upstream.status().processes < 2).await;
    assert!(
        text(&peer.open(&scope("user:ann", Some("3"))).await, "pid")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_environment_is_scrubbed_and_home_is_private() {
    let peer = Peer::ready(over_stdio("legacy", Isolation::Auto)).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    let environment: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&text(&link, "environment").await.unwrap()).unwrap();
    // What a shell or a version manager in front of Python adds is its own.
    let allowed = ["PATH", "LANG", "TMPDIR", "HOME", "LC_CTYPE", "PWD", "SHLVL", "_"];
    let inherited = environment
        .keys()
        .filter(|name| std::env::var_os(name).is_some() && !name.contains("PYENV"));
    let leaked: Vec<_> = inherited.filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(
        leaked.is_empty() && std::env::var_os("CARGO_MANIFEST_DIR").is_some(),
        "{leaked:?}"
    );
    assert!(environment["HOME"].ends_with("homes/peer"), "{}", environment["HOME"]);
}

#[tokio::test]
async fn a_changed_list_is_fetched_again() {
    for mood in ["legacy", "modern"] {
        let peer = Peer::ready(over_stdio(mood, Isolation::Shared)).await;
        let mut changes = peer.upstream.changes();
        let before = *changes.borrow_and_update();
        let link = peer.open(&scope("user:ann", None)).await;
        text(&link, "change").await.unwrap();
        tokio::time::timeout(PATIENCE, changes.wait_for(|epoch| *epoch > before))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(peer.tools(), ["echo", "pid", "new"], "{mood}");
    }
}

#[tokio::test]
async fn a_question_within_the_only_call_is_that_calls_and_the_answer_reaches_the_server() {
    let peer = Peer::ready(over_stdio("legacy", Isolation::Auto)).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    let crate::upstream::Reply::Messages(mut messages) = send(&link, "ask").await.unwrap() else {
        panic!("no question")
    };
    let mut batch = Vec::new();
    assert!(messages.next_batch(&mut batch).await.unwrap());
    let question = envelope::read(&batch[0]).unwrap();
    assert_eq!(question.id().unwrap().of(&batch[0]), b"99");
    let answer = r#"{"jsonrpc":"2.0","id":99,"result":{"action":"accept"}}"#;
    link.respond(crate::pii::Redactor::none().redact(vec![answer.into()]))
        .await
        .unwrap();
    let rest = all(crate::upstream::Reply::Messages(messages)).await.unwrap();
    assert!(rest[0].contains("accept"), "{rest:?}");
}

#[tokio::test]
async fn a_question_in_a_shared_process_is_refused() {
    let peer = Peer::ready(over_stdio("legacy", Isolation::Shared)).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    let answer = text(&link, "ask").await.unwrap();
    assert!(answer.contains("-32601"), "{answer}");
}

#[tokio::test]
async fn what_the_server_logs_during_a_call_comes_with_it() {
    let peer = Peer::ready(over_stdio("legacy", Isolation::Auto)).await;
    let (sink, _heard) = mpsc::channel(8);
    let link = peer.open(&with_sink(scope("user:ann", Some("1")), sink)).await;
    let messages = all(send(&link, "log").await.unwrap()).await.unwrap();
    assert!(
        messages.len() == 2 && messages[0].contains("notifications/message"),
        "{messages:?}"
    );
}

#[tokio::test]
async fn subscribers_of_a_modern_server_hear_of_their_resource() {
    let peer = Peer::ready(over_stdio("modern", Isolation::Auto)).await;
    let (sink, mut heard) = mpsc::channel(8);
    let link = peer.open(&with_sink(scope("user:ann", None), sink.clone())).await;
    link.conversation()
        .subscribe(Era::Modern, link.number(), "a:b", sink)
        .await
        .unwrap();
    let update = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    assert!(update.message.windows(3).any(|part| part == b"a:b"));
    link.unsubscribe("a:b").await.unwrap();
}

#[tokio::test]
async fn a_fixed_protocol_is_not_probed() {
    let peer = Peer::ready(with_protocol(
        over_stdio("exits-on-probe", Isolation::Auto),
        Version::V2025_06_18,
    ))
    .await;
    assert_eq!(peer.upstream.catalogue().version, Some(Version::V2025_06_18));
    let peer = Peer::start(with_protocol(
        over_stdio("legacy", Isolation::Auto),
        Version::V2026_07_28,
    ));
    tokio::time::timeout(PATIENCE, peer.upstream.first_catalogue())
        .await
        .unwrap();
    assert!(matches!(peer.upstream.catalogue().state, CatalogueState::Failed(_)));
}

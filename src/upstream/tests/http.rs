//! HTTP servers of both eras, and what goes wrong with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::mcp::{Era, Version};
use crate::upstream::tests::fake::{Fake, Seen, Told};
use crate::upstream::tests::{PATIENCE, Peer, all, outgoing, over_http, scope, send, text, until, with_sink};
use crate::upstream::{CatalogueState, FailureKind, Reply, Secret};

const TEXT: &str = r#"{"content":[{"type":"text","text":"hello"}],"resultType":"complete"}"#;
const NO_METHOD: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;
const ECHO: &str = r#"{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}"#;

/// A well-behaved legacy server, but for what `other` answers itself.
pub(super) fn legacy(
    other: impl Fn(&Seen) -> Option<Told> + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Told + Send + Sync + 'static {
    let sessions = AtomicUsize::new(0);
    move |seen| {
        if let Some(told) = other(seen) {
            return told;
        }
        match (&seen.method, seen.rpc().as_str()) {
            (&Method::POST, "server/discover") => Told::json(404, NO_METHOD),
            (&Method::POST, "initialize") => {
                let number = sessions.fetch_add(1, Ordering::Relaxed) + 1;
                let version = seen.json()["params"]["protocolVersion"].as_str().unwrap().to_owned();
                let result =
                    format!(r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{"listChanged":true}}}}}}"#);
                seen.result(&result)
                    .with("mcp-session-id", &format!("session-{number}"))
            }
            (&Method::POST, "tools/list") => seen.result(ECHO),
            (&Method::POST, "tools/call") => seen.result(TEXT),
            (&Method::POST, _) => Told::status(202),
            (&Method::DELETE, _) => Told::status(200),
            _ => Told::status(405),
        }
    }
}

fn modern(
    other: impl Fn(&Seen) -> Option<Told> + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Told + Send + Sync + 'static {
    move |seen| {
        if let Some(told) = other(seen) {
            return told;
        }
        match seen.rpc().as_str() {
            "server/discover" => seen
                .result(r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#),
            "tools/list" => seen.result(ECHO),
            "tools/call" => seen.result(TEXT),
            _ => Told::json(404, NO_METHOD),
        }
    }
}

async fn ready(fake: &Fake) -> Peer {
    Peer::ready(over_http(&fake.url())).await
}

#[tokio::test]
async fn a_legacy_server_is_found_out_and_each_client_has_its_session() {
    let fake = Fake::start(legacy(|_| None)).await;
    let peer = ready(&fake).await;
    let (ann, bob) = (
        peer.open(&scope("user:ann", Some("1"))).await,
        peer.open(&scope("user:bob", Some("2"))).await,
    );
    assert_eq!((ann.version(), ann.shared()), (Version::V2025_11_25, false));
    assert_eq!(text(&ann, "echo").await.unwrap(), "hello");
    assert_eq!(text(&bob, "echo").await.unwrap(), "hello");
    let calls: Vec<Seen> = fake
        .seen()
        .into_iter()
        .filter(|seen| seen.rpc() == "tools/call")
        .collect();
    assert_ne!(calls[0].header("mcp-session-id"), calls[1].header("mcp-session-id"));
    assert_eq!(calls[0].header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(calls[0].header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(calls[0].header("mcp-method"), None);
    assert!(calls[0].body.contains("\"id\":7") && calls[0].header("content-length").is_some());
    // What the client declared is what its session declares; the gateway's own declares nothing.
    let greetings: Vec<_> = fake
        .seen()
        .iter()
        .filter(|seen| seen.rpc() == "initialize")
        .map(|seen| seen.json()["params"]["capabilities"].to_string())
        .collect();
    assert_eq!(greetings, ["{}", r#"{"elicitation":{}}"#, r#"{"elicitation":{}}"#]);
    peer.upstream.release("1");
    until("the session is deleted", || {
        fake.seen().iter().any(|seen| seen.method == Method::DELETE)
    })
    .await;
}

#[tokio::test]
async fn a_modern_server_gets_all_headers_and_no_session() {
    let fake = Fake::start(modern(|_| None)).await;
    let mut settings = over_http(&fake.url());
    settings.values.insert("X-Org".into(), Secret::new("acme"));
    let peer = Peer::ready(settings).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    assert_eq!((link.version().era(), link.shared()), (Era::Modern, true));
    assert_eq!(text(&link, "echo").await.unwrap(), "hello");
    let call = fake.seen().into_iter().find(|seen| seen.rpc() == "tools/call").unwrap();
    let headers = [
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "content-type",
        "x-org",
        "mcp-session-id",
    ]
    .map(|name| call.header(name));
    assert_eq!(
        headers,
        [
            Some("2026-07-28"),
            Some("tools/call"),
            Some("echo"),
            Some("application/json"),
            Some("acme"),
            None
        ]
    );
    assert_eq!(fake.count("initialize"), 0);
    assert_eq!(fake.count("server/discover"), 1);
}

#[tokio::test]
async fn a_lost_session_is_made_anew_once_and_the_call_goes_through() {
    let fake = Fake::start(legacy(|seen| {
        let lost = seen.rpc() == "tools/call" && seen.header("mcp-session-id") == Some("session-2");
        lost.then(|| Told::status(404))
    }))
    .await;
    let peer = ready(&fake).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    link.set_level("info").await.unwrap_err();
    assert_eq!(text(&link, "echo").await.unwrap(), "hello");
    assert_eq!((fake.count("initialize"), fake.count("tools/call")), (3, 2));
    // The level is set again in the new session, whatever the server thinks of it.
    assert_eq!(fake.count("logging/setLevel"), 2);
}

#[tokio::test]
async fn a_session_lost_twice_fails_the_call() {
    let fake = Fake::start(legacy(|seen| (seen.rpc() == "tools/call").then(|| Told::status(404)))).await;
    let peer = ready(&fake).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    assert_eq!(send(&link, "echo").await.unwrap_err().kind, FailureKind::Ended);
    assert_eq!(fake.count("tools/call"), 2);
}

#[tokio::test]
async fn a_slow_body_ends_at_the_deadline_and_a_large_one_at_the_limit() {
    let large = "x".repeat(2 << 20);
    let fake = Fake::start(modern(move |seen| {
        let name = seen.json()["params"]["name"].as_str().unwrap_or_default().to_owned();
        let mut told = seen.result(TEXT);
        match name.as_str() {
            "slow" => {
                told.steps = vec![
                    (Duration::ZERO, Some("{".into())),
                    (Duration::from_secs(60), Some("}".into())),
                ];
            }
            "slow-head" => {
                return Some(Told {
                    status: 200,
                    headers: vec![],
                    steps: vec![(Duration::from_secs(60), None)],
                });
            }
            "large" => return Some(seen.result(&format!("\"{large}\""))),
            "large-chunked" => {
                let text = large.clone();
                told.steps = vec![(Duration::ZERO, Some(text)), (Duration::from_millis(1), None)];
            }
            _ => return None,
        }
        told.headers.pop();
        Some(told)
    }))
    .await;
    let peer = ready(&fake).await;
    let link = peer.open(&scope("user:ann", None)).await;
    let begun = Instant::now();
    let slow = link
        .conversation()
        .send(outgoing(&link, "slow", Duration::from_millis(200)), Era::Modern)
        .await
        .unwrap();
    assert_eq!(all(slow).await.unwrap_err().kind, FailureKind::Timeout);
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(send(&link, "large").await.unwrap_err().kind, FailureKind::TooLarge);
    let chunked = send(&link, "large-chunked").await.unwrap();
    assert_eq!(all(chunked).await.unwrap_err().kind, FailureKind::TooLarge);
    assert_eq!(text(&link, "echo").await.unwrap(), "hello");
}

#[tokio::test]
async fn events_come_in_order_and_a_lone_response_comes_as_json() {
    let progress =
        r#"data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#;
    let changed = r#"data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let response = format!(r#"data: {{"jsonrpc":"2.0","id":7,"result":{TEXT}}}"#);
    let fake = Fake::start(modern(move |seen| match seen.json()["params"]["name"].as_str() {
        Some("stream") => Some(Told::open_events(&[": hello", progress, changed, progress, &response])),
        Some("lone") => Some(Told::events(&[&response])),
        Some("broken") => Some(Told::events(&[progress])),
        _ => None,
    }))
    .await;
    let peer = ready(&fake).await;
    let link = peer.open(&scope("user:ann", None)).await;
    let lists = fake.count("tools/list");
    let streamed = all(send(&link, "stream").await.unwrap()).await.unwrap();
    assert!(
        streamed.len() == 3 && streamed[0].contains("progressToken") && streamed[2].contains("hello"),
        "{streamed:?}"
    );
    until("the changed list is fetched", || fake.count("tools/list") > lists).await;
    assert!(matches!(
        send(&link, "lone").await.unwrap(),
        Reply::Json { status: 200, .. }
    ));
    let broken = all(send(&link, "broken").await.unwrap()).await.unwrap_err();
    assert_eq!(broken.kind, FailureKind::Ended, "{broken}");
}

#[tokio::test]
async fn a_legacy_stream_that_ends_early_is_resumed_behind_its_last_event() {
    let fake = Fake::start(legacy(|seen| match (&seen.method, seen.rpc().as_str()) {
        (&Method::POST, "tools/call") => Some(Told::events(&["id: e1\nretry: 50\ndata:"])),
        (&Method::GET, _) if seen.header("last-event-id") == Some("e1") => {
            let progress =
                r#"data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t"}}"#;
            Some(Told::events(&[&format!("{progress}\nid: e2")]))
        }
        (&Method::GET, _) if seen.header("last-event-id") == Some("e2") => Some(Told::open_events(&[&format!(
            r#"data: {{"jsonrpc":"2.0","id":7,"result":{TEXT}}}"#
        )])),
        _ => None,
    }))
    .await;
    let peer = ready(&fake).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    let messages = all(send(&link, "echo").await.unwrap()).await.unwrap();
    assert!(messages.len() == 2 && messages[1].contains("hello"), "{messages:?}");
}

#[tokio::test]
async fn a_dropped_legacy_answer_is_cancelled_and_a_finished_one_is_not() {
    let fake = Fake::start(legacy(|seen| {
        let hangs = seen.json()["params"]["name"] == "hang";
        hangs.then(|| {
            Told::open_events(&[
                r#"data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t"}}"#,
            ])
        })
    }))
    .await;
    let peer = ready(&fake).await;
    let link = peer.open(&scope("user:ann", Some("1"))).await;
    text(&link, "echo").await.unwrap();
    drop(send(&link, "hang").await.unwrap());
    until("the cancellation arrives", || {
        fake.count("notifications/cancelled") == 1
    })
    .await;
    let cancelled = fake
        .seen()
        .into_iter()
        .find(|seen| seen.rpc() == "notifications/cancelled")
        .unwrap();
    assert_eq!(cancelled.json()["params"]["requestId"], 7);
    assert!(cancelled.header("mcp-session-id").is_some());
    assert_eq!(peer.upstream.status().calls_in_flight, 0);
}

#[tokio::test]
async fn all_pages_are_listed_and_bad_items_left_out() {
    let fake = Fake::start(modern(|seen| {
        if seen.rpc() != "tools/list" {
            return None;
        }
        Some(match seen.json()["params"]["cursor"].as_str() {
            None => seen.result(r#"{"tools":[{"name":"a","x":1.50},{"name":7}],"nextCursor":""}"#),
            Some("") => seen.result(r#"{"tools":[{"name":"b"},{"name":"a"},{"name":"c","name":"d"}],"nextCursor":"2","ttlMs":60000}"#),
            Some(_) => {
                let bad = r#"{"name":"bad","inputSchema":{"type":"object","properties":{"p":{"type":"number","x-mcp-header":"P"}}}}"#;
                let good = r#"{"name":"good","inputSchema":{"type":"object","properties":{"p":{"type":"string","x-mcp-header":"P"}}}}"#;
                seen.result(&format!(r#"{{"tools":[{bad},{good}]}}"#))
            }
        })
    }))
    .await;
    let peer = ready(&fake).await;
    assert_eq!(peer.tools(), ["a", "b", "good"]);
    assert_eq!(
        &peer.upstream.catalogue().tools[0].item.raw[..],
        br#"{"name":"a","x":1.50}"#
    );
}

#[tokio::test]
async fn a_server_that_repeats_its_cursor_is_not_listed_for_ever() {
    let fake = Fake::start(modern(|seen| {
        (seen.rpc() == "tools/list").then(|| seen.result(r#"{"tools":[],"nextCursor":"again"}"#))
    }))
    .await;
    let peer = Peer::start(over_http(&fake.url()));
    tokio::time::timeout(PATIENCE, peer.upstream.first_catalogue())
        .await
        .unwrap();
    let CatalogueState::Failed(reason) = peer.upstream.catalogue().state.clone() else {
        panic!("listed")
    };
    assert!(reason.contains("same cursor"), "{reason}");
}

#[tokio::test]
async fn what_the_server_says_on_its_get_stream_reaches_the_sink() {
    let fake = Fake::start(legacy(|seen| {
        let asks = seen.method == Method::GET && seen.header("mcp-session-id") == Some("session-2");
        asks.then(|| {
            Told::open_events(&[
                r#"data: {"jsonrpc":"2.0","id":1,"method":"ping"}"#,
                r#"data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#,
            ])
        })
    }))
    .await;
    let peer = ready(&fake).await;
    let (sink, mut heard) = mpsc::channel(8);
    let _link = peer.open(&with_sink(scope("user:ann", Some("1")), sink)).await;
    let heard = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    assert!(
        heard
            .message
            .starts_with(br#"{"jsonrpc":"2.0","method":"notifications/message""#)
    );
    until("the ping is answered", || {
        fake.seen()
            .iter()
            .any(|seen| seen.body == r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
    })
    .await;
}

#[tokio::test]
async fn a_refused_credential_is_no_failing_health() {
    let fake = Fake::start(|_| Told::status(401)).await;
    let peer = Peer::start(over_http(&fake.url()));
    tokio::time::timeout(PATIENCE, peer.upstream.first_catalogue())
        .await
        .unwrap();
    let status = peer.upstream.status();
    assert_eq!(status.health.condition, crate::upstream::Condition::Unauthorized);
    for _ in 0..4 {
        assert_eq!(
            peer.upstream.open(&scope("user:ann", None)).await.unwrap_err().kind,
            FailureKind::Unauthorized
        );
    }
    assert!(!peer.upstream.status().health.circuit_open);
}

#[tokio::test]
async fn a_dead_server_opens_the_circuit_and_its_return_closes_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let peer = Peer::start(over_http(&format!("http://{address}/mcp")));
    until("the circuit is open", || peer.upstream.status().health.circuit_open).await;
    let begun = Instant::now();
    assert_eq!(
        peer.upstream.open(&scope("user:ann", None)).await.unwrap_err().kind,
        FailureKind::Refused
    );
    assert!(begun.elapsed() < Duration::from_secs(1));
    let _fake = Fake::start_at(address, modern(|_| None)).await;
    until("the circuit is closed", || !peer.upstream.status().health.circuit_open).await;
    let link = peer.open(&scope("user:ann", None)).await;
    assert_eq!(text(&link, "echo").await.unwrap(), "hello");
}

#[tokio::test]
async fn one_callers_errors_never_open_the_circuit() {
    let fake = Fake::start(modern(|seen| {
        (seen.json()["params"]["name"] == "boom").then(|| Told::status(500))
    }))
    .await;
    let peer = ready(&fake).await;
    let link = peer.open(&scope("user:ann", None)).await;
    for _ in 0..10 {
        assert_eq!(send(&link, "boom").await.unwrap_err().kind, FailureKind::Protocol);
    }
    assert_eq!(text(&link, "echo").await.unwrap(), "hello");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Arc::new(Fake::start(modern(|_| None)).await);
    let url = elsewhere.url();
    let fake = Fake::start(move |_| Told::status(307).with("location", &url)).await;
    let peer = Peer::start(over_http(&fake.url()));
    tokio::time::timeout(PATIENCE, peer.upstream.first_catalogue())
        .await
        .unwrap();
    assert!(
        peer.upstream
            .status()
            .health
            .reason
            .unwrap()
            .contains("redirects are not followed")
    );
    assert!(elsewhere.seen().is_empty());
}

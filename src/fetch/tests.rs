//! Against a server that does what hostile ones do.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderMap;
use rustls::RootCertStore;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::fetch::{Fetch, FetchErrorKind, Policy, Reach, Resolver, max_age};

/// Answers every path with the bytes that stand there; `None`: with a body that never ends and never stops.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    async fn start(answers: &[(&'static str, Option<String>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers: Arc<BTreeMap<_, _>> = Arc::new(answers.iter().cloned().collect());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    let read = stream.read(&mut head).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..read]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
                    match answers.get(path.as_str()) {
                        Some(Some(answer)) => {
                            let _ = stream.write_all(answer.as_bytes()).await;
                        }
                        Some(None) => {
                            let _ = stream
                                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[")
                                .await;
                            tokio::time::sleep(Duration::from_secs(60)).await;
                        }
                        None => {
                            let _ = stream.write_all(answer(404, "", "").as_bytes()).await;
                        }
                    }
                });
            }
        });
        Self {
            address,
            asked,
            _task: AbortOnDropHandle::new(task),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn fetch() -> Fetch {
    Fetch::new(Arc::new(RootCertStore::empty()))
}

fn loopback() -> Policy {
    Policy::reaching(Reach::Loopback)
}

async fn kind(url: &str, policy: &Policy) -> FetchErrorKind {
    fetch().json::<Value>(url, policy).await.unwrap_err().kind
}

#[tokio::test]
async fn a_document_is_fetched_where_its_table_reaches_and_nowhere_else() {
    let server = Server::start(&[("/a", Some(answer(200, "", r#"{"b":1}"#)))]).await;
    let value: Value = fetch().json(&server.url("/a"), &loopback()).await.unwrap();
    assert_eq!(value["b"], 1);
    assert_eq!(
        kind(&server.url("/a"), &Policy::default()).await,
        FetchErrorKind::Private
    );
    assert_eq!(
        kind(&server.url("/none"), &loopback()).await,
        FetchErrorKind::Status(404)
    );
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_redirect_is_followed_only_where_the_policy_says_so_and_is_judged_like_the_first_address() {
    let to = |to: &str| Some(answer(302, &format!("Location: {to}\r\n"), ""));
    let server = Server::start(&[
        ("/relative", to("/end")),
        ("/end", Some(answer(200, "", "1"))),
        ("/private", to("https://10.0.0.1/")),
        ("/metadata", to("http://169.254.169.254/latest/meta-data/")),
        ("/decimal", to("https://2852039166/")),
        ("/file", to("file:///etc/passwd")),
        ("/loop", to("/loop")),
    ])
    .await;
    assert_eq!(
        kind(&server.url("/relative"), &loopback()).await,
        FetchErrorKind::Redirect
    );
    let follows = Policy {
        redirects: 2,
        ..loopback()
    };
    assert_eq!(fetch().json::<u8>(&server.url("/relative"), &follows).await.unwrap(), 1);
    assert_eq!(kind(&server.url("/private"), &follows).await, FetchErrorKind::Private);
    assert_eq!(kind(&server.url("/metadata"), &follows).await, FetchErrorKind::Address);
    assert_eq!(kind(&server.url("/decimal"), &follows).await, FetchErrorKind::Private);
    assert_eq!(kind(&server.url("/file"), &follows).await, FetchErrorKind::Address);
    assert_eq!(kind(&server.url("/loop"), &follows).await, FetchErrorKind::Redirect);
    // A form, with its credential, goes nowhere but where it was sent.
    let sent = fetch()
        .form(&server.url("/relative"), &[("a", "b")], HeaderMap::new(), &follows)
        .await;
    assert_eq!(sent.unwrap_err().kind, FetchErrorKind::Redirect);
}

#[tokio::test]
async fn a_name_is_resolved_once_and_its_next_answer_is_judged_anew() {
    let server = Server::start(&[("/", Some(answer(200, "", "1")))]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let (own, count) = (server.address, Arc::clone(&asked));
    let lookup = move |_: String| -> io::Result<Vec<SocketAddr>> {
        Ok(match count.fetch_add(1, Ordering::SeqCst) {
            0 => vec![own],
            _ => vec!["10.0.0.1:0".parse().unwrap()],
        })
    };
    let lookup = Arc::new(lookup);
    let fetch = fetch().with_resolver(move |reach| {
        let lookup = Arc::clone(&lookup);
        Resolver::scripted(reach, move |name| lookup(name))
    });
    let url = format!("http://localhost:{}/", server.address.port());
    assert_eq!(fetch.json::<u8>(&url, &loopback()).await.unwrap(), 1);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "the judged answer is the one that was connected to"
    );
    let error = fetch.json::<u8>(&url, &loopback()).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Private);
    assert!(error.to_string().contains("resolves to 10.0.0.1"), "{error}");
    assert_eq!(error.public(), "the address is not one that the gateway may ask");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn huge_slow_and_compressed_answers_end_the_fetch() {
    let huge = "x".repeat(300 << 10);
    let server = Server::start(&[
        ("/huge", Some(answer(200, "", &huge))),
        ("/slow", None),
        ("/gzip", Some(answer(200, "Content-Encoding: gzip\r\n", "bomb"))),
        ("/text", Some(answer(200, "", "<html>"))),
    ])
    .await;
    assert_eq!(kind(&server.url("/huge"), &loopback()).await, FetchErrorKind::TooLarge);
    let hasty = Policy {
        timeout: Duration::from_millis(300),
        ..loopback()
    };
    assert_eq!(kind(&server.url("/slow"), &hasty).await, FetchErrorKind::Timeout);
    assert_eq!(kind(&server.url("/gzip"), &loopback()).await, FetchErrorKind::Encoded);
    assert_eq!(kind(&server.url("/text"), &loopback()).await, FetchErrorKind::NotJson);
}

#[tokio::test]
async fn a_crate_with_requests_of_its_own_obeys_the_same_rules() {
    let server = Server::start(&[("/token", Some(answer(400, "", r#"{"error":"invalid_grant"}"#)))]).await;
    let request = |url: String| http::Request::post(url).body(b"a=b".to_vec()).unwrap();
    let answer = fetch()
        .exchange(request(server.url("/token")), &loopback())
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.body(), br#"{"error":"invalid_grant"}"#);
    let refused = fetch()
        .exchange(request(server.url("/token")), &Policy::default())
        .await;
    assert_eq!(refused.unwrap_err().kind, FetchErrorKind::Private);
}

#[tokio::test]
async fn an_error_shows_neither_query_nor_password() {
    let error = fetch()
        .json::<Value>("https://user:hunter2@example.com/a?code=hunter2", &Policy::default())
        .await
        .unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn how_long_an_answer_may_be_kept_is_read() {
    let age = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CACHE_CONTROL, value.parse().unwrap());
        max_age(&headers)
    };
    assert_eq!(age("public, max-age=60"), Some(Duration::from_secs(60)));
    assert_eq!(age("no-store, max-age=60"), Some(Duration::ZERO));
    assert_eq!(age("private"), None);
    assert_eq!(max_age(&HeaderMap::new()), None);
}

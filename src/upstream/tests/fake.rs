//! An HTTP server that answers as it is told, and remembers what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

#[derive(Clone, Debug)]
pub(in crate::upstream) struct Seen {
    pub(in crate::upstream) method: Method,
    /// With its query.
    pub(in crate::upstream) path: String,
    pub(in crate::upstream) headers: HeaderMap,
    pub(in crate::upstream) body: String,
}

/// What is sent back. A step of `None` ends the stream; without it the stream stays open.
pub(in crate::upstream) struct Told {
    pub(in crate::upstream) status: u16,
    pub(in crate::upstream) headers: Vec<(&'static str, String)>,
    pub(in crate::upstream) steps: Vec<(Duration, Option<String>)>,
}

pub(in crate::upstream) struct Fake {
    pub(in crate::upstream) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _listener: AbortOnDropHandle<()>,
}

impl Seen {
    /// The JSON-RPC method; of a response or no message, empty.
    pub(in crate::upstream) fn rpc(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().into()
    }

    pub(in crate::upstream) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(in crate::upstream) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A result for this request.
    pub(in crate::upstream) fn result(&self, result: &str) -> Told {
        Told::json(
            200,
            &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, self.json()["id"]),
        )
    }
}

impl Told {
    pub(in crate::upstream) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![
                ("content-type", "application/json".into()),
                ("content-length", body.len().to_string()),
            ],
            steps: vec![(Duration::ZERO, Some(body.into())), (Duration::ZERO, None)],
        }
    }

    pub(in crate::upstream) fn status(status: u16) -> Self {
        Self {
            status,
            headers: vec![("content-length", "0".into())],
            steps: vec![(Duration::ZERO, None)],
        }
    }

    /// Events, then the end of the stream.
    pub(in crate::upstream) fn events(events: &[&str]) -> Self {
        let mut told = Self::open_events(events);
        told.steps.push((Duration::ZERO, None));
        told
    }

    pub(in crate::upstream) fn open_events(events: &[&str]) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "text/event-stream; charset=utf-8".into())],
            steps: events
                .iter()
                .map(|event| (Duration::ZERO, Some(format!("{event}\n\n"))))
                .collect(),
        }
    }

    pub(in crate::upstream) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Fake {
    pub(in crate::upstream) async fn start(answer: impl Fn(&Seen) -> Told + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), answer).await
    }

    pub(in crate::upstream) async fn start_at(
        address: SocketAddr,
        answer: impl Fn(&Seen) -> Told + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (all, answer) = (Arc::clone(&seen), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let seen = Seen {
                            method: parts.method,
                            path: parts.uri.to_string(),
                            headers: parts.headers,
                            body: String::from_utf8(body.to_vec()).unwrap(),
                        };
                        all.lock().unwrap().push(seen.clone());
                        Ok::<_, hyper::Error>(response(answer(&seen)))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self {
            address,
            seen,
            _listener: AbortOnDropHandle::new(task),
        }
    }

    pub(in crate::upstream) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(in crate::upstream) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(in crate::upstream) fn count(&self, rpc: &str) -> usize {
        self.seen().iter().filter(|seen| seen.rpc() == rpc).count()
    }
}

fn response(told: Told) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::builder().status(told.status);
    for (name, value) in &told.headers {
        response = response.header(*name, value);
    }
    if told.steps.iter().all(|(wait, _)| wait.is_zero()) && told.steps.last().is_some_and(|(_, text)| text.is_none()) {
        let body: String = told.steps.into_iter().filter_map(|(_, text)| text).collect();
        return response.body(Full::new(Bytes::from(body)).boxed()).unwrap();
    }
    let steps = futures_util::stream::unfold(VecDeque::from(told.steps), |mut steps| async move {
        let Some((wait, text)) = steps.pop_front() else {
            return std::future::pending().await;
        };
        tokio::time::sleep(wait).await;
        Some((Ok(Frame::data(Bytes::from(text?))), steps))
    });
    response
        .body(StreamBody::new(SyncStream(Box::pin(steps))).boxed())
        .unwrap()
}

/// `BoxBody` wants `Sync`; a body is polled from one place at a time.
struct SyncStream(std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync>>);

impl futures_util::Stream for SyncStream {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

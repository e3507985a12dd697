//! The way to a collector: OTLP over HTTP with protobuf, or over gRPC.
//!
//! A gRPC call without streams is one HTTP/2 request whose body is the same protobuf message behind five bytes (gRPC over
//! HTTP/2, "Requests"), so that one small client does both. No redirect is followed. A collector that fails is told once,
//! and once more when it takes spans again.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_http::{HttpClient, HttpError};
use rustls::RootCertStore;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::fetch;

const CONNECT: Duration = Duration::from_secs(3);
const SEND: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(60);
/// Of a collector's answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// OTLP 1, "OTLP/HTTP Default Port".
const HTTP_PORT: u16 = 4318;

/// How an `otlp` URL is spoken to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transport {
    Grpc(String),
    Http(String),
}

/// Batches that were sent, and that were not.
#[derive(Debug, Default)]
pub struct Sent {
    pub taken: AtomicU64,
    pub failed: AtomicU64,
}

impl Transport {
    /// A URL with a path is OTLP/HTTP at that path (with `/v1/traces` behind it, unless it stands there); so is port 4318.
    /// All else is gRPC, whose port by convention is 4317.
    pub fn of(url: &str) -> Result<Self, String> {
        let wrong = || format!("`gateway.telemetry.otlp`: `{url}` is no http or https URL of a collector");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        let path = uri.path().trim_end_matches('/');
        let base = format!("{scheme}://{authority}");
        Ok(if path.is_empty() && authority.port_u16() != Some(HTTP_PORT) {
            Self::Grpc(base + GRPC_PATH)
        } else if path.ends_with("/v1/traces") {
            Self::Http(base + path)
        } else {
            Self::Http(base + path + "/v1/traces")
        })
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Grpc(url) | Self::Http(url) => url,
        }
    }
}

pub(super) struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    is_grpc: bool,
    /// The thread that sends is none of the runtime's.
    runtime: Handle,
    sent: Arc<Sent>,
    failing: Arc<AtomicBool>,
}

impl Collector {
    pub(super) fn new(transport: &Transport, roots: &Arc<RootCertStore>, sent: Arc<Sent>) -> Result<Self, String> {
        let is_grpc = matches!(transport, Transport::Grpc(_));
        let tls = fetch::tls(roots)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let connector = if is_grpc {
            https.enable_http2().wrap_connector(tcp)
        } else {
            https.enable_http1().wrap_connector(tcp)
        };
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .http2_only(is_grpc)
                .build(connector),
            is_grpc,
            runtime: Handle::current(),
            sent,
            failing: Arc::new(AtomicBool::new(false)),
        })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("is_grpc", &self.is_grpc)
            .finish_non_exhaustive()
    }
}

impl HttpClient for Collector {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let (client, is_grpc) = (self.client.clone(), self.is_grpc);
        let sending = async move {
            let request = if is_grpc {
                framed(request)
            } else {
                request.map(Full::new)
            };
            let answered = timeout(SEND, exchange(client, request)).await;
            match answered.unwrap_or_else(|_| Err("it does not answer in time".into())) {
                Ok((parts, body)) if is_grpc => grpc_answer(parts, &body),
                Ok((parts, body)) => Ok(Response::from_parts(parts, body)),
                Err(error) => Err(error),
            }
        };
        let sending = self.runtime.spawn(sending);
        let (sent, failing) = (Arc::clone(&self.sent), Arc::clone(&self.failing));
        Box::pin(async move {
            let answered = sending.await.unwrap_or_else(|error| Err(error.into()));
            let problem = match &answered {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!("it answers {}", answer.status())),
                Err(error) => Some(crate::text::causes(&**error)),
            };
            match problem {
                None => {
                    sent.taken.fetch_add(1, Ordering::Relaxed);
                    if failing.swap(false, Ordering::Relaxed) {
                        tracing::info!("the collector of traces takes spans again");
                    }
                }
                Some(problem) => {
                    sent.failed.fetch_add(1, Ordering::Relaxed);
                    if !failing.swap(true, Ordering::Relaxed) {
                        let problem = &*crate::text::safe(&problem);
                        tracing::warn!(
                            problem,
                            "the collector of traces takes no spans: they are dropped, calls go on"
                        );
                    }
                }
            }
            answered
        })
    }
}

type Answer = (http::response::Parts, Bytes);

async fn exchange(
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answer, HttpError> {
    let (mut parts, body) = client.request(request).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await?;
    // Where a gRPC call failed is said behind its body.
    if let Some(trailers) = body.trailers() {
        parts.headers.extend(trailers.clone());
    }
    Ok((parts, body.to_bytes()))
}

fn framed(request: Request<Bytes>) -> Request<Full<Bytes>> {
    let (mut parts, message) = request.into_parts();
    parts.version = http::Version::HTTP_2;
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    parts.headers.insert(TE, HeaderValue::from_static("trailers"));
    let mut body = BytesMut::with_capacity(message.len() + 5);
    // Not compressed, then the length.
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.extend_from_slice(&message);
    Request::from_parts(parts, Full::new(body.freeze()))
}

/// The message of a gRPC answer, or its status as an error.
fn grpc_answer(mut parts: http::response::Parts, body: &Bytes) -> Result<Response<Bytes>, HttpError> {
    if !parts.status.is_success() {
        return Ok(Response::from_parts(parts, Bytes::new()));
    }
    let text = |headers: &HeaderMap, name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    match text(&parts.headers, "grpc-status").as_str() {
        "0" => {
            let message = if body.len() >= 5 { body.slice(5..) } else { Bytes::new() };
            Ok(Response::from_parts(parts, message))
        }
        // Unavailable and resource exhausted may be tried again (OTLP 1, "OTLP/gRPC Response").
        status @ ("14" | "8") => {
            tracing::debug!(status, "the collector of traces is busy");
            parts.status = StatusCode::SERVICE_UNAVAILABLE;
            Ok(Response::from_parts(parts, Bytes::new()))
        }
        status => Err(format!("gRPC status {status}: {}", text(&parts.headers, "grpc-message")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_says_how_the_collector_is_spoken_to() {
        let grpc = |base: &str| Ok(Transport::Grpc(format!("{base}{GRPC_PATH}")));
        let http = |url: &str| Ok(Transport::Http(url.to_owned()));
        assert_eq!(Transport::of("http://127.0.0.1:4317"), grpc("http://127.0.0.1:4317"));
        assert_eq!(
            Transport::of("https://otlp.example.com/"),
            grpc("https://otlp.example.com")
        );
        assert_eq!(
            Transport::of("http://127.0.0.1:4318"),
            http("http://127.0.0.1:4318/v1/traces")
        );
        assert_eq!(
            Transport::of("https://x.example/otlp/"),
            http("https://x.example/otlp/v1/traces")
        );
        assert_eq!(
            Transport::of("https://x.example/custom/v1/traces"),
            http("https://x.example/custom/v1/traces")
        );
        assert!(Transport::of("unix:/run/otlp").is_err());
    }
}

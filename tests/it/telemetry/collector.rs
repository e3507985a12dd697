//! A collector: takes OTLP over HTTP and over gRPC at one address, and reads the protobuf.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tokio::net::TcpListener;

/// What came in a span.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    /// 2: of a request, 3: of a call to a server.
    pub(crate) kind: i32,
    pub(crate) nanos: u64,
    pub(crate) is_error: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) service: String,
}

#[derive(Default)]
struct Taken {
    spans: Vec<Span>,
    /// Paths and content types.
    how: Vec<(String, String)>,
    raw: Vec<u8>,
}

pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Taken::default()));
        let shared = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taken = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&taken)));
                    let _ended = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, taken }
    }

    /// All spans, once there are `count`.
    pub(crate) async fn spans(&self, count: usize) -> Vec<Span> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let spans = self.taken.lock().unwrap().spans.clone();
            if spans.len() >= count {
                return spans;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} spans came: {spans:#?}",
                spans.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn how(&self) -> Vec<(String, String)> {
        self.taken.lock().unwrap().how.clone()
    }

    /// Every byte of every message.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.taken.lock().unwrap().raw.clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    taken: Arc<Mutex<Taken>>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let content_type = parts.headers["content-type"].to_str().unwrap().to_owned();
    let is_grpc = content_type == "application/grpc";
    let message = if is_grpc {
        assert_eq!(parts.headers["te"], "trailers");
        assert_eq!(parts.version, http::Version::HTTP_2);
        assert_eq!(body[0], 0, "not compressed");
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
        assert_eq!(length + 5, body.len());
        body.slice(5..)
    } else {
        body
    };
    let export = ExportTraceServiceRequest::decode(&message[..]).unwrap();
    {
        let mut taken = taken.lock().unwrap();
        taken.raw.extend_from_slice(&message);
        taken.how.push((parts.uri.path().to_owned(), content_type.clone()));
        taken.spans.extend(spans(export));
    }
    // The empty message says that all was taken.
    let mut response = if is_grpc {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let frame = Full::new(Bytes::from_static(&[0; 5]));
        Response::new(frame.with_trailers(async move { Some(Ok(trailers)) }).boxed())
    } else {
        Response::new(Full::new(Bytes::new()).boxed())
    };
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_str(&content_type).unwrap());
    Ok(response)
}

fn spans(export: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in export.resource_spans {
        let of_resource = resource.resource.unwrap().attributes;
        let service = of_resource.into_iter().find(|pair| pair.key == "service.name").unwrap();
        let service = text(service.value.and_then(|value| value.value));
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Span {
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind,
                nanos: span.end_time_unix_nano - span.start_time_unix_nano,
                is_error: span.status.is_some_and(|status| status.code == 2),
                attributes: span
                    .attributes
                    .into_iter()
                    .map(|pair| (pair.key, text(pair.value.and_then(|value| value.value))))
                    .collect(),
                service: service.clone(),
            });
        }
    }
    spans
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("an attribute is {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

//! A client that sends exactly what a test says.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

pub(crate) struct Client {
    http: HyperClient<HttpConnector, Full<Bytes>>,
    url: String,
    headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            http: HyperClient::builder(TokioExecutor::new()).build_http(),
            url: url.into(),
            headers: Vec::new(),
        }
    }

    /// Adds a header to every request.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) async fn send(&self, method: Method, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut request = Request::builder().method(method).uri(&self.url);
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into())).expect("a valid request");
        let (parts, body) = self
            .http
            .request(request)
            .await
            .expect("the gateway answers")
            .into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        let fixed = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let all: Vec<_> = fixed.iter().chain(headers).copied().collect();
        self.send(Method::POST, &all, body.to_string()).await
    }

    /// A request of 2026-07-28 with all that belongs to it.
    pub(crate) async fn modern(&self, method: &str, mut params: Value) -> Answer {
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        let name = params
            .get("name")
            .or(params.get("uri"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if let Some(name) = name
            .as_deref()
            .filter(|_| matches!(method, "tools/call" | "prompts/get" | "resources/read"))
        {
            headers.push(("mcp-name", name));
        }
        self.post(
            &headers,
            &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
        )
        .await
    }

    /// Opens a legacy session and gives its id.
    pub(crate) async fn initialize(&self, version: &str) -> String {
        let params =
            json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}});
        let answer = self
            .post(
                &[],
                &json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}),
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let session = answer.headers["mcp-session-id"]
            .to_str()
            .expect("a visible session id")
            .to_owned();
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(
            self.post(&[("mcp-session-id", &session)], &initialized).await.status,
            202
        );
        session
    }

    /// A request in a legacy session.
    pub(crate) async fn legacy(&self, session: &str, method: &str, params: Value) -> Answer {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post(&[("mcp-session-id", session)], &body).await
    }
}

impl Answer {
    /// The message: the body, or the last event of a stream.
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        serde_json::from_str(last.unwrap_or(&text)).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

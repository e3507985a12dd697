//! A client that sends exactly what a test says.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
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

const FIXED: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];

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
        let (parts, body) = self.start(method, headers, body.into()).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// What answers a modern request, as it comes.
    pub(crate) async fn stream(&self, method: &str, params: Value) -> Incoming {
        let (headers, body) = modern(method, params);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.start(Method::POST, &headers, body.to_string().into()).await;
        assert_eq!(answer.status(), 200);
        answer.into_body()
    }

    /// The first message of a stream that does not end by itself; the stream is closed after it.
    pub(crate) async fn first_event(&self, method: &str, params: Value) -> Value {
        let mut stream = self.stream(method, params).await;
        let mut text = Vec::new();
        while !text.ends_with(b"\n\n") {
            let frame = stream.frame().await.expect("an event").expect("a whole event");
            text.extend(frame.into_data().unwrap_or_default());
        }
        message(&text)
    }

    async fn start(&self, method: Method, headers: &[(&str, &str)], body: Bytes) -> Response<Incoming> {
        let mut request = Request::builder().method(method).uri(&self.url);
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).expect("a valid request");
        self.http.request(request).await.expect("the gateway answers")
    }

    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        let all: Vec<_> = FIXED.iter().chain(headers).copied().collect();
        self.send(Method::POST, &all, body.to_string()).await
    }

    /// A request of 2026-07-28 with all that belongs to it.
    pub(crate) async fn modern(&self, method: &str, params: Value) -> Answer {
        let (headers, body) = modern(method, params);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(Method::POST, &headers, body.to_string()).await
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

    /// The stream of a legacy session.
    pub(crate) async fn feed(&self, method: Method, session: &str) -> Incoming {
        let headers = [("accept", "text/event-stream"), ("mcp-session-id", session)];
        let answer = self.start(method, &headers, Bytes::new()).await;
        assert_eq!(answer.status(), 200);
        answer.into_body()
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
        message(&self.body)
    }
}

/// The names of the tools in the answer to a `tools/list`.
pub(crate) fn listed_tools(answer: &Value) -> Vec<String> {
    let tools = answer["result"]["tools"].as_array();
    let tools = tools.unwrap_or_else(|| panic!("{answer}"));
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The headers and the body of a request of 2026-07-28. Capabilities in `params` stay as they are.
fn modern(method: &str, mut params: Value) -> (Vec<(&'static str, String)>, Value) {
    let meta = &mut params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    if meta.get("io.modelcontextprotocol/clientCapabilities").is_none() {
        meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
    }
    let mut headers: Vec<_> = FIXED.map(|(name, value)| (name, value.to_owned())).into();
    headers.push(("mcp-protocol-version", "2026-07-28".to_owned()));
    headers.push(("mcp-method", method.to_owned()));
    let named = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => "",
    };
    if let Some(name) = params.get(named).and_then(Value::as_str) {
        headers.push(("mcp-name", name.to_owned()));
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    (headers, body)
}

fn message(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(last.unwrap_or(&text)).unwrap_or_else(|error| panic!("{error}: {text}"))
}

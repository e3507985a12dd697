//! Messages over HTTP: headers, sessions, answers as JSON or as a stream of events.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{Address, ClientError};
use crate::control::http::{Answer, HttpError, Target, send};
use crate::mcp::param_headers::ParamHeaders;
use crate::mcp::{Era, Version, envelope, header, sse};
use crate::text::safe;

/// The largest answer, or event of one, that is taken.
const LONGEST: usize = 64 * 1024 * 1024;

/// How much of an error page is shown.
const SHOWN: usize = 200;

pub(super) struct Exchange {
    target: Target,
    path: String,
    token: Option<HeaderValue>,
    session: Option<HeaderValue>,
    deadline: Instant,
}

/// The messages that answer one request.
pub(super) struct Replies {
    answer: Option<Answer>,
    /// `None`: one JSON document.
    events: Option<sse::Parser>,
}

pub(super) enum Replied {
    Result(Map<String, Value>),
    News(Map<String, Value>),
    Question { id: Value, method: String },
}

impl Exchange {
    pub(super) fn new(address: &Address, token: Option<&str>, deadline: Instant) -> Result<Self, ClientError> {
        let token = token.map(bearer).transpose()?;
        Ok(Self {
            target: address.url.target.clone(),
            path: address.url.path.clone(),
            token,
            session: None,
            deadline,
        })
    }

    /// Sends a request; the answers come from what is returned.
    pub(super) async fn ask(
        &mut self,
        message: &Value,
        method: &str,
        name: Option<&str>,
        arguments: Option<&ParamHeaders>,
        version: Version,
    ) -> Result<Replies, ClientError> {
        let mut headers = self.headers();
        match version.era() {
            Era::Modern => {
                headers.insert(
                    &header::MCP_PROTOCOL_VERSION,
                    HeaderValue::from_static(version.as_str()),
                );
                headers.insert(&header::MCP_METHOD, header::encode(method));
                if let Some(name) = name {
                    headers.insert(&header::MCP_NAME, header::encode(name));
                }
                if let Some(arguments) = arguments {
                    headers.extend(mirrored(arguments, message));
                }
            }
            // The handshake itself agrees on the version.
            Era::Legacy if method == "initialize" => {}
            Era::Legacy => self.add_session(&mut headers, version),
        }
        let answer = self.post(message, headers).await?;
        if method == "initialize" && answer.status.is_success() {
            self.session = answer.headers.get(&header::MCP_SESSION_ID).cloned();
        }
        Replies::of(answer).await
    }

    /// Sends a notification or an answer; nothing comes back.
    pub(super) async fn tell(&self, message: &Value, version: Version) -> Result<(), ClientError> {
        let mut headers = self.headers();
        self.add_session(&mut headers, version);
        let answer = self.post(message, headers).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(refused(answer).await)
        }
    }

    /// No capability was declared, so `ping` is all that a server may ask.
    pub(super) async fn answer(&self, id: Value, method: &str, version: Version) -> Result<(), ClientError> {
        let message = if method == "ping" {
            json!({ "jsonrpc": "2.0", "id": id, "result": {} })
        } else {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "method not found" } })
        };
        self.tell(&message, version).await
    }

    pub(super) async fn end_session(&self) {
        let Some(session) = &self.session else { return };
        let mut headers = self.headers();
        headers.insert(&header::MCP_SESSION_ID, session.clone());
        let soon = self.deadline.min(Instant::now() + std::time::Duration::from_secs(2));
        // A server need not let clients end sessions (405), and it forgets idle ones by itself.
        let _ = send(
            &self.target,
            Method::DELETE,
            &self.path,
            headers,
            bytes::Bytes::new(),
            soon,
        )
        .await;
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        headers
    }

    fn add_session(&self, headers: &mut HeaderMap, version: Version) {
        if version >= Version::V2025_06_18 {
            headers.insert(
                &header::MCP_PROTOCOL_VERSION,
                HeaderValue::from_static(version.as_str()),
            );
        }
        if let Some(session) = &self.session {
            headers.insert(&header::MCP_SESSION_ID, session.clone());
        }
    }

    async fn post(&self, message: &Value, mut headers: HeaderMap) -> Result<Answer, HttpError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        send(
            &self.target,
            Method::POST,
            &self.path,
            headers,
            message.to_string().into(),
            self.deadline,
        )
        .await
    }
}

impl Replies {
    async fn of(answer: Answer) -> Result<Self, ClientError> {
        if answer.status != StatusCode::OK {
            return Err(refused(answer).await);
        }
        let events = match answer.media_type().as_str() {
            "application/json" => None,
            "text/event-stream" => Some(sse::Parser::new(LONGEST)),
            other => return Err(ClientError::Protocol(format!("it answers with `{}`", safe(other)))),
        };
        Ok(Self {
            answer: Some(answer),
            events,
        })
    }

    /// `None`: there are no more.
    pub(super) async fn next(&mut self) -> Result<Option<Replied>, ClientError> {
        let Some(events) = &mut self.events else {
            let Some(answer) = self.answer.take() else {
                return Ok(None);
            };
            return read(&answer.whole(LONGEST).await?);
        };
        loop {
            for event in events.by_ref() {
                let event = event.map_err(|_| HttpError::TooLarge(LONGEST))?;
                // An event without data only says where to go on.
                if event.data.is_empty() {
                    continue;
                }
                if let Some(replied) = read(&event.data)? {
                    return Ok(Some(replied));
                }
            }
            let Some(answer) = &mut self.answer else {
                return Ok(None);
            };
            match answer.chunk().await? {
                Some(chunk) => events.feed(chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Arguments that the tool wants as headers too (MCP 2026-07-28, `x-mcp-header`).
fn mirrored(arguments: &ParamHeaders, message: &Value) -> Vec<(HeaderName, HeaderValue)> {
    let body = message.to_string();
    let read = envelope::read(body.as_bytes());
    let span = read
        .ok()
        .and_then(|message| message.params)
        .and_then(|params| params.arguments);
    arguments.make(body.as_bytes(), span)
}

fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| ClientError::Protocol("the token has characters that no header carries".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// `None` for a message that is nothing to us.
fn read(bytes: &[u8]) -> Result<Option<Replied>, ClientError> {
    let Ok(Value::Object(mut message)) = serde_json::from_slice(bytes) else {
        return Err(ClientError::Protocol("a message is not a JSON object".to_owned()));
    };
    if let Some(error) = message.get("error") {
        return Err(ClientError::rpc(200, error));
    }
    match message.remove("result") {
        Some(Value::Object(result)) => return Ok(Some(Replied::Result(result))),
        Some(_) => return Err(ClientError::Protocol("a result is not a JSON object".to_owned())),
        None => {}
    }
    let method = message.get("method").and_then(Value::as_str).map(str::to_owned);
    Ok(method.map(|method| match message.remove("id") {
        Some(id) => Replied::Question { id, method },
        None => Replied::News(message),
    }))
}

/// The error that a refusing answer carries: JSON-RPC where it is, else its first words.
async fn refused(answer: Answer) -> ClientError {
    let status = answer.status.as_u16();
    let body = match answer.whole(64 * 1024).await {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    if let Ok(message) = serde_json::from_slice::<Value>(&body)
        && let Some(error) = message.get("error").filter(|error| error.is_object())
    {
        return ClientError::rpc(status, error);
    }
    let text = String::from_utf8_lossy(&body);
    let shown: String = text.trim().chars().take(SHOWN).collect();
    ClientError::Status {
        status,
        body: safe(&shown).into_owned(),
    }
}

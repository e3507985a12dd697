//! A server over Streamable HTTP.
//!
//! Everything that is the same for all requests is made once: the address, the headers, the client with its pool.

mod answer;
mod client;
mod events;
mod greet;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

pub(super) use greet::connect;

use crate::fetch::Reach;
use crate::mcp::header::{LAST_EVENT_ID, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, MCP_SESSION_ID, encode};
use crate::mcp::{Era, Method, Version};
use crate::snapshot::{Auth, Transport};
use crate::text::causes;
use crate::upstream::call::Reply;
use crate::upstream::conversation::{Attempt, Conversation};
use crate::upstream::core::Core;
use crate::upstream::credentials::Challenge;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::Greeting;
use crate::upstream::http::client::{Client, Outbody};
use crate::upstream::request::Outgoing;
use crate::upstream::settings::{Context, Secret, Settings, SettingsError};
use crate::upstream::ticket::{Cancel, Ticket};

/// For the end of a session: nobody waits for it.
const FAREWELL: Duration = Duration::from_secs(3);

/// Headers that the gateway alone sets.
const RESERVED: &[&str] = &[
    "accept",
    "connection",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "trailer",
    "upgrade",
];

#[derive(Debug)]
pub(super) struct Server {
    client: Client,
    uri: Uri,
    /// Of every request: those of the table and the credential.
    base: HeaderMap,
    /// Of every POST: `base`, `Accept`, `Content-Type`.
    post: HeaderMap,
    /// `token-header`.
    token_header: Option<HeaderName>,
}

/// A legacy session, or merely what a modern server said of itself.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) greeting: Greeting,
    pub(super) stamp: Stamp,
    lost: Arc<AtomicBool>,
    /// The GET stream of a legacy session.
    _stream: Option<AbortOnDropHandle<()>>,
}

/// What every request of a session carries.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    pub(super) id: Option<HeaderValue>,
    /// `None` before the greeting, and in 2025-03-26, which has no such header.
    version: Option<HeaderValue>,
    era: Era,
}

impl Server {
    pub(super) fn new(settings: &Settings, context: &Context) -> Result<Self, SettingsError> {
        let error = |problem: String| SettingsError {
            server: settings.name.clone(),
            problem,
        };
        let Transport::Http {
            url,
            allow_private_network,
            ..
        } = &settings.server.transport
        else {
            return Err(error("not a server with a `url`".into()));
        };
        let uri: Uri = url
            .parse()
            .map_err(|why| error(format!("`url` is no address: {why}")))?;
        if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(error("`url` must be http or https, with a host".into()));
        }
        let base = base_headers(settings).map_err(error)?;
        let token_header = settings
            .server
            .auth
            .as_ref()
            .and_then(|auth| auth.token_header.as_ref());
        let token_header = token_header.map(|name| {
            HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| error(format!("`token-header`: `{name}` is no name of a header")))
        });
        let token_header = token_header.transpose()?;
        let mut post = base.clone();
        post.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        post.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self {
            client: client::build(
                settings.ca.as_deref(),
                &context.roots,
                Reach::of(url, *allow_private_network),
            )
            .map_err(error)?,
            uri,
            base,
            post,
            token_header,
        })
    }

    /// One request of a client, or of the gateway.
    pub(super) async fn call(
        &self,
        conversation: &Arc<Conversation>,
        stamp: &Stamp,
        outgoing: Outgoing,
    ) -> Result<Reply, Attempt> {
        let core = &conversation.core;
        let mut headers = self.stamped(stamp);
        if stamp.era == Era::Modern {
            headers.insert(MCP_METHOD.clone(), method_value(&outgoing.method));
            if let Some(name) = &outgoing.name {
                headers.insert(MCP_NAME.clone(), encode(name));
            }
        }
        headers.extend(
            outgoing
                .headers
                .into_iter()
                .filter(|(name, _)| !self.base.contains_key(name)),
        );
        // Before anything is sent: whoever drops this future has a call in flight to cancel.
        let cancel = (stamp.era == Era::Legacy && outgoing.cancel_on_drop && outgoing.method != Method::Initialize)
            .then(|| Cancel::Http {
                id: outgoing.id,
                stamp: stamp.clone(),
            });
        let ticket = Ticket::new(conversation, cancel, outgoing.link.is_some());
        let request = self.request(http::Method::POST, headers, outgoing.pieces);
        let response = match self.send(core, request, outgoing.deadline).await {
            Ok(response) => response,
            Err(failure) => {
                if failure.kind == FailureKind::Unreachable {
                    // Nothing was sent.
                    ticket.done();
                }
                return Err(Attempt::Failed(failure));
            }
        };
        // MCP 2025-11-25, Session Management: 404 to a request with a session id means that the session is over.
        if response.status() == StatusCode::NOT_FOUND && stamp.id.is_some() {
            ticket.done();
            return Err(Attempt::Lost);
        }
        let bounds = answer::Bounds {
            deadline: outgoing.deadline,
            limit: outgoing.limit,
        };
        answer::read(conversation, stamp, response, bounds, ticket)
            .await
            .map_err(Attempt::Failed)
    }

    /// A notification or a response: the server accepts it and answers nothing.
    pub(super) async fn tell(&self, core: &Core, stamp: &Stamp, message: Bytes) -> Result<(), Failure> {
        let request = self.request(http::Method::POST, self.stamped(stamp), vec![message]);
        let response = self.send(core, request, core.deadline()).await?;
        let status = response.status();
        answer::discard(response.into_body()).await;
        if status.is_success() {
            return Ok(());
        }
        Err(core.failure(
            FailureKind::Protocol,
            format!("the server refused a message: HTTP {status}"),
        ))
    }

    /// DELETE; a server may answer 405 and end the session when it likes.
    pub(super) async fn end(&self, core: &Core, session: &Session) {
        session.lost.store(true, Ordering::Release);
        if session.stamp.id.is_none() {
            return;
        }
        let mut headers = self.base.clone();
        session.stamp.write(&mut headers);
        let request = self.request(http::Method::DELETE, headers, Vec::new());
        let farewell = async {
            if let Ok(response) = self.send(core, request, core.deadline()).await {
                answer::discard(response.into_body()).await;
            }
        };
        let _late = timeout(FAREWELL, farewell).await;
    }

    /// GET of an event stream, from behind the event `last` where it is given.
    async fn get(
        &self,
        core: &Core,
        stamp: &Stamp,
        last: Option<&Bytes>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        let mut headers = self.base.clone();
        stamp.write(&mut headers);
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(last) = last.and_then(|last| HeaderValue::from_bytes(last).ok()) {
            headers.insert(LAST_EVENT_ID.clone(), last);
        }
        self.send(core, self.request(http::Method::GET, headers, Vec::new()), deadline)
            .await
    }

    fn stamped(&self, stamp: &Stamp) -> HeaderMap {
        let mut headers = self.post.clone();
        stamp.write(&mut headers);
        headers
    }

    fn request(&self, method: http::Method, headers: HeaderMap, body: Vec<Bytes>) -> Request<Outbody> {
        let mut request = Request::new(Outbody::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }

    /// Returns when the answer's head is here. A credential that does not stand in the table is put in; where the server
    /// refuses it and there is another one, the request goes out again: a refused one was not executed.
    async fn send(
        &self,
        core: &Core,
        request: Request<Outbody>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        let Some(holder) = &core.credential else {
            return self.send_once(core, request, deadline).await;
        };
        let late = |_| core.failure(FailureKind::Timeout, "no token could be had in time");
        let mut attempt = 0;
        loop {
            let token = timeout_at(deadline, holder.token()).await.map_err(late)??;
            let (name, value) = self
                .authorization(&token.value)
                .map_err(|why| core.failure(FailureKind::NotConnected, why))?;
            let mut again = request_again(&request);
            again.headers_mut().insert(name, value);
            let response = self.send_once(core, again, deadline).await?;
            let Some(challenge) = Challenge::of(response.status(), response.headers()) else {
                return Ok(response);
            };
            answer::discard(response.into_body()).await;
            timeout_at(deadline, Box::pin(holder.refused(&token, &challenge, attempt)))
                .await
                .map_err(late)??;
            attempt += 1;
        }
    }

    /// `Authorization: Bearer`, or as `token-header` says.
    fn authorization(&self, token: &Secret) -> Result<(HeaderName, HeaderValue), &'static str> {
        let wrong = "the token cannot stand in a header";
        Ok(match &self.token_header {
            None => (
                AUTHORIZATION,
                secret_value(&format!("Bearer {}", token.expose())).ok_or(wrong)?,
            ),
            Some(name) => (name.clone(), secret_value(token.expose()).ok_or(wrong)?),
        })
    }

    async fn send_once(
        &self,
        core: &Core,
        request: Request<Outbody>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        match timeout_at(deadline, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                let kind = if error.is_connect() {
                    FailureKind::Unreachable
                } else {
                    FailureKind::Ended
                };
                let failure = core.failure(kind, causes(&error));
                if kind == FailureKind::Unreachable {
                    core.health.failed(&failure);
                }
                core.suspect();
                Err(failure)
            }
            Err(_) => Err(core.failure(FailureKind::Timeout, "no answer in time")),
        }
    }
}

impl Stamp {
    pub(super) fn ungreeted() -> Self {
        Self {
            id: None,
            version: None,
            era: Era::Legacy,
        }
    }

    pub(super) fn of(version: Version, id: Option<HeaderValue>) -> Self {
        Self {
            id,
            // 2025-03-26 has no such header, and some of its servers refuse what they do not know.
            version: (version != Version::V2025_03_26).then(|| HeaderValue::from_static(version.as_str())),
            era: version.era(),
        }
    }

    fn write(&self, headers: &mut HeaderMap) {
        if let Some(version) = &self.version {
            headers.insert(MCP_PROTOCOL_VERSION.clone(), version.clone());
        }
        if let Some(id) = &self.id {
            headers.insert(MCP_SESSION_ID.clone(), id.clone());
        }
    }
}

impl Session {
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

fn base_headers(settings: &Settings) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.values {
        let header =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`headers.{name}` is no name of a header"))?;
        if RESERVED.contains(&header.as_str()) || [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&header) {
            return Err(format!("`headers.{name}`: the gateway sets this header itself"));
        }
        let value = secret_value(value.expose())
            .ok_or_else(|| format!("the value of `headers.{name}` cannot stand in a header"))?;
        headers.insert(header, value);
    }
    let Some(auth) = &settings.server.auth else {
        return Ok(headers);
    };
    if let (Auth::Bearer { .. }, Some(token)) = (&auth.auth, &settings.token) {
        let (name, text) = match &auth.token_header {
            None => (AUTHORIZATION, format!("Bearer {}", token.expose())),
            Some(name) => {
                let header = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("`token-header`: `{name}` is no name of a header"))?;
                (header, token.expose().to_owned())
            }
        };
        headers.insert(
            name,
            secret_value(&text).ok_or("the value of `token` cannot stand in a header")?,
        );
    }
    Ok(headers)
}

/// The same once more; the bytes are shared.
fn request_again(request: &Request<Outbody>) -> Request<Outbody> {
    let mut again = Request::new(request.body().clone());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    again
}

fn secret_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text.trim_end_matches(['\r', '\n'])).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The common ones without an allocation.
fn method_value(method: &Method) -> HeaderValue {
    match method {
        Method::ToolsCall => HeaderValue::from_static("tools/call"),
        Method::ToolsList => HeaderValue::from_static("tools/list"),
        Method::PromptsGet => HeaderValue::from_static("prompts/get"),
        Method::ResourcesRead => HeaderValue::from_static("resources/read"),
        other => HeaderValue::from_str(other.as_str()).unwrap_or(HeaderValue::from_static("")),
    }
}

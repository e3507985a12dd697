//! The greeting over HTTP: `server/discover` where the server may be modern, `initialize` where it is not.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::mcp::header::{MCP_METHOD, MCP_SESSION_ID};
use crate::mcp::sse::Parser;
use crate::mcp::{Era, Method, Version};
use crate::upstream::conversation::Conversation;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::{Greeting, Response as Answer};
use crate::upstream::http::answer::{Content, content, discard, small_body};
use crate::upstream::http::events::{is_message, parser};
use crate::upstream::http::{Server, Session, Stamp, method_value, stream};
use crate::upstream::peek::{Peek, peek};
use crate::upstream::probe::{Verdict, of_http};
use crate::upstream::request::{INITIALIZED, Outgoing, initialize_params};

/// Greets the server in the era that it is known for, or finds out.
pub(in crate::upstream) async fn connect(
    conversation: &Arc<Conversation>,
    server: &Server,
    deadline: Instant,
) -> Result<Session, Failure> {
    let core = &conversation.core;
    let fixed = core.settings.server.protocol;
    match core.known_version().map(Version::era) {
        Some(Era::Legacy) => initialize(conversation, server, None, deadline).await,
        Some(Era::Modern) => match discover(conversation, server, deadline).await? {
            Verdict::Modern(greeting) => Ok(modern(greeting)),
            Verdict::Unauthorized => Err(unauthorized(conversation)),
            Verdict::NoEvidence(why) => Err(core.failure(FailureKind::Unreachable, why)),
            // The table says so: it is spoken to as it is written there, whatever its `server/discover` is worth.
            Verdict::PerhapsModern if fixed.is_some() => Ok(modern(Greeting::unasked(Version::NEWEST))),
            verdict if fixed.is_some() => {
                let detail = format!(
                    "`protocol` says {}, the server does not speak it: {}",
                    Version::NEWEST,
                    words(&verdict)
                );
                Err(core.failure(FailureKind::Protocol, detail))
            }
            // It came back as a legacy server.
            Verdict::Legacy(version) => initialize(conversation, server, version, deadline).await,
            verdict => Err(core.failure(FailureKind::Protocol, words(&verdict))),
        },
        None => probe(conversation, server, deadline).await,
    }
}

async fn probe(conversation: &Arc<Conversation>, server: &Server, deadline: Instant) -> Result<Session, Failure> {
    let core = &conversation.core;
    let mut verdict = discover(conversation, server, deadline).await?;
    if verdict == Verdict::PerhapsModern {
        verdict = discover(conversation, server, deadline).await?;
    }
    tracing::debug!(server = %core.name(), verdict = words(&verdict), "asked for its era");
    match verdict {
        Verdict::Modern(greeting) => Ok(modern(greeting)),
        Verdict::Legacy(version) => initialize(conversation, server, version, deadline).await,
        Verdict::PerhapsModern => match initialize(conversation, server, None, deadline).await {
            Err(failure) if failure.kind == FailureKind::Protocol => {
                let detail = format!(
                    "`server/discover` is refused as malformed, and so is `initialize`: {}",
                    failure.detail
                );
                Err(core.failure(FailureKind::Protocol, detail))
            }
            other => other,
        },
        Verdict::Stranger(_) => Err(core.failure(FailureKind::Protocol, words(&verdict))),
        Verdict::NoEvidence(why) => Err(core.failure(FailureKind::Unreachable, why)),
        Verdict::Unauthorized => Err(unauthorized(conversation)),
    }
}

async fn discover(conversation: &Arc<Conversation>, server: &Server, deadline: Instant) -> Result<Verdict, Failure> {
    let core = &conversation.core;
    let outgoing = Outgoing::own(core, Era::Modern, Method::Discover, "", deadline);
    let mut headers = server.stamped(&Stamp::of(Version::NEWEST, None));
    headers.insert(MCP_METHOD.clone(), method_value(&Method::Discover));
    let response = server
        .send(
            core,
            server.request(http::Method::POST, headers, outgoing.pieces),
            deadline,
        )
        .await?;
    let status = response.status();
    let message = message(response, core.settings.limits.response_body, deadline).await;
    Ok(of_http(status, message.as_ref()))
}

async fn initialize(
    conversation: &Arc<Conversation>,
    server: &Server,
    offered: Option<Version>,
    deadline: Instant,
) -> Result<Session, Failure> {
    let core = &conversation.core;
    let protocol = |detail: String| core.failure(FailureKind::Protocol, detail);
    let version = conversation.legacy_version(offered);
    let params = initialize_params(version, &conversation.profile.capabilities);
    let outgoing = Outgoing::own(core, Era::Legacy, Method::Initialize, &params, deadline);
    let headers = server.stamped(&Stamp::ungreeted());
    let response = server
        .send(
            core,
            server.request(http::Method::POST, headers, outgoing.pieces),
            deadline,
        )
        .await?;
    let (status, id) = (response.status(), response.headers().get(&MCP_SESSION_ID).cloned());
    let kind = response.headers().get(CONTENT_TYPE).cloned();
    let message = message(response, core.settings.limits.response_body, deadline).await;
    let (message, result) = match message.as_ref().and_then(Answer::read) {
        Some(Answer::Result { message, result }) if status.is_success() => (message, result),
        Some(Answer::Error { code, text, .. }) => {
            return Err(protocol(format!("`initialize` was refused: {code} {text}")));
        }
        _ => return Err(refused(conversation, status, kind.as_ref())),
    };
    let greeting = Greeting::of_initialize(&message, result).map_err(protocol)?;
    let stamp = Stamp::of(greeting.version, id);
    server.tell(core, &stamp, Bytes::from_static(INITIALIZED)).await?;
    let lost = Arc::new(AtomicBool::new(false));
    // A client's session without a listener has no use for the stream; the gateway's own listens for changes.
    let listens = conversation.has_sink() || !conversation.exclusive;
    Ok(Session {
        greeting,
        _stream: listens.then(|| stream::open(conversation, &stamp, &lost)),
        stamp,
        lost,
    })
}

fn refused(conversation: &Conversation, status: StatusCode, kind: Option<&HeaderValue>) -> Failure {
    let core = &conversation.core;
    let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("none");
    let detail = format!(
        "HTTP {status}, content type `{}`, in answer to `initialize`",
        crate::text::safe(kind)
    );
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => core.failure(FailureKind::Unauthorized, detail),
        status if status.is_server_error() => core.failure(FailureKind::Unreachable, detail),
        _ => core.failure(FailureKind::Protocol, detail),
    }
}

fn modern(greeting: Greeting) -> Session {
    Session {
        stamp: Stamp::of(greeting.version, None),
        greeting,
        lost: Arc::new(AtomicBool::new(false)),
        _stream: None,
    }
}

fn unauthorized(conversation: &Conversation) -> Failure {
    conversation.core.failure(
        FailureKind::Unauthorized,
        "HTTP 401 or 403 in answer to `server/discover`",
    )
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Modern(_) => "modern".into(),
        Verdict::PerhapsModern => "perhaps modern".into(),
        Verdict::Legacy(_) => "legacy".into(),
        Verdict::Stranger(spoken) => format!("no revision in common with the gateway: {spoken}"),
        Verdict::NoEvidence(why) => why.clone(),
        Verdict::Unauthorized => "unauthorized".into(),
    }
}

/// The JSON-RPC response in an answer of either kind; a body that is no JSON comes as it is.
async fn message(response: Response<Incoming>, limit: u64, deadline: Instant) -> Option<Bytes> {
    match content(response.headers()) {
        Content::Json | Content::Other => small_body(response.into_body(), deadline).await,
        Content::Events => {
            let mut body = response.into_body();
            let mut parser: Parser = parser(limit);
            let read = async {
                while let Some(Ok(frame)) = body.frame().await {
                    let Ok(data) = frame.into_data() else { continue };
                    parser.feed(data);
                    while let Some(Ok(event)) = parser.next() {
                        if is_message(&event) && peek(&event.data) == Peek::Response {
                            return Some(event.data);
                        }
                    }
                }
                None
            };
            let found = tokio::time::timeout_at(deadline, read).await.ok().flatten();
            discard(body).await;
            found
        }
    }
}

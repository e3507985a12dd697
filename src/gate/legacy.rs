//! What only legacy clients send: handshake, session end, notifications, answers to servers' requests, batches.

use std::sync::Arc;

use ::http::{HeaderMap, Response, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;

use crate::gate::body::Body;
use crate::gate::discover;
use crate::gate::error::Error;
use crate::gate::exchange::{self, Exchange, Request, accepted, event_response, json_response, slice};
use crate::gate::level::Level;
use crate::gate::record::client_name;
use crate::gate::session::{Found, Owner, Seed, Session, Unsaved};
use crate::mcp::edit::Edits;
use crate::mcp::envelope::{self, Kind, Message};
use crate::mcp::error::code;
use crate::mcp::header::{MCP_PROTOCOL_VERSION, MCP_SESSION_ID};
use crate::mcp::json::string;
use crate::mcp::{Era, Method, Version, sse};

/// Of one client: they are kept as long as its session, in the store where they are too long for its id.
const MAX_CAPABILITIES: usize = 16 << 10;

/// The session that the request names: 400 without one, 404 for one that is not (or no longer) this caller's.
pub(super) async fn session(request: &Request, headers: &HeaderMap) -> Result<Arc<Session>, Error> {
    let id = headers.get(&MCP_SESSION_ID).ok_or_else(|| {
        Error::bad_request(
            code::INVALID_REQUEST,
            "send `Mcp-Session-Id` as given by `initialize`, or a claim of 2026-07-28 in `_meta`",
        )
    })?;
    let gone = || Error::not_found("there is no such session: send `initialize` again");
    let id = id.to_str().map_err(|_| gone())?;
    let principal = &request.identity.caller.principal;
    match request.gate.sessions.find(id, principal, &request.endpoint) {
        Found::Here(session) => Ok(session),
        Found::Gone => Err(gone()),
        Found::Unknown => Box::pin(revive(request, id)).await?.ok_or_else(gone),
    }
}

async fn revive(request: &Request, id: &str) -> Result<Option<Arc<Session>>, Error> {
    let gate = &request.gate;
    let ended = gate.auth.sessions_ended_until(&request.identity.caller.principal);
    let max = request.generation.snapshot.gateway.limits.sessions_per_principal;
    let revived = gate.sessions.revive(id, owner(request), ended, max).await;
    revived.map_err(unsaved)
}

fn owner(request: &Request) -> Owner {
    Owner {
        principal: request.identity.caller.principal.clone(),
        endpoint: request.endpoint.clone(),
        account: request.identity.account(request.peer),
    }
}

/// What the client is told of what could not be saved.
pub(super) fn unsaved(why: Unsaved) -> Error {
    match why {
        Unsaved::Ended => Error::not_found("there is no such session: send `initialize` again"),
        Unsaved::TooOften => Error::too_many("too many sessions of this caller have set something", 60),
        Unsaved::TooMuch => Error::invalid_params("this session has set too much"),
        Unsaved::Store(detail) => Error::unavailable("sessions cannot be looked up now", 5).with_detail(detail),
    }
}

/// Begins a session. The version asked for where it is a legacy one that we speak, else the newest of those.
pub(super) async fn initialize(
    request: &Request,
    body: &Bytes,
    message: &Message,
    id: &Bytes,
) -> Result<Response<Body>, Error> {
    let params = message.params.as_ref();
    let asked = params
        .and_then(|params| params.protocol_version)
        .and_then(|span| string(body, span));
    let Some(asked) = asked else {
        return Err(Error::invalid_params("`initialize` needs `protocolVersion`, a string"));
    };
    let version = Version::parse(&asked)
        .filter(|version| version.era() == Era::Legacy)
        .unwrap_or(Version::NEWEST_LEGACY);
    let capabilities = params
        .and_then(|params| params.capabilities)
        .filter(|span| body.get(span.start) == Some(&b'{'));
    let capabilities =
        capabilities.ok_or_else(|| Error::invalid_params("`initialize` needs `capabilities`, an object"))?;
    if capabilities.len() > MAX_CAPABILITIES {
        return Err(Error::invalid_params(format!(
            "`capabilities` is longer than {MAX_CAPABILITIES} bytes"
        )));
    }
    let result = discover::initialize_result(request, version).await?;
    let seed = Seed {
        owner: owner(request),
        version,
        // A copy: the session must not keep the whole body alive.
        capabilities: Bytes::copy_from_slice(&body[capabilities.start..capabilities.end]),
        client: params
            .and_then(|params| params.client_info)
            .and_then(|info| client_name(body, info, request.generation.cover())),
    };
    let max = request.generation.snapshot.gateway.limits.sessions_per_principal;
    let session = request.gate.sessions.begin(seed, max).await.map_err(unsaved)?;
    let mut answer = json_response(crate::mcp::error::result(id, result.as_bytes()).into());
    let value = ::http::HeaderValue::from_str(&session.id)
        .map_err(|error| Error::internal("no session can be made").with_detail(error.to_string()))?;
    answer.headers_mut().insert(MCP_SESSION_ID.clone(), value);
    Ok(answer)
}

pub(super) async fn end_session(request: &Request, headers: &HeaderMap) -> Result<Response<Body>, Error> {
    let session = session(request, headers).await?;
    request.gate.sessions.end(&session).await.map_err(unsaved)?;
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    Ok(answer)
}

pub(super) async fn set_level(exchange: &Exchange<'_>) -> Result<Response<Body>, Error> {
    let level = exchange
        .params()
        .and_then(|params| params.level)
        .and_then(|span| string(exchange.body, span));
    let level = level
        .as_deref()
        .and_then(Level::parse)
        .ok_or_else(|| Error::invalid_params("`level` is not a log level"))?;
    if let Some(session) = exchange.session() {
        let sessions = &exchange.request.gate.sessions;
        let changed = match sessions.change(session, |saved| saved.level = Some(level)).await {
            // Of a caller with very many sessions it counts at this gateway alone.
            Err(Unsaved::TooOften) => session.set_level(level),
            changed => changed.map_err(unsaved)?,
        };
        if changed.is_some() {
            Session::tell_level(session.links(), level).await;
        }
    }
    Ok(exchange.result(b"{}"))
}

/// 202, whatever it is: a notification has no answer. Modern clients have none to send over HTTP.
pub(super) async fn notification(
    request: &Request,
    headers: &HeaderMap,
    body: &Bytes,
    message: &Message,
) -> Result<Response<Body>, Error> {
    let Kind::Notification { method } = &message.kind else {
        return Ok(accepted());
    };
    if message
        .params
        .as_ref()
        .and_then(|params| params.meta.as_ref())
        .is_some_and(|meta| meta.claim.is_some())
    {
        return Ok(accepted());
    }
    let session = session(request, headers).await?;
    match method {
        Method::NotificationCancelled => {
            let id = message
                .params
                .as_ref()
                .and_then(|params| params.request_id)
                .map(|span| slice(body, span));
            if let Some((id, call)) = id.and_then(|id| Some((id.clone(), session.in_flight(&id)?))) {
                call.cancelled.cancel();
                call.link.cancel(&id, None).await;
            }
        }
        Method::NotificationRootsChanged => {
            for link in session.links() {
                if link.version().era() == Era::Legacy {
                    let filter = request.filter(link.server()).in_session(&session);
                    let _lost = link.notify(filter.request.redact(vec![body.clone()])).await;
                }
            }
        }
        _ => {}
    }
    Ok(accepted())
}

/// The client's answer to a request of a server goes to the server that asked, under the server's own id.
pub(super) async fn take_answer(
    request: &Request,
    headers: &HeaderMap,
    body: &Bytes,
    message: &Message,
) -> Result<Response<Body>, Error> {
    if headers
        .get(&MCP_PROTOCOL_VERSION)
        .is_some_and(|value| value.as_bytes() == Version::NEWEST.as_str().as_bytes())
    {
        return Err(Error::bad_request(
            code::INVALID_REQUEST,
            "clients of 2026-07-28 send no responses",
        ));
    }
    let session = session(request, headers).await?;
    let Kind::Response { id: Some(id), .. } = &message.kind else {
        return Err(Error::bad_request(code::INVALID_REQUEST, "the response has no id"));
    };
    let number = std::str::from_utf8(&body[id.start..id.end])
        .ok()
        .and_then(|text| text.parse().ok());
    let Some(pending) = number.and_then(|number: u64| session.answered(number)) else {
        return Err(Error::bad_request(
            code::INVALID_REQUEST,
            "no request with this id awaits an answer",
        ));
    };
    // What may have changed since it was asked: the server hears of this client no more than the client of it.
    let view = request.generation.view(&request.endpoint, &request.identity.rights);
    if !view.is_some_and(|view| view.has_server(pending.link.server())) {
        return Err(Error::bad_request(
            code::INVALID_REQUEST,
            "no request with this id awaits an answer",
        ));
    }
    let mut edits = Edits::default();
    edits.replace(*id, pending.id);
    let mut filter = request.filter(pending.link.server()).in_session(&session);
    let answer = filter.restore(filter.request.redact(edits.apply(body).into_iter().collect()));
    let answered = pending.link.respond(answer).await;
    answered.map_err(|failure| Error::internal(failure.public()).with_detail(failure.detail))?;
    Ok(accepted())
}

/// JSON-RPC batches: received in sessions of 2025-03-26, unknown to every other revision.
///
/// The messages are answered one after the other. Where one of the answers has notifications all go out as events, else as an array.
pub(super) async fn batch(request: &Request, headers: &HeaderMap, body: &Bytes) -> Result<Response<Body>, Error> {
    let refused = || {
        Error::bad_request(
            code::INVALID_REQUEST,
            "an array of messages belongs to sessions of 2025-03-26 only",
        )
    };
    let modern = headers
        .get(&MCP_PROTOCOL_VERSION)
        .is_some_and(|value| value.as_bytes() == Version::NEWEST.as_str().as_bytes());
    if modern
        || !headers.contains_key(&MCP_SESSION_ID)
        || session(request, headers).await?.version != Version::V2025_03_26
    {
        return Err(refused());
    }
    let elements = envelope::read_batch(body)
        .map_err(|_| Error::bad_request(code::INVALID_REQUEST, "the array is empty, too long, or not JSON"))?;
    let mut messages: Vec<Bytes> = Vec::new();
    // All answers are in memory before the first one goes out.
    let mut left = request.generation.snapshot.gateway.limits.response_body;
    for element in elements {
        let part = slice(body, element);
        let message = envelope::read(&part);
        let Ok(message) = message else {
            messages.push(
                Error::bad_request(code::INVALID_REQUEST, "an element of the batch is no JSON-RPC message")
                    .message(None),
            );
            continue;
        };
        if matches!(
            &message.kind,
            Kind::Request {
                method: Method::Initialize,
                ..
            }
        ) {
            return Err(Error::bad_request(
                code::INVALID_REQUEST,
                "`initialize` must not be in a batch",
            ));
        }
        let answers = element_answers(request, headers, &part, &message, left).await?;
        left = left.saturating_sub(answers.iter().map(|answer| answer.len() as u64).sum());
        messages.extend(answers);
    }
    Ok(render_batch(&messages))
}

/// Boxed: a batch answers messages, one of which might (as far as the compiler knows) be a batch.
fn element_answers<'a>(
    request: &'a Request,
    headers: &'a HeaderMap,
    part: &'a Bytes,
    message: &'a Message,
    limit: u64,
) -> BoxFuture<'a, Result<Vec<Bytes>, Error>> {
    Box::pin(async move {
        let (id, outcome) = exchange::answer(request, headers, part, message).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => return Ok(id.map(|id| error.message(Some(&id))).into_iter().collect()),
        };
        let is_stream = answer
            .headers()
            .get(::http::header::CONTENT_TYPE)
            .is_some_and(|value| value == "text/event-stream");
        let limited = http_body_util::Limited::new(answer.into_body(), usize::try_from(limit).unwrap_or(usize::MAX));
        let whole = limited
            .collect()
            .await
            .map_err(|error| Error::internal("an answer broke off").with_detail(error.to_string()))?
            .to_bytes();
        if !is_stream {
            return Ok(if whole.is_empty() { Vec::new() } else { vec![whole] });
        }
        let mut parser = sse::Parser::new(usize::try_from(limit).unwrap_or(usize::MAX));
        parser.feed(whole);
        Ok(std::iter::from_fn(|| parser.next())
            .filter_map(Result::ok)
            .map(|event| event.data)
            .filter(|data| !data.is_empty())
            .collect())
    })
}

fn render_batch(messages: &[Bytes]) -> Response<Body> {
    if messages.is_empty() {
        return accepted();
    }
    let notifies =
        |message: &Bytes| envelope::read(message).is_ok_and(|message| !matches!(message.kind, Kind::Response { .. }));
    let mut out = BytesMut::new();
    if messages.iter().any(notifies) {
        for message in messages {
            sse::write(&mut out, message);
        }
        return event_response(out.freeze().into());
    }
    out.extend_from_slice(b"[");
    for (at, message) in messages.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"" } else { b"," });
        out.extend_from_slice(message);
    }
    out.extend_from_slice(b"]");
    json_response(out.freeze().into())
}

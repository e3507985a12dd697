//! The answer to a POST: one JSON body, an event stream, or a refusal.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

use crate::mcp::{Kind, envelope};
use crate::upstream::call::{JsonBody, Messages, Reply};
use crate::upstream::conversation::Conversation;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::http::Stamp;
use crate::upstream::http::events::Events;
use crate::upstream::ticket::Ticket;

/// Bodies of refusals are read up to here.
const REFUSAL: usize = 256 * 1024;

#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) deadline: Instant,
    pub(super) limit: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Content {
    Events,
    Json,
    Other,
}

pub(super) async fn read(
    conversation: &Arc<Conversation>,
    stamp: &Stamp,
    response: Response<Incoming>,
    bounds: Bounds,
    ticket: Ticket,
) -> Result<Reply, Failure> {
    let core = &conversation.core;
    let status = response.status();
    if !status.is_success() {
        // A refused request is not in flight.
        ticket.done();
        return refusal(conversation, response, bounds).await;
    }
    match content(response.headers()) {
        Content::Json => {
            let body = response.into_body();
            if body.size_hint().lower() > bounds.limit {
                return Err(core.failure(
                    FailureKind::TooLarge,
                    format!("the answer has {} bytes", body.size_hint().lower()),
                ));
            }
            let body = JsonBody::http(body, core.name().clone(), bounds.limit, bounds.deadline, Some(ticket));
            Ok(Reply::Json {
                status: status.as_u16(),
                body,
            })
        }
        Content::Events => {
            let events = Events::new(conversation, stamp, response.into_body(), bounds);
            Messages::new(Box::pin(events), core.name().clone(), bounds.deadline, Some(ticket))
                .into_reply()
                .await
        }
        Content::Other => {
            let kind = response
                .headers()
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("none");
            let detail = format!(
                "HTTP {status} with the content type `{}` in answer to a request",
                crate::text::safe(kind)
            );
            Err(core.failure(FailureKind::Protocol, detail))
        }
    }
}

/// A JSON-RPC error that comes with its proper status is the server's answer; all else is a failure.
async fn refusal(
    conversation: &Arc<Conversation>,
    response: Response<Incoming>,
    bounds: Bounds,
) -> Result<Reply, Failure> {
    let core = &conversation.core;
    let status = response.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(core.failure(FailureKind::Unauthorized, format!("HTTP {status}")));
    }
    if status.is_redirection() {
        let detail = format!("HTTP {status}: redirects are not followed, write the final address as `url`");
        return Err(core.failure(FailureKind::Protocol, detail));
    }
    let is_json = content(response.headers()) == Content::Json;
    let body = small_body(response.into_body(), bounds.deadline)
        .await
        .unwrap_or_default();
    let is_error = is_json
        && matches!(
            envelope::read(&body).map(|message| message.kind),
            Ok(Kind::Response { id: Some(_), .. })
        );
    if is_error {
        let body = JsonBody::ready([body], core.name().clone());
        return Ok(Reply::Json {
            status: status.as_u16(),
            body,
        });
    }
    if status.is_server_error() {
        core.suspect();
    }
    let kind = match status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            FailureKind::Unreachable
        }
        _ => FailureKind::Protocol,
    };
    let start: String = String::from_utf8_lossy(&body).chars().take(200).collect();
    Err(core.failure(kind, format!("HTTP {status}: {}", crate::text::safe(&start))))
}

/// `None`: it did not come in time, or is too large.
pub(super) async fn small_body(body: Incoming, deadline: Instant) -> Option<Bytes> {
    let collected = timeout_at(deadline, Limited::new(body, REFUSAL).collect()).await.ok()?;
    collected.ok().map(http_body_util::Collected::to_bytes)
}

/// Reads the rest, so that the connection can be used again; what is long or slow is not worth it.
pub(super) async fn discard(body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    let _late = timeout(Duration::from_secs(1), Limited::new(body, REFUSAL).collect()).await;
}

/// By the media type alone, whatever its parameters.
pub(super) fn content(headers: &HeaderMap) -> Content {
    let value = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let media = value
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    if media.eq_ignore_ascii_case(b"application/json") {
        Content::Json
    } else if media.eq_ignore_ascii_case(b"text/event-stream") {
        Content::Events
    } else {
        Content::Other
    }
}

//! What goes out: pages, redirects and JSON, each with the headers that belong to it.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

pub type Reply = Response<Bytes>;

/// Nothing is loaded but our own style sheet and icon, nothing runs, nobody frames it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// A page. `and_to` are further places where its forms may lead, as CSP sources: browsers ask it of the redirects after
/// a form too.
pub(super) fn page(status: StatusCode, html: String, and_to: Option<&str>) -> Reply {
    let policy = match and_to {
        None => HeaderValue::from_static(POLICY),
        Some(more) => HeaderValue::try_from(format!("{POLICY} {more}")).unwrap_or(HeaderValue::from_static(POLICY)),
    };
    let mut reply = guarded(status, html.into(), "text/html; charset=utf-8");
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    reply
}

/// 303: what follows is a GET, whatever this was.
pub(super) fn see_other(to: &str) -> Reply {
    let Ok(location) = HeaderValue::try_from(to) else {
        // What leads to a redirect was checked; an address that no header can hold is not followed.
        return guarded(StatusCode::BAD_REQUEST, Bytes::new(), "text/plain");
    };
    let mut reply = guarded(StatusCode::SEE_OTHER, Bytes::new(), "text/plain");
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// JSON that nobody may keep: tokens, errors.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(body).unwrap_or_default();
    guarded(status, body.into(), "application/json")
}

pub(super) fn with_cookie(mut reply: Reply, cookie: Option<HeaderValue>) -> Reply {
    if let Some(cookie) = cookie {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
    reply
}

pub(super) fn retry_after(mut reply: Reply, seconds: u64) -> Reply {
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    reply
}

/// `same-origin`: with `no-referrer`, browsers would send our own forms with `Origin: null`.
fn guarded(status: StatusCode, body: Bytes, media: &'static str) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

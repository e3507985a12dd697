//! The first phase: is this an HTTP request that may be looked at at all?
//!
//! `Host` and `Origin` on every route, then path and method, then the headers of a POST. Nothing here reads a body
//! except [`collect`], which bounds it.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    EXPECT, FORWARDED, HOST, ORIGIN, VARY, VIA,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::gate::body::Body;
use crate::gate::error::Error;
use crate::mcp::error::code;
use crate::snapshot::Gateway;

/// From the head of a request to the end of its body.
const BODY: Duration = Duration::from_secs(60);
/// What is read of a body that nobody wants, in bytes.
const UNREAD: usize = 64 << 10;

/// As nearly every client writes it; every other way of writing is read.
const USUAL_ACCEPT: &[u8] = b"application/json, text/event-stream";

/// Which `Host` and `Origin` values pass, made once a generation.
pub(super) struct Doors {
    /// `public-url`: our own pages may ask too.
    own: String,
    hosts: HashSet<String>,
    origins: HashSet<String>,
    /// A loopback `listen` also answers to loopback names.
    loopback: bool,
}

impl Doors {
    pub(super) fn of(gateway: &Gateway) -> Self {
        Self {
            own: gateway.public_url.clone(),
            hosts: gateway
                .allowed_hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            origins: gateway.allowed_origins.iter().cloned().collect(),
            loopback: gateway.listen.ip().is_loopback(),
        }
    }

    /// DNS rebinding: a foreign name that resolves to this listener must not reach it (MCP 2025-11-25 and 2026-07-28, Streamable HTTP, security).
    pub(super) fn check_host(&self, request: &Parts) -> Result<(), Error> {
        let host = host(request)
            .ok_or_else(|| Error::bad_request(code::INVALID_REQUEST, "the request has no valid `Host` header"))?;
        if (self.loopback && is_loopback_name(host)) || self.hosts.contains(&*host.to_ascii_lowercase()) {
            return Ok(());
        }
        Err(Error::forbidden("this gateway does not answer to that `Host`")
            .with_detail(format!("host `{host}` is not in `allowed-hosts`")))
    }

    /// MUST answer 403 to an invalid `Origin`. An absent one passes: clients that are no browsers send none.
    pub(super) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Error> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(()) };
        let listed = origins.next().is_none()
            && origin
                .to_str()
                .is_ok_and(|origin| origin == self.own || self.origins.contains(origin) || self.is_own(origin));
        if listed {
            return Ok(());
        }
        Err(Error::forbidden("requests from this `Origin` are not allowed")
            .with_detail(format!("origin {origin:?} is not in `allowed-origins`")))
    }

    /// On a loopback listener, pages of the loopback host itself pass: they are as local as the gateway.
    fn is_own(&self, origin: &str) -> bool {
        let host = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        self.loopback && host.is_some_and(|host| !host.contains('/') && is_loopback_name(without_port(host)))
    }
}

/// The host that the request names, without port. HTTP/2 carries it as `:authority`, a request line may too: beside one
/// of these a `Host` must say the same (RFC 9112 §3.2.2, RFC 9113 §8.3.1), or who forwards it may have checked the other.
pub(super) fn host(request: &Parts) -> Option<&str> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let header = match hosts.next() {
        Some(host) => Some(host.to_str().ok()?),
        None => None,
    };
    let authority = request.uri.authority().map(http::uri::Authority::as_str);
    let text = authority.or(header)?;
    let agree = header.is_none_or(|header| header.eq_ignore_ascii_case(text));
    if hosts.next().is_some() || !agree || text.contains('@') {
        return None;
    }
    Some(without_port(text))
}

/// The URL under which the sender sees us: `public-url`; where that is of this machine, with the loopback name that was used,
/// so that `localhost` and `127.0.0.1` are each whole in themselves.
pub(super) fn base(gateway: &Gateway, request: &Parts) -> String {
    let public = gateway.public_url.as_str();
    let is_local = public
        .split_once("://")
        .filter(|(_, authority)| is_loopback_name(without_port(authority)));
    let header = request.headers.get(HOST).and_then(|value| value.to_str().ok());
    let named = request.uri.authority().map(http::uri::Authority::as_str).or(header);
    match (is_local, named.filter(|named| is_loopback_name(without_port(named)))) {
        (Some((scheme, _)), Some(named)) => format!("{scheme}://{}", named.to_ascii_lowercase()),
        _ => public.to_owned(),
    }
}

/// Who sent a request: the peer, or, behind a trusted proxy, the last one in `X-Forwarded-For` that is none.
pub(super) fn client_address(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |address: &IpAddr| gateway.trusted_proxies.iter().any(|net| net.contains(address));
    let mut address = peer.to_canonical();
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.iter().rev() {
        match hop.trim().parse::<IpAddr>() {
            Ok(before) if is_trusted(&address) => address = before.to_canonical(),
            _ => break,
        }
    }
    address
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => authority,
    }
}

pub(super) fn is_loopback_name(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || host == "[::1]"
}

/// Did a proxy add its marks? Then a loopback peer does not prove a local client.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        // What some proxies send in place of these.
        || ["x-forwarded", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"]
            .iter()
            .any(|name| headers.contains_key(*name))
        || headers.keys().any(|name| name.as_str().starts_with("x-forwarded-"))
}

/// What a POST to an endpoint must say of itself: 406, 415.
pub(super) fn check_post(headers: &HeaderMap) -> Result<(), Error> {
    let json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| essence(value).eq_ignore_ascii_case("application/json"));
    if !json {
        return Err(Error::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code::INVALID_REQUEST,
            "send `Content-Type: application/json`",
        ));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(Error::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code::INVALID_REQUEST,
            "send the body without `Content-Encoding`",
        ));
    }
    let usual = headers
        .get(ACCEPT)
        .is_some_and(|value| value.as_bytes() == USUAL_ACCEPT);
    if !(usual || accepts(headers, "application/json") && accepts(headers, "text/event-stream")) {
        return Err(Error::new(
            StatusCode::NOT_ACCEPTABLE,
            code::INVALID_REQUEST,
            "send `Accept: application/json, text/event-stream`: an answer may be either",
        ));
    }
    Ok(())
}

/// Does `Accept` admit this type? `*/*` and `type/*` count.
pub(super) fn accepts(headers: &HeaderMap, media: &str) -> bool {
    let (kind, _) = media.split_once('/').unwrap_or((media, ""));
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let range = essence(range);
            range.eq_ignore_ascii_case(media)
                || range == "*/*"
                || range
                    .strip_suffix("/*")
                    .is_some_and(|range| range.eq_ignore_ascii_case(kind))
        })
}

/// A media type without its parameters; case does not count in it.
fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// A client that sends its body drop by drop keeps a connection and what it has sent so far.
fn too_slow() -> Error {
    Error::new(
        StatusCode::REQUEST_TIMEOUT,
        code::INVALID_REQUEST,
        format!("the body did not arrive within {} seconds", BODY.as_secs()),
    )
}

/// Says that the connection ends with this answer, where the request's body is not there yet: nobody will read it, and a client that is not told
/// would send its next request into a connection that is closed (RFC 9112 section 9.6).
pub(super) fn close_unless_read(parts: &Parts, body: &mut Incoming, answer: &mut Response<Body>) {
    let is_awaited = parts.headers.contains_key(EXPECT);
    let is_whole = body.is_end_stream() || !is_awaited && is_there(body);
    if parts.version < Version::HTTP_2 && !is_whole {
        answer
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Whether what is left of a body has arrived, and is little: it is read then.
fn is_there(body: &mut Incoming) -> bool {
    let mut left = UNREAD;
    loop {
        match body.frame().now_or_never() {
            Some(None) => return true,
            Some(Some(Ok(frame))) => match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(less) => left = less,
                None => return false,
            },
            Some(Some(Err(_))) | None => return false,
        }
    }
}

/// The whole body within [`BODY`], at most `limit` bytes: 413 beyond, before it is read where `Content-Length` says so.
pub(super) async fn collect(body: &mut Incoming, headers: &HeaderMap, limit: u64) -> Result<Bytes, Error> {
    let too_large = || {
        Error::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            code::INVALID_REQUEST,
            format!("the body is larger than {limit} bytes"),
        )
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) || body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let end = Instant::now() + BODY;
    while let Some(frame) = timeout_at(end, body.frame()).await.map_err(|_late| too_slow())? {
        let frame = frame.map_err(|error| {
            Error::bad_request(code::INVALID_REQUEST, "the body did not arrive whole").with_detail(error.to_string())
        })?;
        let Ok(data) = frame.into_data() else { continue };
        match &first {
            None => first = Some(data),
            Some(start) => {
                if rest.is_empty() {
                    let expected = announced
                        .and_then(|length| usize::try_from(length).ok())
                        .unwrap_or(start.len() + data.len());
                    rest.reserve(expected);
                    rest.extend_from_slice(start);
                }
                rest.extend_from_slice(&data);
            }
        }
        let length = if rest.is_empty() {
            first.as_ref().map_or(0, Bytes::len)
        } else {
            rest.len()
        };
        if length as u64 > limit {
            return Err(too_large());
        }
    }
    Ok(if rest.is_empty() {
        first.unwrap_or_default()
    } else {
        rest.freeze()
    })
}

/// The answer to a browser's preflight; the origin was checked before.
pub(super) fn preflight(headers: &HeaderMap) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let out = answer.headers_mut();
    out.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST, GET, DELETE"),
    );
    out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    let allowed = allowed_request_headers(headers);
    if let Ok(value) = HeaderValue::try_from(allowed) {
        out.insert(ACCESS_CONTROL_ALLOW_HEADERS, value);
    }
    answer
}

/// Listed one by one: a wildcard does not cover `Authorization`. `Mcp-Param-*` names are those that the browser asks for.
fn allowed_request_headers(headers: &HeaderMap) -> String {
    const FIXED: &str = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID";
    let asked = headers
        .get("access-control-request-headers")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let params = asked.split(',').map(str::trim).filter(|name| {
        name.len() > 10
            && name[..10].eq_ignore_ascii_case("mcp-param-")
            && HeaderName::from_bytes(name.as_bytes()).is_ok()
    });
    params.fold(FIXED.to_owned(), |list, name| list + ", " + name)
}

/// Lets a listed browser origin read the answer.
pub(super) fn add_cors(origin: Option<&HeaderValue>, answer: &mut Response<Body>) {
    let Some(origin) = origin else { return };
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, Retry-After"),
    );
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_off_hosts() {
        assert_eq!(without_port("localhost:80"), "localhost");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
    }

    #[test]
    fn loopback_names_are_exact() {
        for good in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.0.1", "[::1]"] {
            assert!(is_loopback_name(good), "{good}");
        }
        for bad in ["localhost.evil.example", "127.0.0.1.nip.example", "evil.example", "::2"] {
            assert!(!is_loopback_name(bad), "{bad}");
        }
    }

    fn named(uri: &str, hosts: &[&str]) -> Option<String> {
        let request = hosts.iter().fold(http::Request::builder().uri(uri), |request, name| {
            request.header(HOST, *name)
        });
        host(&request.body(()).unwrap().into_parts().0).map(str::to_owned)
    }

    #[test]
    fn a_host_and_an_authority_must_agree() {
        assert_eq!(named("/mcp/a", &["localhost:1"]).as_deref(), Some("localhost"));
        assert_eq!(
            named("http://localhost:1/mcp/a", &["LOCALHOST:1"]).as_deref(),
            Some("localhost")
        );
        assert_eq!(named("http://localhost:1/mcp/a", &[]).as_deref(), Some("localhost"));
        assert_eq!(named("http://localhost/mcp/a", &["evil.example"]), None);
        assert_eq!(named("http://localhost/mcp/a", &["localhost", "evil.example"]), None);
        assert_eq!(named("/mcp/a", &["localhost", "localhost"]), None);
        assert_eq!(named("/mcp/a", &["a@localhost"]), None);
        assert_eq!(named("/mcp/a", &[]), None);
    }

    #[test]
    fn marks_of_proxies_are_seen() {
        for name in ["forwarded", "via", "x-forwarded-for", "x-forwarded", "x-real-ip"] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static("1"));
            assert!(is_forwarded(&headers), "{name}");
        }
        assert!(!is_forwarded(&HeaderMap::new()));
    }

    #[test]
    fn accept_ranges_count() {
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/*;q=0.5, text/event-stream"),
        );
        assert!(accepts(&headers, "application/json") && accepts(&headers, "text/event-stream"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        assert!(!accepts(&headers, "text/event-stream"));
    }
}

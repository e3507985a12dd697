//! Which era a server speaks, told from its answer to `server/discover`.
//!
//! MCP 2026-07-28, Versioning: a recognised modern answer means modern, anything else that is an answer means
//! `initialize`. No single legacy error code is relied on. What is no answer (no connection, 5xx, 401) says nothing.

use bytes::Bytes;
use http::StatusCode;

use crate::mcp::error::code;
use crate::mcp::{Span, Version, json};
use crate::upstream::greeting::{Greeting, Response, member};

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Modern(Greeting),
    /// Modern by its error, but deployed servers use these codes for other things too: ask once more.
    PerhapsModern,
    /// To be asked by `initialize`; with the newest version that it said it speaks, if it did.
    Legacy(Option<Version>),
    /// Speaks, and shares no revision with the gateway.
    Stranger(String),
    /// Says nothing about the era; the words are for the log.
    NoEvidence(String),
    /// HTTP 401 or 403: authenticate, then ask again.
    Unauthorized,
}

/// A whole JSON-RPC message that answers `server/discover`, over either transport.
pub(super) fn of_message(message: &Bytes) -> Verdict {
    match Response::read(message) {
        Some(Response::Result { message, result }) => of_result(&message, result),
        Some(Response::Error { code, data, .. }) if code == code::UNSUPPORTED_VERSION => of_supported(data.as_ref()),
        Some(Response::Error { code, .. }) if code == code::HEADER_MISMATCH || code == code::MISSING_CAPABILITY => {
            Verdict::PerhapsModern
        }
        Some(Response::Error { .. }) | None => Verdict::Legacy(None),
    }
}

/// An HTTP answer to the POST of `server/discover`; `message` where its body is JSON, or an event stream's response.
pub(super) fn of_http(status: StatusCode, message: Option<&Bytes>) -> Verdict {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Verdict::Unauthorized;
    }
    if status.is_server_error() {
        // A server that answers 5xx with a JSON-RPC error has read the request: the Python SDK's old servers do.
        let says = message.and_then(Response::read);
        return match says {
            Some(Response::Error { .. }) => Verdict::Legacy(None),
            _ => Verdict::NoEvidence(format!("HTTP {status}")),
        };
    }
    if status.is_redirection() {
        return Verdict::NoEvidence(format!(
            "HTTP {status}: redirects are not followed, write the final address as `url`"
        ));
    }
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT {
        return Verdict::NoEvidence(format!("HTTP {status}"));
    }
    match message {
        Some(message) if !message.is_empty() => of_message(message),
        _ => Verdict::Legacy(None),
    }
}

fn of_result(message: &Bytes, result: Span) -> Verdict {
    let Some(list) = member(message, result, "supportedVersions") else {
        return Verdict::Legacy(None);
    };
    match choose(message, list) {
        Choice::Modern => Verdict::Modern(Greeting::of_discover(message, result)),
        Choice::Legacy(version) => Verdict::Legacy(Some(version)),
        Choice::None(list) => Verdict::Stranger(format!("it speaks {list}")),
    }
}

/// `-32022` names what the server speaks.
fn of_supported(data: Option<&Bytes>) -> Verdict {
    let Some(data) = data else {
        return Verdict::PerhapsModern;
    };
    let whole = Span {
        start: 0,
        end: data.len(),
    };
    match member(data, whole, "supported").map(|list| choose(data, list)) {
        // It names the very version that it refuses: only asking again can tell.
        Some(Choice::Modern) | None => Verdict::PerhapsModern,
        Some(Choice::Legacy(version)) => Verdict::Legacy(Some(version)),
        Some(Choice::None(list)) => Verdict::Stranger(format!("it speaks {list}")),
    }
}

enum Choice {
    Modern,
    Legacy(Version),
    None(String),
}

fn choose(message: &[u8], list: Span) -> Choice {
    let raw = list.of(message);
    if raw.first() != Some(&b'[') {
        return Choice::None("no list of versions".into());
    }
    let spoken: Vec<String> = json::elements(message, list)
        .take(100)
        .filter_map(|span| Some(json::string(message, span)?.into_owned()))
        .collect();
    let shared = spoken.iter().filter_map(|text| Version::parse(text)).max();
    match shared {
        Some(version) if version == Version::NEWEST => Choice::Modern,
        Some(version) => Choice::Legacy(version),
        None => Choice::None(format!("`{}`", spoken.join("`, `"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn result(versions: &str) -> Bytes {
        message(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"supportedVersions":{versions},"capabilities":{{"tools":{{"listChanged":true}}}},"instructions":"hi"}}}}"#
        ))
    }

    fn error(code: i64, data: &str) -> Bytes {
        message(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"no","data":{data}}}}}"#
        ))
    }

    /// The table of protocol.md 3.1, over HTTP.
    #[test]
    fn every_outcome_of_an_http_probe_has_its_verdict() {
        let legacy = Verdict::Legacy(None);
        let newest_legacy = Verdict::Legacy(Some(Version::V2025_11_25));
        let cases: Vec<(&str, u16, Option<Bytes>, Verdict)> = vec![
            (
                "only legacy versions listed",
                200,
                Some(result(r#"["2025-03-26","2025-11-25"]"#)),
                newest_legacy.clone(),
            ),
            (
                "a result that is no discover result",
                200,
                Some(message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)),
                legacy.clone(),
            ),
            (
                "-32022 naming legacy versions only",
                400,
                Some(error(-32022, r#"{"supported":["2025-11-25"]}"#)),
                newest_legacy,
            ),
            (
                "-32022 naming the modern version",
                400,
                Some(error(-32022, r#"{"supported":["2026-07-28"]}"#)),
                Verdict::PerhapsModern,
            ),
            ("-32020", 400, Some(error(-32020, "{}")), Verdict::PerhapsModern),
            ("-32021", 400, Some(error(-32021, "{}")), Verdict::PerhapsModern),
            (
                "404 with -32601: discover is mandatory in a modern server",
                404,
                Some(error(-32601, "{}")),
                legacy.clone(),
            ),
            ("400 without a body", 400, None, legacy.clone()),
            ("404 with text", 404, Some(message("Not Found")), legacy.clone()),
            ("405", 405, None, legacy.clone()),
            ("an unknown error", 400, Some(error(-32000, "{}")), legacy.clone()),
            (
                "an error with the id null",
                400,
                Some(message(
                    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"x"}}"#,
                )),
                legacy.clone(),
            ),
            (
                "an error with a made-up id",
                400,
                Some(message(
                    r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"x"}}"#,
                )),
                legacy.clone(),
            ),
            ("401", 401, None, Verdict::Unauthorized),
            ("403", 403, None, Verdict::Unauthorized),
            (
                "500",
                500,
                None,
                Verdict::NoEvidence("HTTP 500 Internal Server Error".into()),
            ),
            (
                "503 with text",
                503,
                Some(message("busy")),
                Verdict::NoEvidence("HTTP 503 Service Unavailable".into()),
            ),
            (
                "429",
                429,
                None,
                Verdict::NoEvidence("HTTP 429 Too Many Requests".into()),
            ),
        ];
        for (case, status, body, verdict) in cases {
            assert_eq!(
                of_http(StatusCode::from_u16(status).unwrap(), body.as_ref()),
                verdict,
                "{case}"
            );
        }
    }

    #[test]
    fn a_discover_result_with_the_modern_version_is_modern_wherever_it_stands() {
        for versions in [
            r#"["2026-07-28"]"#,
            r#"["2025-03-26","2026-07-28"]"#,
            r#"["2027-01-01","2026-07-28"]"#,
        ] {
            let Verdict::Modern(greeting) = of_message(&result(versions)) else {
                panic!("{versions}")
            };
            assert!(greeting.flag("tools", "listChanged") && greeting.has("tools") && !greeting.has("prompts"));
            assert_eq!(greeting.instructions.as_deref(), Some("hi"));
        }
    }

    #[test]
    fn a_server_of_other_revisions_only_is_a_stranger() {
        assert_eq!(
            of_message(&result(r#"["2031-01-01"]"#)),
            Verdict::Stranger("it speaks `2031-01-01`".into())
        );
    }
}

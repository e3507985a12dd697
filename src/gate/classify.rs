//! Which era a request belongs to, and whether its headers say what its body says.
//!
//! The era is a property of each request: a claim in `_meta` makes it modern, else it is legacy. The body is the
//! source of truth, headers mirror it (MCP 2026-07-28, Streamable HTTP).

use std::borrow::Cow;

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::gate::connect;
use crate::gate::error::Error;
use crate::gate::level::Level;
use crate::gate::tasks;
use crate::mcp::envelope::{Message, Params};
use crate::mcp::error::code;
use crate::mcp::header::{BadEncoding, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, decode};
use crate::mcp::json::{Span, string};
use crate::mcp::{Era, Method, Version};

/// What a modern request says of itself, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// Without it the server must not log to this request.
    pub(super) level: Option<Level>,
    /// Does the client declare the tasks extension?
    pub(super) tasks: bool,
    /// Does it open links for its user?
    pub(super) opens_urls: bool,
}

/// `None`: the request is legacy.
pub(super) fn classify(
    headers: &HeaderMap,
    body: &[u8],
    message: &Message,
    method: &Method,
) -> Result<Option<Claim>, Error> {
    let header = single(headers, &MCP_PROTOCOL_VERSION, plain)?;
    let claim = message
        .params
        .as_ref()
        .and_then(|params| params.meta.as_ref())
        .and_then(|meta| meta.claim);
    let Some(claim) = claim else {
        return check_legacy_header(header.as_deref(), method).map(|()| None);
    };
    let claim = text(body, claim)
        .ok_or_else(|| Error::bad_request(code::INVALID_PARAMS, "the claimed protocol version is not a string"))?;
    if header.as_deref() != Some(&*claim) {
        return Err(mismatch("MCP-Protocol-Version", header.as_deref(), &claim));
    }
    if Version::parse(&claim).is_none_or(|version| version.era() == Era::Legacy) {
        return Err(unsupported(&claim));
    }
    let claim = read_claim(body, message)?;
    check_mirrors(headers, body, message, method)?;
    Ok(Some(claim))
}

/// A request without a claim: the header must not speak of the modern era, nor of a revision that nobody knows.
fn check_legacy_header(header: Option<&str>, method: &Method) -> Result<(), Error> {
    let Some(text) = header else { return Ok(()) };
    match Version::parse(text) {
        Some(version) if version.era() == Era::Legacy => Ok(()),
        Some(_) if *method == Method::Initialize => Err(Error::bad_request(
            code::HEADER_MISMATCH,
            format!("`initialize` does not belong to {text}"),
        )
        .with_data(supported(text))),
        Some(_) => Err(Error::bad_request(
            code::INVALID_PARAMS,
            format!(
                "a request of {text} needs `_meta` with `io.modelcontextprotocol/protocolVersion` and `io.modelcontextprotocol/clientCapabilities`"
            ),
        )),
        None => Err(unsupported(text)),
    }
}

fn read_claim(body: &[u8], message: &Message) -> Result<Claim, Error> {
    let meta = message.params.as_ref().and_then(|params| params.meta.as_ref());
    let capabilities = meta
        .and_then(|meta| meta.client_capabilities)
        .filter(|span| body.get(span.start) == Some(&b'{'));
    let Some(capabilities) = capabilities else {
        return Err(Error::bad_request(
            code::INVALID_PARAMS,
            "`_meta` needs `io.modelcontextprotocol/clientCapabilities`, an object",
        ));
    };
    let level = match meta.and_then(|meta| meta.log_level) {
        None => None,
        Some(span) => match string(body, span).as_deref().and_then(Level::parse) {
            Some(level) => Some(level),
            None => {
                return Err(Error::bad_request(
                    code::INVALID_PARAMS,
                    "`io.modelcontextprotocol/logLevel` is not a log level",
                ));
            }
        },
    };
    let tasks = tasks::declared(body, capabilities);
    let opens_urls = connect::opens_urls_within(body, capabilities);
    Ok(Claim {
        level,
        tasks,
        opens_urls,
    })
}

/// `Mcp-Method` on all requests, `Mcp-Name` where the method names something.
fn check_mirrors(headers: &HeaderMap, body: &[u8], message: &Message, method: &Method) -> Result<(), Error> {
    let told = single(headers, &MCP_METHOD, plain)?;
    if told.as_deref() != Some(method.as_str()) {
        return Err(mismatch("Mcp-Method", told.as_deref(), method.as_str()));
    }
    let Some(named) = message.params.as_ref().and_then(|params| mirrored(method, params)) else {
        return Ok(());
    };
    let named = text(body, named)
        .ok_or_else(|| Error::bad_request(code::INVALID_PARAMS, "the name in `params` is not a string"))?;
    let told = single(headers, &MCP_NAME, decode)?;
    if told.as_deref() != Some(&*named) {
        return Err(mismatch("Mcp-Name", told.as_deref(), &named));
    }
    Ok(())
}

fn mirrored(method: &Method, params: &Params) -> Option<Span> {
    match method {
        Method::ToolsCall | Method::PromptsGet => params.name,
        Method::ResourcesRead => params.uri,
        method if tasks::is_task_method(method) => params.task_id,
        _ => None,
    }
}

type Reading = fn(&HeaderValue) -> Result<Cow<'_, str>, BadEncoding>;

/// The text of a header that has no encoding: only `Mcp-Name` and `Mcp-Param-*` may be wrapped in base64.
fn plain(value: &HeaderValue) -> Result<Cow<'_, str>, BadEncoding> {
    value
        .to_str()
        .map(|text| Cow::Borrowed(text.trim_matches([' ', '\t'])))
        .map_err(|_| BadEncoding)
}

/// One header of this name at most, read as its values are written.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName, read: Reading) -> Result<Option<Cow<'a, str>>, Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::bad_request(
            code::HEADER_MISMATCH,
            format!("the header `{name}` stands twice"),
        ));
    }
    match read(value) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Error::bad_request(
            code::HEADER_MISMATCH,
            format!("the header `{name}` is not encoded as it must be"),
        )),
    }
}

fn text(body: &[u8], span: Span) -> Option<Cow<'_, str>> {
    string(body, span)
}

fn mismatch(header: &str, told: Option<&str>, meant: &str) -> Error {
    let public = match told {
        Some(told) => format!("the header `{header}: {told}` does not match the body, which says `{meant}`"),
        None => format!("the header `{header}` is missing, the body says `{meant}`"),
    };
    Error::new(StatusCode::BAD_REQUEST, code::HEADER_MISMATCH, public)
}

fn unsupported(requested: &str) -> Error {
    Error::bad_request(code::UNSUPPORTED_VERSION, "this protocol version is not supported")
        .with_data(supported(requested))
}

/// `data` of -32022; the same list as that of `server/discover`.
fn supported(requested: &str) -> String {
    format!(
        r#"{{"supported":{},"requested":{}}}"#,
        supported_versions(),
        crate::mcp::json::quote(requested)
    )
}

/// Newest first, as a JSON array.
pub(super) fn supported_versions() -> String {
    let names: Vec<String> = Version::ALL
        .iter()
        .rev()
        .map(|version| format!("\"{version}\""))
        .collect();
    format!("[{}]", names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_may_be_wrapped_in_base64() {
        let mut headers = HeaderMap::new();
        headers.insert(&MCP_METHOD, HeaderValue::from_static("=?base64?dG9vbHMvY2FsbA==?="));
        headers.insert(&MCP_NAME, HeaderValue::from_static("=?base64?dG9vbHMvY2FsbA==?="));
        assert_ne!(
            single(&headers, &MCP_METHOD, plain).unwrap().as_deref(),
            Some("tools/call")
        );
        assert_eq!(
            single(&headers, &MCP_NAME, decode).unwrap().as_deref(),
            Some("tools/call")
        );
    }
}

//! Messages of the gateway's own: greetings, lists, cancellations.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::mcp::{Era, Method, Version, json};
use crate::upstream::core::Core;
use crate::upstream::review::Pin;

/// A request on its way to a server, past all checks.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    /// Raw JSON, as it stands in `pieces`.
    pub(super) id: Bytes,
    pub(super) pieces: Vec<Bytes>,
    pub(super) name: Option<Arc<str>>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) progress_token: Option<Bytes>,
    pub(super) deadline: Instant,
    pub(super) limit: u64,
    /// Which link sends it; `None`: the gateway itself.
    pub(super) link: Option<u64>,
    pub(super) cancel_on_drop: bool,
    /// Of a pinned server: what the session must list as it was reviewed.
    pub(super) pin: Option<Pin>,
}

impl Outgoing {
    /// The same once more, for a session after a lost one. The bytes are shared.
    pub(super) fn again(&self) -> Self {
        Self {
            method: self.method.clone(),
            id: self.id.clone(),
            pieces: self.pieces.clone(),
            name: self.name.clone(),
            headers: self.headers.clone(),
            progress_token: self.progress_token.clone(),
            deadline: self.deadline,
            limit: self.limit,
            link: self.link,
            cancel_on_drop: self.cancel_on_drop,
            pin: self.pin.clone(),
        }
    }

    /// A request of the gateway's own. `params`: members of `params`, such as `"cursor":"x"`, or empty.
    pub(super) fn own(core: &Core, era: Era, method: Method, params: &str, deadline: Instant) -> Self {
        // A string, so that it is never the id of a client's request in the same conversation.
        let id = format!("\"mcpgw-{}\"", core.number());
        let mut body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{}",
            json::quote(method.as_str())
        );
        match era {
            Era::Modern => {
                let comma = if params.is_empty() { "" } else { "," };
                let _ = write!(body, ",\"params\":{{{params}{comma}\"_meta\":{}}}", own_meta());
            }
            Era::Legacy if params.is_empty() => {}
            Era::Legacy => {
                let _ = write!(body, ",\"params\":{{{params}}}");
            }
        }
        body.push('}');
        Self {
            method,
            id: id.into(),
            pieces: vec![body.into()],
            name: None,
            headers: Vec::new(),
            progress_token: None,
            deadline,
            limit: core.settings.limits.response_body,
            link: None,
            cancel_on_drop: true,
            pin: None,
        }
    }
}

/// The members of `params` of `initialize`.
pub(super) fn initialize_params(version: Version, capabilities: &[u8]) -> String {
    let capabilities = String::from_utf8_lossy(capabilities);
    format!(
        "\"protocolVersion\":\"{version}\",\"capabilities\":{capabilities},\"clientInfo\":{}",
        client_info()
    )
}

pub(super) const INITIALIZED: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// `id` is raw JSON.
pub(super) fn cancelled(id: &[u8], reason: Option<&str>) -> Bytes {
    let id = String::from_utf8_lossy(id);
    let reason = reason.map_or_else(String::new, |reason| format!(",\"reason\":{}", json::quote(reason)));
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}{reason}}}}}"#).into()
}

/// MCP 2026-07-28: every request describes itself. The gateway can answer no question, so it declares no capability.
fn own_meta() -> String {
    format!(
        "{{\"io.modelcontextprotocol/protocolVersion\":\"{}\",\"io.modelcontextprotocol/clientCapabilities\":{{}},\
         \"io.modelcontextprotocol/clientInfo\":{}}}",
        Version::NEWEST,
        client_info()
    )
}

fn client_info() -> String {
    format!(
        "{{\"name\":\"mcpgw\",\"version\":{}}}",
        json::quote(env!("CARGO_PKG_VERSION"))
    )
}

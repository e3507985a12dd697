//! Between the eras: what a request and its result must look like on the other side.
//!
//! Where both sides are of one era nothing is touched. Questions that a server asks back (elicitation, sampling,
//! roots) cross eras in [`crate::gate::reply`] one day; until then a server on the other side is told that the client
//! has no such capability, and does without.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::gate::exchange::{Client, Exchange};
use crate::gate::level::Level;
use crate::gate::session::Session;
use crate::gate::trace::Told;
use crate::mcp::edit::Edits;
use crate::mcp::error::code;
use crate::mcp::result::ResultRules;
use crate::mcp::{Era, Method, Version};
use crate::upstream::{Profile, Scope, Sink};

const CLIENT_INFO: &str = concat!(r#"{"name":"mcpgw","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
/// What is declared to servers of the other era.
const NO_CAPABILITIES: &[u8] = b"{}";

/// For whom a conversation with a server is opened, and how its client is introduced there.
pub(super) fn scope(exchange: &Exchange<'_>, sink: Option<Sink>) -> Scope {
    match &exchange.client {
        Client::Legacy(session) => session_scope(session, sink),
        Client::Modern(_) => Scope {
            principal: exchange.request.identity.caller.principal.clone(),
            session: None,
            profile: Profile {
                version: Version::NEWEST,
                capabilities: Bytes::from_static(NO_CAPABILITIES),
            },
            sink,
        },
    }
}

/// The same for a session, whatever is asked in it.
pub(super) fn session_scope(session: &Session, sink: Option<Sink>) -> Scope {
    Scope {
        principal: session.principal.clone(),
        session: Some(session.key.clone()),
        profile: Profile {
            version: session.version,
            capabilities: session.capabilities.clone(),
        },
        sink,
    }
}

/// Adds to `edits` what the request must have for a server of `era`.
pub(super) fn adapt_request(exchange: &Exchange<'_>, era: Era, told: Option<&Told>, edits: &mut Edits) {
    let told = told.filter(|_| !exchange.traced.is_said());
    let meta = exchange.params().and_then(|params| params.meta.as_ref());
    if let (Some(told), Some(meta)) = (told, meta) {
        told.put(meta, edits);
    }
    match (&exchange.client, era) {
        (Client::Legacy(session), Era::Modern) => add_claim(exchange, session.level(), told, edits),
        (Client::Legacy(_), Era::Legacy) if meta.is_none() => add_trace(exchange, told, edits),
        (Client::Modern(_), Era::Legacy) => remove_claim(exchange, edits),
        (Client::Modern(_), Era::Modern) => introduce(exchange, edits),
        (Client::Legacy(_), Era::Legacy) => {}
    }
}

/// How a result of a server of `era` is made one for this client; `None`: as it is.
pub(super) fn result_rules(client: Era, server: Era, method: &Method) -> Option<ResultRules> {
    let reads = *method == Method::ResourcesRead;
    match (client, server) {
        (Era::Legacy, Era::Legacy) | (Era::Modern, Era::Modern) => None,
        (Era::Legacy, Era::Modern) => Some(ResultRules {
            strip: &["resultType", "ttlMs", "cacheScope"],
            object_structured_content_only: true,
            map_error_code: reads.then_some((code::INVALID_PARAMS, code::RESOURCE_NOT_FOUND)),
            ..ResultRules::default()
        }),
        (Era::Modern, Era::Legacy) => Some(ResultRules {
            add_result_type: true,
            add: if reads {
                vec![("ttlMs", "0"), ("cacheScope", "\"private\"")]
            } else {
                Vec::new()
            },
            map_error_code: reads.then_some((code::RESOURCE_NOT_FOUND, code::INVALID_PARAMS)),
            ..ResultRules::default()
        }),
    }
}

/// Where there is no `_meta` for it yet.
fn add_trace(exchange: &Exchange<'_>, told: Option<&Told>, edits: &mut Edits) {
    if let (Some(told), Some(params)) = (told, exchange.params()) {
        edits.insert_member(params.span, wrapped(&told.members()));
    }
}

fn add_claim(exchange: &Exchange<'_>, level: Option<Level>, told: Option<&Told>, edits: &mut Edits) {
    let Some(params) = exchange.params() else { return };
    if let Some(meta) = &params.meta {
        edits.remove_members(&meta.reserved);
        edits.insert_member(meta.span, claim(level));
    } else {
        edits.insert_member(params.span, meta_with_claim(level, told));
    }
}

/// The members of `_meta` that a request of [`Version::NEWEST`] must have. Nearly every session has no log level, so that
/// nothing is put together for its calls.
fn claim(level: Option<Level>) -> Bytes {
    static PLAIN: LazyLock<Bytes> = LazyLock::new(|| {
        let version = Version::NEWEST;
        format!(
            r#""io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{CLIENT_INFO}"#
        )
        .into()
    });
    match level {
        None => PLAIN.clone(),
        Some(level) => {
            let level = [
                br#","io.modelcontextprotocol/logLevel":""#,
                level.as_str().as_bytes(),
                b"\"",
            ]
            .concat();
            [&PLAIN[..], &level].concat().into()
        }
    }
}

/// A whole `_meta` member with it.
fn meta_with_claim(level: Option<Level>, told: Option<&Told>) -> Bytes {
    static PLAIN: LazyLock<Bytes> = LazyLock::new(|| wrapped(&claim(None)));
    match (level, told) {
        (None, None) => PLAIN.clone(),
        (level, None) => wrapped(&claim(level)),
        (level, Some(told)) => wrapped(&[&told.members()[..], b",", &claim(level)].concat()),
    }
}

fn wrapped(members: &[u8]) -> Bytes {
    [br#""_meta":{"#, members, b"}"].concat().into()
}

fn remove_claim(exchange: &Exchange<'_>, edits: &mut Edits) {
    if let Some(meta) = exchange.params().and_then(|params| params.meta.as_ref()) {
        edits.remove_members(&meta.reserved);
    }
}

/// Servers are told of the gateway, not of the program in front of it.
fn introduce(exchange: &Exchange<'_>, edits: &mut Edits) {
    if let Some(info) = exchange
        .params()
        .and_then(|params| params.meta.as_ref())
        .and_then(|meta| meta.client_info)
    {
        edits.replace(info, CLIENT_INFO);
    }
}

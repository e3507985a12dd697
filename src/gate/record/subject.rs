//! Who asks for what, where, and how: the members that say so.

use std::borrow::Cow;
use std::sync::Arc;

use crate::audit::Line;
use crate::gate::exchange::{Client, Exchange};
use crate::gate::view::View;
use crate::mcp::Method;
use crate::mcp::json::{self, Span, string};
use crate::name::ServerName;
use crate::pii::Cover;
use crate::snapshot::access::ObjectKind;
use crate::text::{floor, safe};

/// Of what a client says its name and version are, in bytes.
const MAX_CLIENT: usize = 128;
/// Of a name that somebody asked for and there is not, in bytes.
const MAX_NAME: usize = 1024;

/// Who asks, and where.
pub(super) fn who(line: Line, exchange: &Exchange<'_>) -> Line {
    let request = exchange.request;
    line.text("endpoint", request.endpoint.as_str())
        .display("principal", &request.identity.caller.principal)
}

/// How it is asked for, and under which files.
pub(super) fn asked(line: Line, exchange: &Exchange<'_>) -> Line {
    let line = line
        .number("generation", exchange.request.generation.number)
        .text("method", exchange.method.as_str());
    let line = match client(exchange) {
        Some(client) => line.text("client", &client),
        None => line,
    };
    match exchange.traced.id() {
        Some(trace) => line.text("trace", &trace),
        None => line,
    }
}

/// The program that asks, as it says itself.
fn client(exchange: &Exchange<'_>) -> Option<Arc<str>> {
    match &exchange.client {
        Client::Legacy(session) => session.client.clone(),
        Client::Modern(_) => {
            let info = exchange.params()?.meta.as_ref()?.client_info?;
            client_name(exchange.body, info, exchange.request.generation.cover())
        }
    }
}

/// `clientInfo` as one short text that a terminal may show, and anybody read.
pub(in crate::gate) fn client_name(body: &[u8], info: Span, cover: &Cover) -> Option<Arc<str>> {
    let member = |key: &str| string(body, json::find(body, info, key).ok()??);
    let name = member("name")?;
    let whole = match member("version") {
        Some(version) => format!("{name} {version}"),
        None => name.into_owned(),
    };
    let covered = cover.text(&whole);
    let safe = safe(&covered);
    Some(safe[..floor(&safe, MAX_CLIENT)].into())
}

/// What is recorded of the name of something that a server has. An address of a resource may be made of what somebody asked for, so it is
/// covered; a tool's or prompt's name is what rules and locks are written with.
pub(super) fn name<'a>(kind: ObjectKind, name: &'a str, cover: &Cover) -> Cow<'a, str> {
    match kind {
        ObjectKind::Tool | ObjectKind::Prompt => Cow::Borrowed(name),
        ObjectKind::Resource => cover.text(name),
    }
}

/// What was asked for by a name that this caller does not have: where it is selected, the server and its own name.
pub(super) fn sought<'a>(line: Line, exchange: &Exchange<'_>, view: &'a View) -> (Line, Option<&'a ServerName>) {
    let Some(params) = exchange.params() else {
        return (line, None);
    };
    let text = |span: Option<Span>| string(exchange.body, span?);
    let (shown, kind) = match (exchange.method, text(params.name), text(params.uri)) {
        (Method::ResourcesRead, _, Some(uri)) => (uri, ObjectKind::Resource),
        (Method::ToolsCall, Some(name), _) => (name, ObjectKind::Tool),
        (Method::PromptsGet, Some(name), _) => (name, ObjectKind::Prompt),
        _ => return (line, None),
    };
    let cover = exchange.request.generation.cover();
    let offer = &view.offer;
    let mut tools = offer.tools.iter().map(|tool| &tool.item);
    let offered = match kind {
        ObjectKind::Tool => tools.find(|item| *item.shown == *shown),
        ObjectKind::Prompt => offer.prompts.iter().find(|item| *item.shown == *shown),
        ObjectKind::Resource => offer.resources.iter().find(|item| *item.shown == *shown),
    };
    let Some(item) = offered else {
        let covered = cover.text(&shown);
        return (line.text(key(kind), &covered[..floor(&covered, MAX_NAME)]), None);
    };
    let server = &offer.servers[item.server].name;
    let line = line.text("server", server.as_str());
    (line.text(key(kind), &name(kind, &item.name, cover)), Some(server))
}

pub(super) fn key(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Tool => "tool",
        ObjectKind::Prompt => "prompt",
        ObjectKind::Resource => "resource",
    }
}

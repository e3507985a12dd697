//! What a request names, looked up and allowed: a tool, a prompt, a resource, what is completed, a task.
//!
//! Out comes a [`Target`] with its permit, or why there is none.

use std::borrow::Cow;
use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::gate::connect;
use crate::gate::error::Error;
use crate::gate::exchange::Exchange;
use crate::gate::tasks;
use crate::gate::view::View;
use crate::mcp::error::code;
use crate::mcp::json::{self, Span, quote, string};
use crate::mcp::{Era, Method};
use crate::name::ServerName;
use crate::snapshot::Limits;
use crate::snapshot::access::{Denied, Object, ObjectKind, Permit, Purpose};
use crate::upstream::Upstream;

/// Subscriptions keep theirs.
const MAX_URI: usize = 8 << 10;

/// A name that was looked up, and allowed.
pub(super) struct Target {
    pub(super) permit: Permit,
    pub(super) upstream: Arc<Upstream>,
    /// The server's own name of the thing, for `Mcp-Name`.
    pub(super) name: Option<Arc<str>>,
    /// Index into the offer's tools.
    pub(super) offered: Option<usize>,
    /// Where the body must say another name than the client did.
    pub(super) rename: Option<(Span, Arc<str>)>,
    pub(super) limits: Limits,
    /// `Mcp-Param-*` of a server that wants them.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why there is no target.
pub(super) enum Refusal {
    Error(Error),
    /// An account is missing: what is asked, or said.
    Connect(ServerName),
    /// A tool that is listed, refused for its arguments: the model is told, as a result of the tool; the log is told more.
    Tool {
        server: ServerName,
        text: &'static str,
        reason: String,
    },
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// `headers` are the client's, where they must agree with the body.
pub(super) fn look_up(exchange: &Exchange<'_>, view: &View, headers: Option<&HeaderMap>) -> Result<Target, Refusal> {
    match exchange.method {
        Method::ToolsCall => tool(exchange, view, headers),
        Method::PromptsGet => Ok(prompt(exchange, view)?),
        Method::ResourcesRead => Ok(resource(exchange, view)?),
        Method::CompletionComplete => Ok(completion(exchange, view)?),
        _ => Ok(task(exchange)?),
    }
}

/// Where the name of what is called stands.
pub(super) fn name_span(exchange: &Exchange<'_>) -> Option<Span> {
    let params = exchange.params()?;
    match exchange.method {
        Method::CompletionComplete => json::find(exchange.body, params.reference?, "name").ok().flatten(),
        _ => params.name,
    }
}

/// The first server in order that has the resource and may be asked for it.
pub(super) fn resource_permit(
    exchange: &Exchange<'_>,
    view: &View,
    uri: &str,
) -> Result<(Permit, Arc<Upstream>), Error> {
    if uri.len() > MAX_URI {
        return Err(Error::invalid_params(format!("`uri` is longer than {MAX_URI} bytes")));
    }
    let mut error = no_resource(exchange.era(), uri);
    let mut is_there = false;
    for at in view.resource_servers(uri) {
        let server = &view.offer.servers[at];
        let object = Object::Resource {
            server: &server.name,
            uri,
        };
        match permit(exchange, &server.name, object, Purpose::Follow) {
            Ok(permit) => return Ok((permit, Arc::clone(&server.upstream))),
            Err(denied) => error = error.with_detail(denied.to_string()),
        }
        is_there = true;
    }
    Err(if is_there { error } else { unoffered(exchange, error) })
}

fn tool(exchange: &Exchange<'_>, view: &View, headers: Option<&HeaderMap>) -> Result<Target, Refusal> {
    let (span, shown) = named(exchange, |params| params.name, "name")?;
    let unknown = || Error::invalid_params(format!("there is no tool `{shown}`"));
    let Some(at) = view.tool(&shown) else {
        return Err(match connect::would_have(exchange.request, view, &shown) {
            Some(server) => Refusal::Connect(server),
            None => unoffered(exchange, unknown()).into(),
        });
    };
    let tool = &view.offer.tools[at];
    let server = &view.offer.servers[tool.item.server];
    let arguments = exchange.params().and_then(|params| params.arguments);
    if exchange.era() == Era::Modern
        && let Some(headers) = headers
    {
        tool.definition
            .headers
            .check(headers, exchange.body, arguments)
            .map_err(|problem| Error::new(StatusCode::BAD_REQUEST, code::HEADER_MISMATCH, problem.to_string()))?;
    }
    let object = Object::Tool {
        server: &server.name,
        tool: &tool.item.name,
    };
    let purpose = Purpose::Call {
        arguments: arguments.map(|span| span.of(exchange.body)),
    };
    let permit = permit(exchange, &server.name, object, purpose).map_err(|denied| {
        if denied.reason.is_about_arguments() {
            Refusal::Tool {
                server: server.name.clone(),
                text: "These arguments are not allowed here.",
                reason: denied.to_string(),
            }
        } else {
            Refusal::Error(unknown().with_detail(denied.to_string()))
        }
    })?;
    Ok(Target {
        permit,
        upstream: Arc::clone(&server.upstream),
        offered: Some(at),
        rename: (*shown != *tool.item.name).then(|| (span, Arc::clone(&tool.item.name))),
        name: Some(Arc::clone(&tool.item.name)),
        limits: tool.limits.clone(),
        headers: tool.definition.headers.make(exchange.body, arguments),
    })
}

fn prompt(exchange: &Exchange<'_>, view: &View) -> Result<Target, Error> {
    let (span, shown) = named(exchange, |params| params.name, "name")?;
    let arguments = exchange.params().and_then(|params| params.arguments);
    let purpose = Purpose::Call {
        arguments: arguments.map(|span| span.of(exchange.body)),
    };
    let target = prompt_of(exchange, view, (span, &shown), purpose)?;
    Ok(Target {
        name: Some(Arc::clone(target.permit.name())),
        ..target
    })
}

/// Whoever asks for a prompt, or completes for one, may.
fn prompt_of(
    exchange: &Exchange<'_>,
    view: &View,
    (span, shown): (Span, &str),
    purpose: Purpose<'_>,
) -> Result<Target, Error> {
    let unknown = || Error::invalid_params(format!("there is no prompt `{shown}`"));
    let prompt = view.prompt(shown).ok_or_else(|| unoffered(exchange, unknown()))?;
    let server = &view.offer.servers[prompt.server];
    let object = Object::Prompt {
        server: &server.name,
        name: &prompt.name,
    };
    let permit =
        permit(exchange, &server.name, object, purpose).map_err(|denied| unknown().with_detail(denied.to_string()))?;
    Ok(Target {
        permit,
        upstream: Arc::clone(&server.upstream),
        offered: None,
        rename: (*shown != *prompt.name).then(|| (span, Arc::clone(&prompt.name))),
        name: None,
        limits: Limits::default(),
        headers: Vec::new(),
    })
}

fn resource(exchange: &Exchange<'_>, view: &View) -> Result<Target, Error> {
    let (_, uri) = named(exchange, |params| params.uri, "uri")?;
    let (permit, upstream) = resource_permit(exchange, view, &uri)?;
    Ok(Target {
        name: Some(Arc::clone(permit.name())),
        permit,
        upstream,
        offered: None,
        rename: None,
        limits: Limits::default(),
        headers: Vec::new(),
    })
}

fn task(exchange: &Exchange<'_>) -> Result<Target, Error> {
    let (permit, upstream, id) = tasks::permit(exchange)?;
    Ok(Target {
        permit,
        upstream,
        offered: None,
        rename: None,
        name: Some(id.into()),
        limits: Limits::default(),
        headers: Vec::new(),
    })
}

/// Completion follows the prompt or the resource template that it names.
fn completion(exchange: &Exchange<'_>, view: &View) -> Result<Target, Error> {
    let reference = exchange
        .params()
        .and_then(|params| params.reference)
        .filter(|span| exchange.body.get(span.start) == Some(&b'{'));
    let reference = reference.ok_or_else(|| Error::invalid_params("`completion/complete` needs `ref`, an object"))?;
    let member = |key: &str| {
        let found = json::find(exchange.body, reference, key).ok().flatten()?;
        Some((found, string(exchange.body, found)?.into_owned()))
    };
    let kind = member("type").map(|(_, kind)| kind);
    match (kind.as_deref(), member("name"), member("uri")) {
        (Some("ref/prompt"), Some((span, shown)), _) => prompt_of(exchange, view, (span, &shown), Purpose::Follow),
        (Some("ref/resource"), _, Some((_, uri))) => {
            let at = view
                .template_server(&uri)
                .or_else(|| view.resource_servers(&uri).next());
            let server = at
                .map(|at| &view.offer.servers[at])
                .ok_or_else(|| unoffered(exchange, no_resource(exchange.era(), &uri)))?;
            let object = Object::Resource {
                server: &server.name,
                uri: &uri,
            };
            let permit = permit(exchange, &server.name, object, Purpose::Follow)
                .map_err(|denied| no_resource(exchange.era(), &uri).with_detail(denied.to_string()))?;
            Ok(Target {
                permit,
                upstream: Arc::clone(&server.upstream),
                offered: None,
                rename: None,
                name: None,
                limits: Limits::default(),
                headers: Vec::new(),
            })
        }
        _ => Err(Error::invalid_params(
            "`ref` is neither a `ref/prompt` with a name nor a `ref/resource` with a URI",
        )),
    }
}

/// Counts a call of what is not there for this caller.
fn unoffered(exchange: &Exchange<'_>, error: Error) -> Error {
    let request = exchange.request;
    request.gate.counters.unoffered_call(&request.endpoint);
    error
}

/// A string of the parameters that must be there, and where it stands.
pub(super) fn named<'a>(
    exchange: &Exchange<'a>,
    field: impl Fn(&crate::mcp::envelope::Params) -> Option<Span>,
    key: &str,
) -> Result<(Span, Cow<'a, str>), Error> {
    let span = exchange.params().and_then(field);
    let text = span.and_then(|span| Some((span, string(exchange.body, span)?)));
    text.ok_or_else(|| Error::invalid_params(format!("`{}` needs `{key}`, a string", exchange.method.as_str())))
}

fn permit(
    exchange: &Exchange<'_>,
    server: &ServerName,
    object: Object<'_>,
    purpose: Purpose<'_>,
) -> Result<Permit, Denied> {
    let request = &exchange.request;
    request.identity.rights.permit(&request.endpoint, object, purpose).inspect_err(|denied| {
        tracing::info!(principal = %request.identity.caller.principal, endpoint = %request.endpoint, object = %crate::text::safe(&object.to_string()), reason = %denied, "denied");
        let tool = (object.kind() == ObjectKind::Tool).then(|| object.name());
        let counters = request.gate.counters.calls(&request.endpoint, server, tool);
        counters.denied.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    })
}

/// -32002 in legacy revisions, -32602 in 2026-07-28; both name the URI.
fn no_resource(era: Era, uri: &str) -> Error {
    let code = if era == Era::Legacy {
        code::RESOURCE_NOT_FOUND
    } else {
        code::INVALID_PARAMS
    };
    Error::new(StatusCode::OK, code, "there is no such resource").with_data(format!(r#"{{"uri":{}}}"#, quote(uri)))
}

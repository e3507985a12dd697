//! A caller whose own account a server needs and does not have: which servers those are, and the way to connect.
//!
//! A person is led to the connect page, by the client where it can open a link for its user (URL elicitation), else by the text
//! of a tool's error. What the server said of its authorization is never relayed.

use ::http::{Response, StatusCode};

use crate::gate::body::Body;
use crate::gate::classify::Claim;
use crate::gate::error::Error;
use crate::gate::exchange::{Client, Exchange, Request};
use crate::gate::generation::Generation;
use crate::gate::view::View;
use crate::mcp::error::code;
use crate::mcp::json::{Span, check, find, quote};
use crate::mcp::{Method, Version};
use crate::name::{EndpointName, Principal, ServerName};
use crate::snapshot::Selection;
use crate::snapshot::access::{Object, Rights};
use crate::text::hex;

/// The key of our question among those of a server.
pub(super) const QUESTION: &str = "mcpgw-connect";

impl Generation {
    /// The servers of an endpoint for which this caller needs a credential of its own: those with personal credentials of
    /// which it may use something, and no others.
    pub fn personal_servers(&self, endpoint: &EndpointName, rights: &Rights) -> Vec<ServerName> {
        let Some(table) = self
            .snapshot
            .endpoints
            .get(endpoint)
            .filter(|_| rights.may_enter(endpoint))
        else {
            return Vec::new();
        };
        let personal = table
            .servers
            .iter()
            .filter(|selection| self.snapshot.is_personal(&selection.server));
        let wanted = personal.filter(|selection| self.may_use_something(endpoint, selection, rights));
        wanted.map(|selection| selection.server.clone()).collect()
    }

    /// As far as its tools are known; where none is, it may be that there is one.
    fn may_use_something(&self, endpoint: &EndpointName, selection: &Selection, rights: &Rights) -> bool {
        let server = &selection.server;
        let lock = self.snapshot.locks.get(server);
        let known = selection.known_tools(lock.map(std::convert::AsRef::as_ref));
        let more = lock.is_none() && selection.tools.with.iter().any(|pattern| pattern.literal().is_none());
        let others = !selection.prompts.with.is_empty() || !selection.resources.with.is_empty();
        more || others
            || known
                .iter()
                .any(|tool| rights.decide(endpoint, Object::Tool { server, tool }, None).is_listed())
    }
}

/// Servers of the view that this caller has no account at, and needs one.
pub(super) fn lacking(request: &Request, view: &View) -> Vec<ServerName> {
    let lacking = view
        .offer
        .servers
        .iter()
        .filter(|server| server.upstream.lacks_account().is_some());
    let lacking: Vec<_> = lacking.map(|server| server.name.clone()).collect();
    if lacking.is_empty() {
        return lacking;
    }
    let needed = request
        .generation
        .personal_servers(&request.endpoint, &request.identity.rights);
    lacking
        .into_iter()
        .filter(|server| needed.contains(server) || !request.generation.snapshot.is_personal(server))
        .collect()
}

/// The server that would have a tool of this shown name, were its account connected.
pub(super) fn would_have(request: &Request, view: &View, shown: &str) -> Option<ServerName> {
    let table = request.generation.snapshot.endpoints.get(&request.endpoint)?;
    lacking(request, view).into_iter().find(|server| {
        let Some(selection) = table.servers.iter().find(|selection| selection.server == *server) else {
            return false;
        };
        let renamed = selection
            .overrides
            .iter()
            .find(|(_, change)| change.name.as_deref() == Some(shown));
        let plain = table.tool_names.of(server, "");
        let tool = match renamed {
            Some((tool, _)) => &**tool,
            None => match shown.strip_prefix(plain.as_str()) {
                Some(tool) => tool,
                None => return false,
            },
        };
        let object = Object::Tool { server, tool };
        let rights = &request.identity.rights;
        selection.tools.is_match(tool) && rights.decide(&request.endpoint, object, None).is_listed()
    })
}

/// What a person, or a program, is told.
pub(super) fn words(request: &Request, server: &ServerName) -> String {
    match (
        &request.identity.caller.principal,
        request.generation.snapshot.is_personal(server),
    ) {
        (Principal::User(_), true) => format!(
            "No account of yours is connected for `{server}`, or it is not accepted any more. Open {} to connect it, then try again.",
            url(request)
        ),
        (_, true) => format!("The credential of this service for `{server}` is not accepted."),
        (_, false) => format!(
            "The server `{server}` is not authorized yet: its administrator runs `mcpgw credentials authorize {server}`."
        ),
    }
}

/// Of the connect page of the endpoint.
fn url(request: &Request) -> String {
    format!(
        "{}/connect/{}",
        request.generation.snapshot.gateway.public_url, request.endpoint
    )
}

/// In place of the call's answer. `None`: the client can be told only in words.
pub(super) fn question(exchange: &Exchange<'_>, server: &ServerName) -> Option<Result<Response<Body>, Error>> {
    let request = exchange.request;
    let is_persons = matches!(request.identity.caller.principal, Principal::User(_))
        && request.generation.snapshot.is_personal(server);
    if !is_persons {
        return None;
    }
    let (message, link) = (
        quote(&format!("Connect your account for `{server}`.")),
        quote(&url(request)),
    );
    match &exchange.client {
        Client::Modern(Claim { opens_urls: true, .. })
            if matches!(
                exchange.method,
                Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead
            ) =>
        {
            let result = format!(
                r#"{{"resultType":"input_required","inputRequests":{{"{QUESTION}":{{"method":"elicitation/create","params":{{"mode":"url","message":{message},"url":{link}}}}}}}}}"#
            );
            Some(Ok(exchange.result(result.as_bytes())))
        }
        Client::Legacy(session) if session.version == Version::V2025_11_25 && opens_urls(&session.capabilities) => {
            let id = elicitation_id()?;
            let data = format!(
                r#"{{"elicitations":[{{"mode":"url","elicitationId":"{id}","message":{message},"url":{link}}}]}}"#
            );
            let error = Error::new(StatusCode::OK, code::URL_ELICITATION_REQUIRED, words(request, server));
            Some(Err(error.with_data(data)))
        }
        Client::Legacy(_) | Client::Modern(_) => None,
    }
}

/// Does a client with these capabilities open links for its user (MCP 2025-11-25 and 2026-07-28, Elicitation)?
pub(super) fn opens_urls(capabilities: &[u8]) -> bool {
    check(capabilities).is_ok_and(|whole| opens_urls_within(capabilities, whole))
}

pub(super) fn opens_urls_within(body: &[u8], capabilities: Span) -> bool {
    let elicitation = find(body, capabilities, "elicitation").ok().flatten();
    elicitation.is_some_and(|elicitation| matches!(find(body, elicitation, "url"), Ok(Some(_))))
}

fn elicitation_id() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(hex(&bytes))
}

//! Fetches all pages of all lists of one server, bounded, and reads the items out of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::mcp::{Method, ParamHeaders, Span, json};
use crate::upstream::catalogue::{Catalogue, CatalogueState, Item, Tool};
use crate::upstream::conversation::{Conversation, Session};
use crate::upstream::core::Transport;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::{Response, member};

const MAX_PAGES: usize = 1_000;
const MAX_ITEMS: usize = 20_000;
const MAX_BYTES: usize = 64 << 20;
/// Longer names, URIs and templates are no use to anybody.
const MAX_NAME: usize = 4_096;

/// A catalogue just listed, without its epoch, and how long it holds by the server's own word.
pub(super) struct Listed {
    pub(super) catalogue: Catalogue,
    pub(super) ttl: Option<Duration>,
}

struct List {
    items: Vec<Item>,
    ttl: Option<Duration>,
}

/// Where a list's items lie, and by what they are named.
#[derive(Clone, Copy)]
struct Shape {
    method: Method2,
    key: &'static str,
    name: &'static str,
}

type Method2 = fn() -> Method;

const TOOLS: Shape = Shape {
    method: || Method::ToolsList,
    key: "tools",
    name: "name",
};
const PROMPTS: Shape = Shape {
    method: || Method::PromptsList,
    key: "prompts",
    name: "name",
};
const RESOURCES: Shape = Shape {
    method: || Method::ResourcesList,
    key: "resources",
    name: "uri",
};
const TEMPLATES: Shape = Shape {
    method: || Method::TemplatesList,
    key: "resourceTemplates",
    name: "uriTemplate",
};

/// Lists what the server's capabilities say it has.
pub(super) async fn list(conversation: &Arc<Conversation>, session: &Session) -> Result<Listed, Failure> {
    let greeting = session.greeting();
    let some = |capability: &str, shape: Shape| {
        let declared = greeting.has(capability);
        async move {
            if declared {
                fetch(conversation, shape).await
            } else {
                Ok(List::empty())
            }
        }
    };
    let (tools, prompts, resources, templates) = tokio::try_join!(
        some("tools", TOOLS),
        some("prompts", PROMPTS),
        some("resources", RESOURCES),
        async {
            match some("resources", TEMPLATES).await {
                // Many servers have resources and no templates, and say so by this error.
                Err(failure) if failure.kind == FailureKind::Protocol => Ok(List::empty()),
                other => other,
            }
        },
    )?;
    let ttl = [&tools, &prompts, &resources, &templates]
        .iter()
        .filter_map(|list| list.ttl)
        .min();
    let catalogue = Catalogue {
        epoch: 0,
        state: CatalogueState::Ready,
        version: Some(greeting.version),
        capabilities: greeting.capabilities.clone(),
        instructions: greeting.instructions.clone(),
        tools: tools
            .items
            .into_iter()
            .filter_map(|item| tool(conversation, item))
            .collect(),
        prompts: prompts.items,
        resources: resources.items,
        templates: templates.items,
        listed: Some(Instant::now()),
    };
    Ok(Listed { catalogue, ttl })
}

/// MCP 2026-07-28: over HTTP a tool with an invalid `x-mcp-header` MUST be dropped; over stdio the annotation means nothing.
fn tool(conversation: &Conversation, item: Item) -> Option<Tool> {
    let headers = match ParamHeaders::of(&item.raw) {
        Ok(headers) => headers,
        Err(_) if matches!(conversation.core.transport, Transport::Stdio(_)) => ParamHeaders::default(),
        Err(problem) => {
            tracing::warn!(server = %conversation.core.name(), tool = &*crate::text::safe(&item.name), %problem, "a tool is left out");
            return None;
        }
    };
    Some(Tool {
        item,
        headers: Arc::new(headers),
    })
}

/// The tools alone, of a session that is to run a call of one.
pub(super) async fn fetch_tools(conversation: &Arc<Conversation>, session: &Session) -> Result<Vec<Item>, Failure> {
    if !session.greeting().has("tools") {
        return Ok(Vec::new());
    }
    Ok(fetch(conversation, TOOLS).await?.items)
}

/// The prompts alone.
pub(super) async fn fetch_prompts(conversation: &Arc<Conversation>, session: &Session) -> Result<Vec<Item>, Failure> {
    if !session.greeting().has("prompts") {
        return Ok(Vec::new());
    }
    Ok(fetch(conversation, PROMPTS).await?.items)
}

async fn fetch(conversation: &Arc<Conversation>, shape: Shape) -> Result<List, Failure> {
    let core = &conversation.core;
    let method = (shape.method)();
    let wrong = |what: &str| core.failure(FailureKind::Protocol, format!("`{method}`: {what}"));
    let mut list = List::empty();
    let (mut names, mut cursors) = (HashSet::new(), HashSet::new());
    let (mut params, mut bytes) = (String::new(), 0);
    for _ in 0..MAX_PAGES {
        let message = conversation.ask(method.clone(), &params).await?;
        let page = match Response::read(&message) {
            Some(Response::Result { result, .. }) => result,
            Some(Response::Error { code, text, .. }) => return Err(wrong(&format!("error {code} {text}"))),
            None => return Err(wrong("the answer is no response")),
        };
        bytes += message.len();
        let array = member(&message, page, shape.key).filter(|span| message.get(span.start) == Some(&b'['));
        let array = array.ok_or_else(|| wrong(&format!("no array `{}` in the result", shape.key)))?;
        for element in json::elements(&message, array) {
            match item(&message, element, shape.name) {
                Some(item) if names.insert(Arc::clone(&item.name)) => list.items.push(item),
                Some(item) => {
                    tracing::warn!(server = %core.name(), name = &*crate::text::safe(&item.name), list = shape.key, "listed twice: the first one counts");
                }
                None => {
                    tracing::warn!(server = %core.name(), list = shape.key, "an item without a proper `{}` is left out", shape.name);
                }
            }
        }
        if bytes > MAX_BYTES || list.items.len() > MAX_ITEMS {
            return Err(core.failure(
                FailureKind::TooLarge,
                format!("`{method}` lists more than the gateway takes"),
            ));
        }
        list.ttl = shorter(list.ttl, ttl(&message, page));
        // Presence counts: an empty string is a cursor.
        let Some(cursor) = member(&message, page, "nextCursor").filter(|span| message.get(span.start) == Some(&b'"'))
        else {
            return Ok(list);
        };
        let cursor = cursor.of(&message).to_vec();
        params = format!("\"cursor\":{}", String::from_utf8_lossy(&cursor));
        if !cursors.insert(cursor) {
            return Err(wrong("the same cursor came twice"));
        }
    }
    Err(wrong("too many pages"))
}

/// `None`: not an object with exactly one such name.
fn item(message: &Bytes, span: Span, name_key: &str) -> Option<Item> {
    let raw = message.slice(span.start..span.end);
    let whole = Span {
        start: 0,
        end: raw.len(),
    };
    if raw.first() != Some(&b'{') {
        return None;
    }
    // `find` refuses a key that stands twice: what we check must be what clients read.
    let name_span = json::find(&raw, whole, name_key).ok()??;
    let name = json::string(&raw, name_span)?;
    if name.is_empty() || name.len() > MAX_NAME {
        return None;
    }
    Some(Item {
        name: name.as_ref().into(),
        name_span,
        description_span: json::find(&raw, whole, "description").ok()?,
        raw,
    })
}

fn ttl(message: &[u8], result: Span) -> Option<Duration> {
    let millis = std::str::from_utf8(member(message, result, "ttlMs")?.of(message))
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_millis(millis))
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

impl List {
    fn empty() -> Self {
        Self {
            items: Vec::new(),
            ttl: None,
        }
    }
}

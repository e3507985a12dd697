//! What one server offers, as it listed it: every item keeps the very bytes that the server sent.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use crate::mcp::{ParamHeaders, Span, Version};

/// All lists of one server. Immutable; a new one takes its place when something changed.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Grows when a list, the instructions or the state really changed.
    pub epoch: u64,
    pub state: CatalogueState,
    pub version: Option<Version>,
    /// The server's, a raw JSON object.
    pub capabilities: Bytes,
    pub instructions: Option<String>,
    pub tools: Vec<Tool>,
    pub prompts: Vec<Item>,
    pub resources: Vec<Item>,
    pub templates: Vec<Item>,
    pub(super) listed: Option<Instant>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CatalogueState {
    /// Still being fetched for the first time.
    NotYet,
    Ready,
    /// Nobody's: each owner of a credential has one.
    Several,
    /// The last attempt failed; what an earlier one brought is still there.
    Failed(String),
}

#[derive(Clone, Debug)]
pub struct Tool {
    pub item: Item,
    /// From `x-mcp-header` in its schema.
    pub headers: Arc<ParamHeaders>,
}

/// A tool, prompt, resource or template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// The name; of a resource its URI, of a template its `uriTemplate`.
    pub name: Arc<str>,
    /// The item's JSON exactly as the server sent it.
    pub raw: Bytes,
    /// Where the value of `name` (`uri`, `uriTemplate`) lies in `raw`, with its quotes.
    pub name_span: Span,
    /// Where the value of `description` lies in `raw`.
    pub description_span: Option<Span>,
}

/// What `status` shows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CatalogueStatus {
    pub state: &'static str,
    pub age_seconds: Option<u64>,
    pub tools: usize,
    pub prompts: usize,
    pub resources: usize,
    pub templates: usize,
}

impl Catalogue {
    pub(super) fn empty(several: bool) -> Self {
        Self {
            epoch: u64::from(several),
            state: if several {
                CatalogueState::Several
            } else {
                CatalogueState::NotYet
            },
            version: None,
            capabilities: Bytes::from_static(b"{}"),
            instructions: None,
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            templates: Vec::new(),
            listed: None,
        }
    }

    /// Apart from epoch and time.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let tools = |catalogue: &Self| {
            catalogue
                .tools
                .iter()
                .map(|tool| tool.item.raw.clone())
                .collect::<Vec<_>>()
        };
        self.state == other.state
            && self.version == other.version
            && self.capabilities == other.capabilities
            && self.instructions == other.instructions
            && tools(self) == tools(other)
            && self.prompts == other.prompts
            && self.resources == other.resources
            && self.templates == other.templates
    }

    pub(super) fn status(&self) -> CatalogueStatus {
        CatalogueStatus {
            state: match self.state {
                CatalogueState::NotYet => "not-yet",
                CatalogueState::Ready => "ready",
                CatalogueState::Several => "several",
                CatalogueState::Failed(_) => "failed",
            },
            age_seconds: self.listed.map(|at| at.elapsed().as_secs()),
            tools: self.tools.len(),
            prompts: self.prompts.len(),
            resources: self.resources.len(),
            templates: self.templates.len(),
        }
    }
}

//! What an endpoint offers before anybody's rights are asked: selected, renamed, with collisions and the lock decided.
//!
//! Made from the catalogues of the endpoint's servers, in the order of the configuration and, within a server, in
//! the server's own order. An item's JSON stays as the server sent it but for a shown name, a description override, and
//! characters hidden in its texts, which are taken out. The lock compares what the server sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::gate::counters::CallCounters;
use crate::gate::generation::Generation;
use crate::gate::visible::{name_is_visible, visible};
use crate::mcp::edit::Edits;
use crate::mcp::json;
use crate::name::{EndpointName, Principal, ServerName};
use crate::pii::Redactor;
use crate::snapshot::{Endpoint, Limits, Selection, ToolNames, ToolOverride};
use crate::text::{hex, safe};
use crate::upstream::{Catalogue, CatalogueState, Item, Tool, Upstream};

/// LLM providers refuse longer names, and one of them kills the client's whole session.
const MAX_SHOWN_NAME: usize = 64;

pub struct Offer {
    pub servers: Vec<OfferServer>,
    pub tools: Vec<OfferTool>,
    pub prompts: Vec<OfferItem>,
    pub resources: Vec<OfferItem>,
    pub templates: Vec<OfferItem>,
    pub problems: Vec<Problem>,
}

pub struct OfferServer {
    pub name: ServerName,
    pub upstream: Arc<Upstream>,
    pub catalogue: Arc<Catalogue>,
    /// Of all its texts.
    pub(super) redactor: Redactor,
}

pub struct OfferTool {
    pub item: OfferItem,
    /// The definition in the server's catalogue.
    pub(super) definition: Tool,
    pub(super) limits: Limits,
    /// Of its calls on this endpoint, looked up at the first one.
    pub(super) counters: OnceLock<Arc<CallCounters>>,
}

#[derive(Clone)]
pub struct OfferItem {
    /// Index into `servers`.
    pub server: usize,
    /// What clients see and send; for resources the URI.
    pub shown: Arc<str>,
    /// What the server calls it.
    pub name: Arc<str>,
    /// As listed to clients.
    pub(super) raw: Bytes,
}

/// Why something that is selected is not served. Shown by `status`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// The shown name, or the URI.
    pub shown: String,
    /// `server/name` of all that are concerned.
    pub items: Vec<String>,
    pub reason: String,
    /// The pinned server whose lock holds it back.
    #[serde(rename = "held-back", skip_serializing_if = "Option::is_none")]
    pub held_back: Option<String>,
}

impl Offer {
    pub(super) fn of(
        generation: &Generation,
        name: &EndpointName,
        endpoint: &Endpoint,
        caller: Option<&Principal>,
    ) -> Self {
        let mut offer = Self {
            servers: Vec::new(),
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            templates: Vec::new(),
            problems: Vec::new(),
        };
        for selection in &endpoint.servers {
            // Shared accounts are of no caller; personal ones of this caller alone.
            let upstream = generation.upstreams.get(&selection.server);
            let Some(upstream) = upstream.and_then(|upstream| upstream.of(caller.unwrap_or(&Principal::Anonymous)))
            else {
                continue;
            };
            let catalogue = upstream.catalogue();
            offer.servers.push(OfferServer {
                name: selection.server.clone(),
                upstream,
                catalogue,
                redactor: generation.filter(name, &selection.server).response(),
            });
            offer.take(generation, endpoint, selection);
        }
        let pinned: Vec<bool> = offer
            .servers
            .iter()
            .map(|server| generation.snapshot.locks.contains_key(&server.name))
            .collect();
        offer.settle_names(&pinned);
        offer
    }

    /// Do the catalogues that it was made from still hold?
    pub(super) fn is_current(&self) -> bool {
        self.servers
            .iter()
            .all(|server| server.upstream.catalogue().epoch == server.catalogue.epoch && !server.upstream.is_replaced())
    }

    fn take(&mut self, generation: &Generation, endpoint: &Endpoint, selection: &Selection) {
        let index = self.servers.len() - 1;
        let catalogue = Arc::clone(&self.servers[index].catalogue);
        let redactor = self.servers[index].redactor.clone();
        let lock = generation.snapshot.locks.get(&selection.server);
        let held = |name: &str, reason: String| Problem {
            shown: name.to_owned(),
            items: vec![format!("{}/{name}", selection.server)],
            reason: format!("held back by the lock: {reason}"),
            held_back: Some(selection.server.to_string()),
        };
        for tool in catalogue
            .tools
            .iter()
            .filter(|tool| selection.tools.is_match(&tool.item.name))
        {
            if let Some(reason) = lock.and_then(|lock| lock.tool_differs(&tool.item.name, &tool.item.raw)) {
                self.problems.push(held(&tool.item.name, reason));
                continue;
            }
            if !name_is_visible(&tool.item) {
                self.problems.push(hidden(&selection.server, &tool.item));
                continue;
            }
            let none = ToolOverride::default();
            let change = selection.overrides.get(&tool.item.name).unwrap_or(&none);
            let shown = change
                .name
                .clone()
                .unwrap_or_else(|| shown_name(endpoint.tool_names, &selection.server, &tool.item.name));
            let raw = redactor.redact_listed(&renamed(&tool.item, &shown, change.description.as_deref()));
            let item = OfferItem {
                server: index,
                shown: shown.into(),
                name: Arc::clone(&tool.item.name),
                raw,
            };
            self.tools.push(OfferTool {
                item,
                definition: tool.clone(),
                limits: change.limits.clone(),
                counters: OnceLock::new(),
            });
        }
        for prompt in catalogue
            .prompts
            .iter()
            .filter(|prompt| selection.prompts.is_match(&prompt.name))
        {
            if let Some(reason) = lock.and_then(|lock| lock.prompt_differs(&prompt.name, &prompt.raw)) {
                self.problems.push(held(&prompt.name, reason));
                continue;
            }
            if !name_is_visible(prompt) {
                self.problems.push(hidden(&selection.server, prompt));
                continue;
            }
            let shown = shown_name(endpoint.tool_names, &selection.server, &prompt.name);
            let raw = redactor.redact_listed(&renamed(prompt, &shown, None));
            self.prompts.push(OfferItem {
                server: index,
                shown: shown.into(),
                name: Arc::clone(&prompt.name),
                raw,
            });
        }
        let plain = |item: &Item| OfferItem {
            server: index,
            shown: Arc::clone(&item.name),
            name: Arc::clone(&item.name),
            raw: redactor.redact_addressed(&visible(&item.raw)),
        };
        self.resources.extend(
            catalogue
                .resources
                .iter()
                .filter(|resource| selection.resources.is_match(&resource.name))
                .map(plain),
        );
        for template in catalogue
            .templates
            .iter()
            .filter(|template| selection.resources.is_match(&template.name))
        {
            match lock.and_then(|lock| lock.template_differs(&template.name, &template.raw)) {
                Some(reason) => self.problems.push(held(&template.name, reason)),
                None => self.templates.push(plain(template)),
            }
        }
        let gone = lock.filter(|_| catalogue.state == CatalogueState::Ready).into_iter();
        for (name, _) in gone.flat_map(|lock| lock.tools()) {
            let listed = || catalogue.tools.iter().any(|tool| tool.item.name == *name);
            if selection.tools.is_match(name) && !listed() {
                self.problems.push(held(name, "it is gone".to_owned()));
            }
        }
    }

    /// What the lock holds back is told when it begins, and when it ends.
    pub(super) fn tell_changes(&self, before: Option<&Self>, endpoint: &EndpointName) {
        let known = before.map_or(&[][..], |before| &before.problems);
        for problem in self.problems.iter().filter(|problem| problem.held_back.is_some()) {
            if !known.contains(problem) {
                tracing::warn!(%endpoint, item = &*safe(&problem.items.join(", ")), reason = &*safe(&problem.reason), "not served");
            }
        }
        for problem in known.iter().filter(|problem| problem.held_back.is_some()) {
            if !self.problems.iter().any(|now| now.items == problem.items) {
                tracing::info!(%endpoint, item = &*safe(&problem.items.join(", ")), "not held back by the lock any more");
            }
        }
    }

    /// How many items the lock of each pinned server holds back.
    pub fn held_back(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for server in self.problems.iter().filter_map(|problem| problem.held_back.as_deref()) {
            *counts.entry(server).or_default() += 1;
        }
        counts
    }

    /// Of several with one shown name the only pinned one keeps it, else none is served. Of several with one URI the first server does.
    fn settle_names(&mut self, pinned: &[bool]) {
        let names = |item: &OfferItem| format!("{}/{}", self.servers[item.server].name, item.name);
        let mut problems = Vec::new();
        let tools: Vec<OfferItem> = self.tools.iter().map(|tool| tool.item.clone()).collect();
        let mut kept = settle(&tools, pinned, names, &mut problems).into_iter();
        let mut kept_prompts = settle(&self.prompts, pinned, names, &mut problems).into_iter();
        let mut kept_resources = first_of_each(&self.resources, names, &mut problems).into_iter();
        let mut kept_templates = first_of_each(&self.templates, names, &mut problems).into_iter();
        self.tools.retain(|_| kept.next().unwrap_or(false));
        self.prompts.retain(|_| kept_prompts.next().unwrap_or(false));
        self.resources.retain(|_| kept_resources.next().unwrap_or(false));
        self.templates.retain(|_| kept_templates.next().unwrap_or(false));
        for problem in &problems {
            tracing::warn!(shown = problem.shown, items = ?problem.items, reason = problem.reason, "not served");
        }
        self.problems.append(&mut problems);
    }
}

/// `{server}_{tool}` or `{tool}`, cut to 64 characters with a hash of the whole, so that it stays the same everywhere.
fn shown_name(scheme: ToolNames, server: &ServerName, name: &str) -> String {
    let full = scheme.of(server, name);
    if full.chars().count() <= MAX_SHOWN_NAME {
        return full;
    }
    let digest = Sha256::digest(full.as_bytes());
    let mut short: String = full.chars().take(MAX_SHOWN_NAME - 9).collect();
    short.push('_');
    short.push_str(&hex(&digest[..4]));
    short
}

/// The item's JSON with the shown name, and another description where the files give one.
fn renamed(item: &Item, shown: &str, description: Option<&str>) -> Bytes {
    let mut edits = Edits::default();
    if *shown != *item.name {
        edits.replace(item.name_span, json::quote(shown));
    }
    if let Some(description) = description {
        match item.description_span {
            Some(span) => edits.replace(span, json::quote(description)),
            None => edits.insert(
                item.name_span.end,
                format!(",\"description\":{}", json::quote(description)),
            ),
        }
    }
    visible(&edits.apply(&item.raw).into_bytes())
}

/// A name that looks like another's is served to nobody: who chose it by a glob has not seen it.
fn hidden(server: &ServerName, item: &Item) -> Problem {
    let name = safe(&item.name);
    Problem {
        shown: name.to_string(),
        items: vec![format!("{server}/{name}")],
        reason: "its name has hidden characters".to_owned(),
        held_back: None,
    }
}

fn settle(
    items: &[OfferItem],
    pinned: &[bool],
    names: impl Fn(&OfferItem) -> String,
    problems: &mut Vec<Problem>,
) -> Vec<bool> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        by_name.entry(&item.shown).or_default().push(at);
    }
    let mut kept = vec![true; items.len()];
    for (at, item) in items.iter().enumerate() {
        let Some(rivals) = by_name.get(&*item.shown).filter(|rivals| rivals.len() > 1) else {
            continue;
        };
        let mut locked = rivals.iter().copied().filter(|&rival| pinned[items[rival].server]);
        let winner = locked.next().filter(|_| locked.next().is_none());
        kept[at] = winner == Some(at);
        if rivals.first() == Some(&at) {
            let reason = match winner {
                Some(winner) => format!(
                    "several tools would be shown by this name: the pinned {} has it",
                    names(&items[winner])
                ),
                None => "several tools would be shown by this name: none is served".to_owned(),
            };
            problems.push(Problem {
                shown: item.shown.to_string(),
                items: rivals.iter().map(|&rival| names(&items[rival])).collect(),
                reason,
                held_back: None,
            });
        }
    }
    kept
}

fn first_of_each(items: &[OfferItem], names: impl Fn(&OfferItem) -> String, problems: &mut Vec<Problem>) -> Vec<bool> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut kept = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let owner = *first.entry(&item.shown).or_insert(at);
        kept.push(owner == at);
        if owner != at && items[owner].server != item.server {
            problems.push(Problem {
                shown: item.shown.to_string(),
                items: vec![names(&items[owner]), names(item)],
                reason: format!(
                    "two servers offer this URI: {} comes first in the configuration and has it",
                    names(&items[owner])
                ),
                held_back: None,
            });
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_the_same_way_each_time() {
        let server = ServerName::new("a-server").unwrap();
        let long = "x".repeat(80);
        let shown = shown_name(ToolNames::ServerAndTool, &server, &long);
        assert_eq!(shown.chars().count(), 64);
        assert_eq!(shown, shown_name(ToolNames::ServerAndTool, &server, &long));
        assert_ne!(shown, shown_name(ToolNames::ServerAndTool, &server, &"x".repeat(81)));
    }

    #[test]
    fn of_two_with_one_name_the_pinned_one_stays() {
        let item = |server, name: &str| OfferItem {
            server,
            shown: "n".into(),
            name: name.into(),
            raw: Bytes::new(),
        };
        let items = [item(0, "a"), item(1, "b")];
        let mut problems = Vec::new();
        assert_eq!(
            settle(&items, &[false, true], |item| item.name.to_string(), &mut problems),
            [false, true]
        );
        assert_eq!(
            settle(&items, &[false, false], |item| item.name.to_string(), &mut problems),
            [false, false]
        );
        assert_eq!(
            settle(&items, &[true, true], |item| item.name.to_string(), &mut problems),
            [false, false]
        );
        assert_eq!(problems.len(), 3);
    }
}

//! What one set of roles may use of an endpoint: name tables for calls, lists rendered once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::gate::offer::{Offer, OfferItem};
use crate::gate::template::Template;
use crate::mcp::Era;
use crate::mcp::edit::Edits;
use crate::mcp::json;
use crate::name::{EndpointName, ServerName};
use crate::snapshot::access::{Holds, Object, Rights};
use crate::text::without_hidden;

/// A kind of thing that is listed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Kind {
    Tools,
    Prompts,
    Resources,
    Templates,
}

pub(super) struct View {
    pub(super) offer: Arc<Offer>,
    /// Those in force when it was made.
    pub(super) holds: Arc<Holds>,
    /// By shown name, an index into the offer.
    tools: HashMap<Arc<str>, usize>,
    prompts: HashMap<Arc<str>, usize>,
    resources: HashMap<Arc<str>, usize>,
    templates: Vec<(Template, usize)>,
    lists: [List; 4],
}

/// A JSON array of what is listed, per era.
struct List {
    legacy: Bytes,
    modern: Bytes,
    fingerprint: u64,
}

impl View {
    /// Asks `snapshot::access` about every item of the offer: what is listed and what may be called is one answer.
    pub(super) fn of(endpoint: &EndpointName, offer: Arc<Offer>, rights: &Rights, holds: Arc<Holds>) -> Self {
        let listed = |object: Object<'_>| rights.decide(endpoint, object, None).is_listed();
        let server = |item: &OfferItem| &offer.servers[item.server].name;
        let tools = select(offer.tools.iter().map(|tool| &tool.item), |item| {
            listed(Object::Tool {
                server: server(item),
                tool: &item.name,
            })
        });
        let prompts = select(&offer.prompts, |item| {
            listed(Object::Prompt {
                server: server(item),
                name: &item.name,
            })
        });
        let resources = select(&offer.resources, |item| {
            listed(Object::Resource {
                server: server(item),
                uri: &item.name,
            })
        });
        // A template is a promise of resources: each read is decided by its own URI, the template is listed where it could hold one.
        let templates = select(&offer.templates, |item| {
            listed(Object::Resource {
                server: server(item),
                uri: &item.name,
            })
        });
        let lists = [
            List::of(tools.iter().map(|&at| &offer.tools[at].item.raw), true),
            List::of(prompts.iter().map(|&at| &offer.prompts[at].raw), false),
            List::of(resources.iter().map(|&at| &offer.resources[at].raw), false),
            List::of(templates.iter().map(|&at| &offer.templates[at].raw), false),
        ];
        let table =
            |items: &[usize], shown: &dyn Fn(usize) -> Arc<str>| items.iter().map(|&at| (shown(at), at)).collect();
        Self {
            tools: table(&tools, &|at| Arc::clone(&offer.tools[at].item.shown)),
            prompts: table(&prompts, &|at| Arc::clone(&offer.prompts[at].shown)),
            resources: table(&resources, &|at| Arc::clone(&offer.resources[at].shown)),
            templates: templates
                .iter()
                .filter_map(|&at| Some((Template::new(&offer.templates[at].name)?, at)))
                .collect(),
            lists,
            offer,
            holds,
        }
    }

    /// Is there nothing at all?
    pub(super) fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.prompts.is_empty() && self.resources.is_empty() && self.templates.is_empty()
    }

    /// Is anything of this server in it?
    pub(super) fn has_server(&self, name: &ServerName) -> bool {
        let Some(server) = self.offer.servers.iter().position(|server| server.name == *name) else {
            return false;
        };
        let offer = &self.offer;
        self.tools.values().any(|&at| offer.tools[at].item.server == server)
            || self.prompts.values().any(|&at| offer.prompts[at].server == server)
            || self.resources.values().any(|&at| offer.resources[at].server == server)
            || self
                .templates
                .iter()
                .any(|&(_, at)| offer.templates[at].server == server)
    }

    /// An index into the offer.
    pub(super) fn tool(&self, shown: &str) -> Option<usize> {
        self.tools.get(shown).copied()
    }

    pub(super) fn prompt(&self, shown: &str) -> Option<&OfferItem> {
        self.prompts.get(shown).map(|&at| &self.offer.prompts[at])
    }

    /// The servers that may serve a URI: the one that lists it, else those with a template that it fits, in order.
    pub(super) fn resource_servers<'a>(&'a self, uri: &'a str) -> impl Iterator<Item = usize> + 'a {
        let listed = self.resources.get(uri).map(|&at| self.offer.resources[at].server);
        let fitting = self
            .templates
            .iter()
            .filter(move |(template, _)| listed.is_none() && template.is_match(uri));
        listed
            .into_iter()
            .chain(fitting.map(|&(_, at)| self.offer.templates[at].server))
    }

    /// The server of a template as it is written, for completion.
    pub(super) fn template_server(&self, uri_template: &str) -> Option<usize> {
        self.templates
            .iter()
            .map(|&(_, at)| &self.offer.templates[at])
            .find(|item| *item.name == *uri_template)
            .map(|item| item.server)
    }

    pub(super) fn list(&self, kind: Kind, era: Era) -> &Bytes {
        self.lists[kind as usize].of_era(era)
    }

    /// The list of one caller who may use less than the others, and its fingerprint. Rendered anew each time.
    pub(super) fn list_without(&self, kind: Kind, era: Era, leave_out: impl Fn(&OfferItem) -> bool) -> (Bytes, u64) {
        let raw = |table: &HashMap<Arc<str>, usize>, items: &mut dyn Iterator<Item = &OfferItem>| {
            let own = items
                .enumerate()
                .filter(|(at, item)| table.get(&item.shown) == Some(at));
            let left = own.filter(|(_, item)| !leave_out(item));
            left.map(|(_, item)| item.raw.clone()).collect::<Vec<Bytes>>()
        };
        let raw = match kind {
            Kind::Tools => raw(&self.tools, &mut self.offer.tools.iter().map(|tool| &tool.item)),
            Kind::Prompts => raw(&self.prompts, &mut self.offer.prompts.iter()),
            Kind::Resources | Kind::Templates => {
                return (self.list(kind, era).clone(), self.announced_fingerprint(kind));
            }
        };
        let list = List::of(raw.iter(), kind == Kind::Tools);
        let fingerprint = list.fingerprint;
        (list.of_era(era).clone(), fingerprint)
    }

    /// Changes when what `list_changed` announces does: templates are announced as resources.
    pub(super) fn announced_fingerprint(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Resources | Kind::Templates => {
                self.fingerprint(Kind::Resources) ^ self.fingerprint(Kind::Templates).rotate_left(1)
            }
            Kind::Tools | Kind::Prompts => self.fingerprint(kind),
        }
    }

    /// Changes exactly when what is listed changes.
    fn fingerprint(&self, kind: Kind) -> u64 {
        self.lists[kind as usize].fingerprint
    }

    /// What the servers tell about themselves, under their names.
    pub(super) fn instructions(&self) -> Option<String> {
        const MAX: usize = 16 * 1024;
        let told = self.offer.servers.iter().filter_map(|server| {
            let text = server.catalogue.instructions.as_deref()?;
            let (redacted, _) = server.redactor.redact_text(text.as_bytes());
            Some((&server.name, String::from_utf8(redacted).ok()?))
        });
        let told: Vec<_> = told.filter(|(_, text)| !text.is_empty()).collect();
        let text = match told.as_slice() {
            [] => return None,
            [(_, text)] if self.offer.servers.len() == 1 => text.clone(),
            several => several
                .iter()
                .map(|(name, text)| format!("## {name}\n{text}"))
                .collect::<Vec<_>>()
                .join("\n\n"),
        };
        Some(
            without_hidden(&text)
                .char_indices()
                .take_while(|(at, _)| *at < MAX)
                .map(|(_, letter)| letter)
                .collect(),
        )
    }
}

impl List {
    fn of_era(&self, era: Era) -> &Bytes {
        match era {
            Era::Legacy => &self.legacy,
            Era::Modern => &self.modern,
        }
    }

    fn of<'a>(items: impl Iterator<Item = &'a Bytes> + Clone, tools: bool) -> Self {
        let modern = array(items.clone().cloned());
        let differs = tools && items.clone().any(|item| for_legacy(item).is_some());
        let legacy = if differs {
            array(items.map(|item| for_legacy(item).unwrap_or_else(|| item.clone())))
        } else {
            modern.clone()
        };
        let mut hasher = DefaultHasher::new();
        modern.hash(&mut hasher);
        Self {
            legacy,
            modern,
            fingerprint: hasher.finish(),
        }
    }
}

fn select<'a>(items: impl IntoIterator<Item = &'a OfferItem>, listed: impl Fn(&OfferItem) -> bool) -> Vec<usize> {
    items
        .into_iter()
        .enumerate()
        .filter(|(_, item)| listed(item))
        .map(|(at, _)| at)
        .collect()
}

fn array(items: impl Iterator<Item = Bytes>) -> Bytes {
    let mut out = BytesMut::from(&b"["[..]);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        out.extend_from_slice(&item);
    }
    out.put_u8(b']');
    out.freeze()
}

/// Legacy revisions know structured output as objects only: an `outputSchema` of another root type is left out for them.
fn for_legacy(tool: &Bytes) -> Option<Bytes> {
    let whole = json::check(tool).ok()?;
    let schema = json::members(tool, whole).find(|member| member.key_str(tool).as_deref() == Some("outputSchema"))?;
    let root = json::find(tool, schema.value, "type").ok().flatten();
    let is_object = root.is_some_and(|root| json::string(tool, root).as_deref() == Some("object"));
    if is_object {
        return None;
    }
    let mut edits = Edits::default();
    edits.remove_members(&[schema]);
    Some(edits.apply(tool).into_bytes())
}

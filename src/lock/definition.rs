//! One recorded definition, and what a live one changes in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::number::canonical;
use crate::mcp::Json;

/// What is recorded of one kind of definition. Everything else (icons, `_meta`, vendor fields) is not compared.
pub(super) struct Shape {
    pub(super) what: &'static str,
    /// The list in the file.
    pub(super) list: &'static str,
    /// The field that tells one from another.
    pub(super) key: &'static str,
    /// In the order of the file, with the words of a difference.
    pub(super) fields: &'static [(&'static str, &'static str)],
}

pub(super) const TOOL: Shape = Shape {
    what: "tool",
    list: "tools",
    key: "name",
    fields: &[
        ("name", "name"),
        ("title", "title"),
        ("description", "description"),
        ("inputSchema", "input schema"),
        ("outputSchema", "output schema"),
        ("annotations", "annotations"),
    ],
};

pub(super) const PROMPT: Shape = Shape {
    what: "prompt",
    list: "prompts",
    key: "name",
    fields: &[
        ("name", "name"),
        ("title", "title"),
        ("description", "description"),
        ("arguments", "arguments"),
    ],
};

pub(super) const TEMPLATE: Shape = Shape {
    what: "template",
    list: "templates",
    key: "uriTemplate",
    fields: &[
        ("uriTemplate", "URI template"),
        ("name", "name"),
        ("title", "title"),
        ("description", "description"),
        ("mimeType", "MIME type"),
        ("annotations", "annotations"),
    ],
};

/// The recorded fields of one definition, numbers in one way of writing; `null` is as good as absent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Definition {
    pub(super) fields: BTreeMap<&'static str, Json>,
}

/// Why a live definition is held back: the first thing that is not as reviewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference(String);

/// A tool as it was reviewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LockedTool(pub(super) Definition);

/// A prompt as it was reviewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LockedPrompt(pub(super) Definition);

/// A resource template as it was reviewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LockedTemplate(pub(super) Definition);

impl LockedTool {
    /// The lock says `readOnlyHint`: true.
    pub fn is_read_only(&self) -> bool {
        self.hint("readOnlyHint") == Some(true)
    }

    /// The lock says neither `readOnlyHint`: true nor `destructiveHint`: false.
    pub fn is_destructive(&self) -> bool {
        !self.is_read_only() && self.hint("destructiveHint") != Some(false)
    }

    /// `live`: the JSON of the tool in the server's list.
    pub fn differs(&self, live: &[u8]) -> Option<Difference> {
        self.0.differs(&TOOL, live)
    }

    fn hint(&self, name: &str) -> Option<bool> {
        self.0.fields.get("annotations")?.get(name)?.as_bool()
    }
}

impl LockedPrompt {
    /// `live`: the JSON of the prompt in the server's list.
    pub fn differs(&self, live: &[u8]) -> Option<Difference> {
        self.0.differs(&PROMPT, live)
    }
}

impl LockedTemplate {
    /// `live`: the JSON of the template in the server's list.
    pub fn differs(&self, live: &[u8]) -> Option<Difference> {
        self.0.differs(&TEMPLATE, live)
    }
}

impl LockedTool {
    /// Everything of it that a model reads: title, description, and all texts and keys of its schemas and annotations.
    pub fn texts(&self) -> Vec<&str> {
        self.0.texts()
    }
}

impl LockedPrompt {
    /// Everything of it that a model reads.
    pub fn texts(&self) -> Vec<&str> {
        self.0.texts()
    }
}

impl LockedTemplate {
    /// Everything of it that a model reads.
    pub fn texts(&self) -> Vec<&str> {
        self.0.texts()
    }
}

impl Difference {
    /// In a few words: `description changed`.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Definition {
    /// Picks the recorded fields out of a definition; the second half is the key. `None`: it has no key.
    pub(super) fn pick(shape: &Shape, json: Json) -> Option<(Arc<str>, Self)> {
        let Json::Object(mut members) = json else {
            return None;
        };
        let fields: BTreeMap<&'static str, Json> = shape
            .fields
            .iter()
            .filter_map(|(field, _)| Some((*field, members.remove(*field)?)))
            .filter(|(_, value)| *value != Json::Null)
            .map(|(field, value)| (field, normal(value)))
            .collect();
        let key = fields.get(shape.key)?.as_str()?.into();
        Some((key, Self { fields }))
    }

    fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        let mut open: Vec<&Json> = self.fields.values().collect();
        while let Some(json) = open.pop() {
            match json {
                Json::String(text) => texts.push(&**text),
                Json::Array(elements) => open.extend(elements),
                Json::Object(members) => {
                    texts.extend(members.keys().map(|key| &**key));
                    open.extend(members.values());
                }
                Json::Boolean(_) | Json::Null | Json::Number(_) => {}
            }
        }
        texts
    }

    fn differs(&self, shape: &Shape, live: &[u8]) -> Option<Difference> {
        let json = match Json::parse(live) {
            Ok(json) => json,
            Err(error) => return Some(Difference(format!("definition cannot be read: {error}"))),
        };
        let Some((_, live)) = Self::pick(shape, json) else {
            return Some(Difference(format!("{} missing", shape.key)));
        };
        let differs = |field: &&(&str, &str)| self.fields.get(field.0) != live.fields.get(field.0);
        let (field, words) = shape.fields.iter().find(differs)?;
        let verb = match (self.fields.contains_key(field), live.fields.contains_key(field)) {
            (false, _) => "added",
            (_, false) => "removed",
            _ => "changed",
        };
        Some(Difference(format!("{words} {verb}")))
    }
}

fn normal(json: Json) -> Json {
    match json {
        Json::Number(text) => Json::Number(canonical(&text).into()),
        Json::Array(elements) => Json::Array(elements.into_iter().map(normal).collect()),
        Json::Object(members) => Json::Object(members.into_iter().map(|(key, value)| (key, normal(value))).collect()),
        other => other,
    }
}

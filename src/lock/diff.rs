//! What a server lists beside what was reviewed: which definitions are new, gone, renamed or changed, and in which fields.
//!
//! Two locks in, a [`Diff`] out; `render` shows it. What always holds: a lock and itself differ in nothing, two different
//! locks in something.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Lock;
use super::definition::{Definition, PROMPT, Shape, TEMPLATE, TOOL};
use crate::mcp::Json;

/// Tools, prompts and templates in this order, each by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Diff {
    /// What the server spoke when it was recorded, and what it speaks.
    pub(super) protocol: Option<(String, String)>,
    pub(super) changes: Vec<Change>,
}

/// One definition that is not as it was reviewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Change {
    /// `tool`, `prompt`, `template`.
    pub(super) kind: &'static str,
    pub(super) name: Arc<str>,
    pub(super) what: What,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum What {
    Changed(Vec<Field>),
    Gone,
    New(Vec<Field>),
    /// Everything else is as it was under the old name.
    Renamed {
        from: Arc<str>,
    },
}

/// One field of a definition, before and after; one of them is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Field {
    /// As the protocol calls it.
    pub(super) name: &'static str,
    /// As people do.
    pub(super) words: &'static str,
    pub(super) before: Option<Json>,
    pub(super) after: Option<Json>,
}

impl Lock {
    /// What is to be reviewed before `live` may take the place of this lock.
    pub fn diff(&self, live: &Self) -> Diff {
        let mut changes = Vec::new();
        compare(&TOOL, &self.tools, &live.tools, |tool| &tool.0, &mut changes);
        compare(&PROMPT, &self.prompts, &live.prompts, |prompt| &prompt.0, &mut changes);
        compare(
            &TEMPLATE,
            &self.templates,
            &live.templates,
            |template| &template.0,
            &mut changes,
        );
        Diff {
            protocol: (self.protocol != live.protocol).then(|| (self.protocol.clone(), live.protocol.clone())),
            changes,
        }
    }
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.protocol.is_none() && self.changes.is_empty()
    }

    /// `2 changed, 1 new, 1 gone`; what there is none of is left out.
    pub fn summary(&self) -> String {
        let count = |is: fn(&What) -> bool| self.changes.iter().filter(|change| is(&change.what)).count();
        let counts = [
            (count(|what| matches!(what, What::Changed(_))), "changed"),
            (count(|what| matches!(what, What::New(_))), "new"),
            (count(|what| matches!(what, What::Renamed { .. })), "renamed"),
            (count(|what| matches!(what, What::Gone)), "gone"),
        ];
        let mut parts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if self.protocol.is_some() {
            parts.push("another protocol version".to_owned());
        }
        parts.join(", ")
    }
}

fn compare<T>(
    shape: &Shape,
    known: &BTreeMap<Arc<str>, T>,
    live: &BTreeMap<Arc<str>, T>,
    definition: impl Fn(&T) -> &Definition,
    changes: &mut Vec<Change>,
) {
    let mut gone: HashMap<Vec<(&str, &Json)>, Vec<&Arc<str>>> = HashMap::new();
    for (name, old) in known.iter().filter(|(name, _)| !live.contains_key(*name)) {
        gone.entry(unnamed(shape, definition(old))).or_default().push(name);
    }
    let mut renamed = BTreeMap::new();
    for (name, new) in live.iter().filter(|(name, _)| !known.contains_key(*name)) {
        let from = gone.get_mut(&unnamed(shape, definition(new))).and_then(Vec::pop);
        renamed.extend(from.map(|from| (name, from)));
    }
    let gone = gone.into_values().flatten();
    let names: BTreeSet<&Arc<str>> = live.keys().chain(gone).collect();
    for name in names {
        let what = match (known.get(name), live.get(name)) {
            (Some(before), Some(after)) => match fields(shape, Some(definition(before)), Some(definition(after))) {
                same if same.is_empty() => continue,
                fields => What::Changed(fields),
            },
            (_, None) => What::Gone,
            (None, Some(after)) => match renamed.get(name) {
                Some(from) => What::Renamed { from: Arc::clone(from) },
                None => What::New(fields(shape, None, Some(definition(after)))),
            },
        };
        changes.push(Change {
            kind: shape.what,
            name: Arc::clone(name),
            what,
        });
    }
}

/// All but what it is called by: equal under two names, it was renamed.
fn unnamed<'a>(shape: &Shape, definition: &'a Definition) -> Vec<(&'static str, &'a Json)> {
    let fields = definition.fields.iter().map(|(field, value)| (*field, value));
    fields.filter(|(field, _)| *field != shape.key).collect()
}

/// The fields in which they differ, in the order of the file; of a new one all but its name.
fn fields(shape: &Shape, before: Option<&Definition>, after: Option<&Definition>) -> Vec<Field> {
    let of = |definition: Option<&Definition>, field| definition.and_then(|known| known.fields.get(field)).cloned();
    shape
        .fields
        .iter()
        .filter(|(field, _)| before.is_some() || *field != shape.key)
        .map(|&(name, words)| Field {
            name,
            words,
            before: of(before, name),
            after: of(after, name),
        })
        .filter(|field| field.before != field.after)
        .collect()
}

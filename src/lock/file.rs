//! The file: read strictly, recorded from live definitions, written in one way only.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::definition::{Definition, LockedPrompt, LockedTemplate, LockedTool, PROMPT, Shape, TEMPLATE, TOOL};
use super::write::{write_json, write_string};
use super::{Lock, LockError};
use crate::mcp::Json;

impl Lock {
    /// Reads a lock file. Fields that a lock does not have are an error, since nobody would compare them.
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        let json = Json::parse(bytes).map_err(|error| LockError {
            offset: error.offset,
            message: error.problem.to_string(),
        })?;
        let at_start = |message: String| LockError { offset: 0, message };
        let Json::Object(mut members) = json else {
            return Err(at_start("a lock is a JSON object".to_owned()));
        };
        let protocol = match members.remove("protocol") {
            Some(Json::String(protocol)) => protocol.into(),
            _ => return Err(at_start("`protocol` is missing, or not a string".to_owned())),
        };
        let mut list = |shape: &Shape| match members.remove(shape.list) {
            None => Ok(Vec::new()),
            Some(Json::Array(elements)) => {
                elements.iter().try_for_each(|json| check_fields(shape, json))?;
                Ok(elements)
            }
            Some(_) => Err(format!("`{}` is not an array", shape.list)),
        };
        let lists = (|| Ok((list(&TOOL)?, list(&PROMPT)?, list(&TEMPLATE)?)))();
        let (tools, prompts, templates) = lists.map_err(at_start)?;
        if let Some(unknown) = members.keys().next() {
            return Err(at_start(format!("a lock has no field `{unknown}`")));
        }
        Self::of(protocol, tools, prompts, templates).map_err(at_start)
    }

    /// Records what a server lists: the JSON of each tool, prompt and template, selected or not.
    pub fn record<'a>(
        protocol: &str,
        tools: impl IntoIterator<Item = &'a [u8]>,
        prompts: impl IntoIterator<Item = &'a [u8]>,
        templates: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, LockError> {
        let lock = Self::of(
            protocol.to_owned(),
            read_all(&TOOL, tools)?,
            read_all(&PROMPT, prompts)?,
            read_all(&TEMPLATE, templates)?,
        );
        lock.map_err(|message| LockError { offset: 0, message })
    }

    fn of(protocol: String, tools: Vec<Json>, prompts: Vec<Json>, templates: Vec<Json>) -> Result<Self, String> {
        Ok(Self {
            protocol,
            tools: by_key(&TOOL, tools, LockedTool)?,
            prompts: by_key(&PROMPT, prompts, LockedPrompt)?,
            templates: by_key(&TEMPLATE, templates, LockedTemplate)?,
        })
    }
}

fn read_all<'a>(shape: &Shape, raw: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Json>, LockError> {
    let read = |bytes: &[u8]| {
        Json::parse(bytes).map_err(|error| LockError {
            offset: error.offset,
            message: format!("a {} of the server: {}", shape.what, error.problem),
        })
    };
    raw.into_iter().map(read).collect()
}

fn check_fields(shape: &Shape, json: &Json) -> Result<(), String> {
    let Json::Object(members) = json else {
        return Err(format!("a {} is not a JSON object", shape.what));
    };
    match members
        .keys()
        .find(|key| shape.fields.iter().all(|(field, _)| *field != &***key))
    {
        Some(unknown) => Err(format!("a {} in a lock has no field `{unknown}`", shape.what)),
        None => Ok(()),
    }
}

/// Two of one name would leave open which of them was reviewed.
fn by_key<T>(
    shape: &Shape,
    definitions: Vec<Json>,
    locked: impl Fn(Definition) -> T,
) -> Result<BTreeMap<Arc<str>, T>, String> {
    let mut map = BTreeMap::new();
    for json in definitions {
        let (key, definition) =
            Definition::pick(shape, json).ok_or_else(|| format!("a {} has no `{}`", shape.what, shape.key))?;
        if map.insert(key.clone(), locked(definition)).is_some() {
            return Err(format!("{} `{key}` stands twice", shape.what));
        }
    }
    Ok(map)
}

/// The file's text: sorted, indented by two, with a newline at the end.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\n  \"protocol\": ")?;
        write_string(f, &self.protocol)?;
        write_list(f, &TOOL, self.tools.values().map(|tool| &tool.0))?;
        write_list(f, &PROMPT, self.prompts.values().map(|prompt| &prompt.0))?;
        write_list(f, &TEMPLATE, self.templates.values().map(|template| &template.0))?;
        f.write_str("\n}\n")
    }
}

fn write_list<'a>(
    f: &mut fmt::Formatter<'_>,
    shape: &Shape,
    definitions: impl Iterator<Item = &'a Definition>,
) -> fmt::Result {
    write!(f, ",\n  \"{}\": [", shape.list)?;
    let mut separator = "\n    {";
    for definition in definitions {
        f.write_str(separator)?;
        let mut comma = "\n";
        for (field, _) in shape.fields {
            if let Some(value) = definition.fields.get(field) {
                write!(f, "{comma}      \"{field}\": ")?;
                write_json(f, value, 3)?;
                comma = ",\n";
            }
        }
        separator = "\n    },\n    {";
    }
    f.write_str(if separator == "\n    {" { "]" } else { "\n    }\n  ]" })
}

//! The grammar as JSON Schema (draft 7, which editors know best).

use std::collections::BTreeMap;

use serde_json::{Map as Object, Value, json};

use super::{Kind, Shape, TableDoc};
use crate::config::table::{Root, TestFile};

/// Of one configuration file: any table may stand in any file, so none is required at the top.
pub fn configuration_schema() -> String {
    schema::<Root>("mcpgw configuration")
}

/// Of a `*.test.toml`.
pub fn test_schema() -> String {
    schema::<TestFile>("mcpgw tests")
}

fn schema<T: Shape>(title: &str) -> String {
    let mut definitions = BTreeMap::new();
    let mut top = match T::kind() {
        Kind::Table(doc) => table(doc, &mut definitions),
        other => kind(&other, &mut definitions),
    };
    top["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    top["title"] = title.into();
    top["definitions"] = definitions.into_iter().collect::<Object<_, _>>().into();
    format!("{top:#}\n")
}

fn table(doc: TableDoc, definitions: &mut BTreeMap<String, Value>) -> Value {
    let keys = (doc.keys)();
    let mut properties = Object::new();
    for key in &keys {
        let mut value = kind(&key.kind, definitions);
        let mut words = sentence(key.doc);
        if !key.default.is_empty() {
            words = format!("{words} Default: `{}`.", key.default);
        }
        // Draft 7 ignores what stands beside `$ref`.
        if value.get("$ref").is_some() {
            value = json!({ "allOf": [value] });
        }
        value["description"] = words.into();
        properties.insert(key.name.to_owned(), value);
    }
    // A required key may stand in another file than the rest of its table: then it is `validate` that asks for it.
    // Only tables that cannot be split, those written in braces, could insist; editors would nag about the others.
    json!({
        "type": "object",
        "description": sentence(doc.doc),
        "additionalProperties": false,
        "properties": properties,
    })
}

fn sentence(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn reference(doc: TableDoc, definitions: &mut BTreeMap<String, Value>) -> Value {
    if !definitions.contains_key(doc.name) {
        definitions.insert(doc.name.to_owned(), Value::Null);
        let value = table(doc, definitions);
        definitions.insert(doc.name.to_owned(), value);
    }
    json!({ "$ref": format!("#/definitions/{}", doc.name) })
}

fn kind(kind: &Kind, definitions: &mut BTreeMap<String, Value>) -> Value {
    match kind {
        Kind::Any => json!({}),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "enum": words }),
        // taplo and its like show a TOML date to the schema as a string.
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Duration { .. } => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
        Kind::Integer { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::List(item) => json!({ "type": "array", "items": self::kind(item, definitions) }),
        Kind::Map { names, item } => {
            let item = self::kind(item, definitions);
            json!({ "type": "object", "patternProperties": { *names: item }, "additionalProperties": false })
        }
        Kind::Scalar => json!({ "type": ["string", "integer", "boolean"] }),
        Kind::Secret => secret(definitions),
        Kind::Setting => json!({ "anyOf": [{ "type": "string" }, secret(definitions)] }),
        Kind::Size { .. } => json!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB|KB|MB|GB)$" }),
        Kind::Table(doc) => reference(*doc, definitions),
        Kind::Tables(doc) => json!({ "type": "array", "items": reference(*doc, definitions) }),
        Kind::Text(format) if format.pattern.is_empty() => json!({ "type": "string" }),
        Kind::Text(format) => json!({ "type": "string", "pattern": format.pattern }),
    }
}

fn secret(definitions: &mut BTreeMap<String, Value>) -> Value {
    definitions.entry("Secret".to_owned()).or_insert_with(|| {
        let one = |key: &str, value: Value| {
            json!({ "type": "object", "additionalProperties": false, "required": [key], "properties": { key: value } })
        };
        json!({
            "description": "Where the gateway finds a secret: never the secret itself.",
            "oneOf": [
                one("env", json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" })),
                one("file", json!({ "type": "string", "minLength": 1 })),
                one("command", json!({ "type": "array", "minItems": 1, "items": { "type": "string" } })),
            ],
        })
    });
    json!({ "$ref": "#/definitions/Secret" })
}

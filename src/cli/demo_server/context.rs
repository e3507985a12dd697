//! The prompt, the resources, and completion of their arguments.

use serde_json::{Map, Value, json};

use super::data::{CUSTOMERS, customer};
use super::reply::{INVALID_PARAMS, RESOURCE_NOT_FOUND, Refusal, members};
use crate::mcp::{Era, Version};

const ABOUT: &str = "demo://about";
const TEMPLATE: &str = "demo://customers/{id}";
const PREFIX: &str = "demo://customers/";
const PROMPT: &str = "customer_letter";

pub(super) fn prompts(version: Version) -> Value {
    json!([titled(
        version,
        "Letter to a customer",
        json!({
            "name": PROMPT,
            "description": "Asks for a short letter to a customer about a subject.",
            "arguments": [
                { "name": "id", "description": "the customer's id", "required": true },
                { "name": "subject", "description": "what it is about", "required": false }
            ]
        })
    )])
}

pub(super) fn prompt(params: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let name = string(params, "name")?;
    if name != PROMPT {
        return Err(Refusal::params(format!("there is no prompt `{name}`")));
    }
    let empty = Map::new();
    let arguments = params.get("arguments").and_then(Value::as_object).unwrap_or(&empty);
    let id = string(arguments, "id")?;
    let to = customer(id).ok_or_else(|| Refusal::params(format!("there is no customer `{id}`")))?;
    let subject = arguments
        .get("subject")
        .and_then(Value::as_str)
        .unwrap_or("their last order");
    let text = format!(
        "Write a short, friendly letter to {} <{}> about {subject}.",
        to.name, to.email
    );
    Ok(members(json!({
        "description": format!("A letter to {}", to.name),
        "messages": [{ "role": "user", "content": { "type": "text", "text": text } }]
    })))
}

pub(super) fn resources(version: Version) -> Value {
    json!([titled(
        version,
        "About the demo server",
        json!({
            "uri": ABOUT,
            "name": "about",
            "description": "What this server is for.",
            "mimeType": "text/plain"
        })
    )])
}

pub(super) fn templates(version: Version) -> Value {
    json!([titled(
        version,
        "A customer's card",
        json!({
            "uriTemplate": TEMPLATE,
            "name": "customer",
            "description": "Name and email address of one customer.",
            "mimeType": "application/json"
        })
    )])
}

pub(super) fn read(params: &Map<String, Value>, version: Version) -> Result<Map<String, Value>, Refusal> {
    let uri = string(params, "uri")?;
    let (kind, text) = if uri == ABOUT {
        (
            "text/plain",
            "Made-up customers and orders, to try a gateway on.".to_owned(),
        )
    } else if let Some(person) = uri.strip_prefix(PREFIX).and_then(customer) {
        (
            "application/json",
            json!({ "id": person.id, "name": person.name, "email": person.email }).to_string(),
        )
    } else {
        // 2026-07-28 gave the code of its own up.
        let code = if version.era() == Era::Modern {
            INVALID_PARAMS
        } else {
            RESOURCE_NOT_FOUND
        };
        return Err(Refusal::new(code, "resource not found").with(json!({ "uri": uri })));
    };
    Ok(members(
        json!({ "contents": [{ "uri": uri, "mimeType": kind, "text": text }] }),
    ))
}

/// Customers' ids by what is typed, for the prompt and for the template.
pub(super) fn complete(params: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let none = || Refusal::params("`ref` must name the prompt or the template of this server");
    let reference = params.get("ref").and_then(Value::as_object).ok_or_else(none)?;
    let known = match reference.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => reference.get("name").and_then(Value::as_str) == Some(PROMPT),
        Some("ref/resource") => reference.get("uri").and_then(Value::as_str) == Some(TEMPLATE),
        _ => false,
    };
    if !known {
        return Err(none());
    }
    let argument = params.get("argument").and_then(Value::as_object);
    let argument = argument.ok_or_else(|| Refusal::params("`argument` must be given"))?;
    let (name, typed) = (string(argument, "name")?, string(argument, "value")?);
    let ids = CUSTOMERS.iter().map(|customer| customer.id);
    let values: Vec<&str> = ids.filter(|id| name == "id" && id.starts_with(typed)).collect();
    Ok(members(
        json!({ "completion": { "total": values.len(), "hasMore": false, "values": values } }),
    ))
}

pub(super) fn string<'a>(params: &'a Map<String, Value>, key: &str) -> Result<&'a str, Refusal> {
    let value = params.get(key).and_then(Value::as_str);
    value.ok_or_else(|| Refusal::params(format!("`{key}` must be given, as a string")))
}

/// Titles came with 2025-06-18.
fn titled(version: Version, title: &str, mut item: Value) -> Value {
    if version >= Version::V2025_06_18 {
        item["title"] = json!(title);
    }
    item
}

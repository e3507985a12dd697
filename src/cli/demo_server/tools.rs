//! The tools: definitions as each revision wants them, and what they answer.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::data::{CUSTOMERS, Customer, ORDERS, customer};
use super::reply::members;
use crate::mcp::Version;

/// Steps of `slow_report`, and how long each may take.
const MOST_STEPS: u64 = 50;
const LONGEST_STEP: u64 = 2_000;

#[expect(clippy::too_many_lines, reason = "one table")]
/// What `tools/list` carries.
pub(super) fn definitions(version: Version) -> Vec<Value> {
    let mut tools = vec![
        json!({
            "name": "list_customers",
            "title": "List customers",
            "description": "Lists all customers with name and email address.",
            "inputSchema": { "type": "object", "additionalProperties": false },
            "outputSchema": {
                "type": "object",
                "properties": { "customers": { "type": "array", "items": {
                    "type": "object",
                    "properties": { "id": { "type": "string" }, "name": { "type": "string" }, "email": { "type": "string" } },
                    "required": ["id", "name", "email"]
                } } },
                "required": ["customers"]
            },
            "annotations": { "readOnlyHint": true, "openWorldHint": false }
        }),
        json!({
            "name": "get_customer",
            "title": "Get a customer",
            "description": "Everything known about one customer: contact, social security number, card, last login.",
            "inputSchema": {
                "type": "object",
                "properties": { "id": { "type": "string", "description": "e.g. c-1001" } },
                "required": ["id"],
                "additionalProperties": false
            },
            "outputSchema": {
                "type": "object",
                "properties": {
                    "id": { "type": "string" }, "name": { "type": "string" }, "email": { "type": "string" },
                    "phone": { "type": "string" }, "ssn": { "type": "string" }, "card": { "type": "string" },
                    "last_login_from": { "type": "string" }
                },
                "required": ["id", "name"]
            },
            "annotations": { "readOnlyHint": true, "openWorldHint": false }
        }),
        json!({
            "name": "search_orders",
            "title": "Search orders",
            "description": "Finds orders by a word of the item or by the customer's id.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "query": { "type": "string", "description": "e.g. lamp, or c-1004" },
                    "limit": { "type": "integer", "minimum": 1, "maximum": 50, "default": 10 }
                },
                "required": ["query"],
                "additionalProperties": false
            },
            "outputSchema": {
                "type": "object",
                "properties": { "orders": { "type": "array", "items": { "type": "object" } } },
                "required": ["orders"]
            },
            "annotations": { "readOnlyHint": true, "openWorldHint": false }
        }),
        json!({
            "name": "send_message",
            "title": "Send a message",
            "description": "Sends a message to a customer. (It only says so: nothing leaves this process.)",
            "inputSchema": {
                "type": "object",
                "properties": { "to": { "type": "string", "description": "a customer's id" }, "text": { "type": "string" } },
                "required": ["to", "text"],
                "additionalProperties": false
            },
            "annotations": { "readOnlyHint": false, "destructiveHint": false, "openWorldHint": true }
        }),
        json!({
            "name": "delete_customer",
            "title": "Delete a customer",
            "description": "Deletes a customer for good. (It only says so: the data is made up and stays.)",
            "inputSchema": {
                "type": "object",
                "properties": { "id": { "type": "string" } },
                "required": ["id"],
                "additionalProperties": false
            },
            "annotations": { "readOnlyHint": false, "destructiveHint": true, "openWorldHint": false }
        }),
        json!({
            "name": "slow_report",
            "title": "Make a report, slowly",
            "description": "Adds up all orders and reports its progress on the way.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "steps": { "type": "integer", "minimum": 1, "maximum": MOST_STEPS, "default": 5 },
                    "step_ms": { "type": "integer", "minimum": 0, "maximum": LONGEST_STEP, "default": 300 }
                },
                "additionalProperties": false
            },
            "annotations": { "readOnlyHint": true, "openWorldHint": false }
        }),
    ];
    if version < Version::V2025_06_18 {
        for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
            tool.remove("title");
            tool.remove("outputSchema");
        }
    }
    tools
}

/// A call whose tool exists and whose arguments are read. Everything about it is decided; `slow_report` takes its time.
pub(super) enum Work {
    Done(Map<String, Value>),
    Slow { steps: u64, step: Duration },
}

/// `None`: there is no such tool. Wrong arguments are a tool's answer, so that a model can correct itself (SEP-1303).
pub(super) fn begin(name: &str, arguments: &Map<String, Value>, version: Version) -> Option<Work> {
    let answer = match name {
        "list_customers" => only(arguments, &[]).map(|()| list_customers()),
        "get_customer" => only(arguments, &["id"]).and_then(|()| Ok(everything(named(arguments, "id")?))),
        "search_orders" => only(arguments, &["query", "limit"]).and_then(|()| search_orders(arguments)),
        "send_message" => only(arguments, &["to", "text"]).and_then(|()| send_message(arguments)),
        "delete_customer" => only(arguments, &["id"]).and_then(|()| delete_customer(arguments)),
        "slow_report" => match slow_report(arguments) {
            Ok(work) => return Some(work),
            Err(problem) => Err(problem),
        },
        _ => return None,
    };
    Some(Work::Done(match answer {
        Ok(Answer::Text(text)) => text_result(&text, false),
        Ok(Answer::Structured(value)) => structured_result(value, version),
        Err(problem) => text_result(&problem, true),
    }))
}

/// What `slow_report` ends with.
pub(super) fn report() -> Map<String, Value> {
    let cents: u32 = ORDERS.iter().map(|order| order.cents).sum();
    text_result(&format!("{} orders, {} in all", ORDERS.len(), dollars(cents)), false)
}

enum Answer {
    Text(String),
    Structured(Value),
}

fn list_customers() -> Answer {
    let list: Vec<Value> = CUSTOMERS
        .iter()
        .map(|customer| json!({ "id": customer.id, "name": customer.name, "email": customer.email }))
        .collect();
    Answer::Structured(json!({ "customers": list }))
}

fn everything(customer: &Customer) -> Answer {
    Answer::Structured(json!({
        "id": customer.id, "name": customer.name, "email": customer.email, "phone": customer.phone,
        "ssn": customer.ssn, "card": customer.card, "last_login_from": customer.last_login_from,
    }))
}

fn search_orders(arguments: &Map<String, Value>) -> Result<Answer, String> {
    let query = text(arguments, "query")?.to_lowercase();
    let limit = number(arguments, "limit", 10, 1..=50)?;
    let found: Vec<Value> = ORDERS
        .iter()
        .filter(|order| order.item.contains(&query) || order.customer == query)
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .map(|order| {
            json!({ "id": order.id, "customer": order.customer, "item": order.item, "total": dollars(order.cents) })
        })
        .collect();
    Ok(Answer::Structured(json!({ "orders": found })))
}

fn send_message(arguments: &Map<String, Value>) -> Result<Answer, String> {
    let (to, message) = (named(arguments, "to")?, text(arguments, "text")?);
    Ok(Answer::Text(format!(
        "sent {} characters to {} <{}>",
        message.chars().count(),
        to.name,
        to.email
    )))
}

fn delete_customer(arguments: &Map<String, Value>) -> Result<Answer, String> {
    Ok(Answer::Text(format!("deleted {}", named(arguments, "id")?.name)))
}

fn slow_report(arguments: &Map<String, Value>) -> Result<Work, String> {
    only(arguments, &["steps", "step_ms"])?;
    Ok(Work::Slow {
        steps: number(arguments, "steps", 5, 1..=MOST_STEPS)?,
        step: Duration::from_millis(number(arguments, "step_ms", 300, 0..=LONGEST_STEP)?),
    })
}

fn dollars(cents: u32) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn text_result(text: &str, is_error: bool) -> Map<String, Value> {
    members(json!({ "content": [{ "type": "text", "text": text }], "isError": is_error }))
}

/// Structured content came with 2025-06-18; the same as text is for clients that do not read it.
fn structured_result(value: Value, version: Version) -> Map<String, Value> {
    let mut result = text_result(&value.to_string(), false);
    if version >= Version::V2025_06_18 {
        result.insert("structuredContent".to_owned(), value);
    }
    result
}

fn only(arguments: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match arguments.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("there is no argument `{key}`")),
        None => Ok(()),
    }
}

fn text<'a>(arguments: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    let value = arguments.get(key).and_then(Value::as_str);
    value.ok_or_else(|| format!("`{key}` must be given, as a string"))
}

fn named(arguments: &Map<String, Value>, key: &str) -> Result<&'static Customer, String> {
    let id = text(arguments, key)?;
    customer(id).ok_or_else(|| format!("there is no customer `{id}`; `list_customers` shows them all"))
}

fn number(
    arguments: &Map<String, Value>,
    key: &str,
    absent: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, String> {
    let Some(value) = arguments.get(key) else {
        return Ok(absent);
    };
    value
        .as_u64()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("`{key}` must be an integer from {} to {}", range.start(), range.end()))
}

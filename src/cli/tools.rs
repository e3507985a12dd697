//! `mcpgw tools ENDPOINT`: what the endpoint lists for this caller.

use serde_json::{Value, json};

use super::arguments::{TextFormat, Tools};
use super::asking::ask;
use super::exit::{Exit, Outcome};
use super::output::Output;
use super::table::two_columns;
use crate::text::{count, safe};

pub(super) fn run(arguments: &Tools, output: &Output) -> Outcome {
    let (address, tools) = ask(&arguments.endpoint, output, async |client| {
        client.list("tools/list", "tools").await
    })?;
    match arguments.format {
        TextFormat::Json => output.json(&json!({ "format-version": 1, "endpoint": address.text, "tools": tools }))?,
        TextFormat::Human => {
            let rows: Vec<(String, String)> = tools.iter().map(row).collect();
            output.data(two_columns(&rows, output.width(), output.stdout_style()))?;
            output.tell(&count(tools.len(), "tool"));
        }
    }
    Ok(Exit::Fine)
}

/// Name, and the first line of the description.
fn row(tool: &Value) -> (String, String) {
    let text = |key: &str| tool.get(key).and_then(Value::as_str).unwrap_or_default();
    let first = text("description").trim().lines().next().unwrap_or_default();
    (safe(text("name")).into_owned(), safe(first).into_owned())
}

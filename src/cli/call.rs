//! `mcpgw call ENDPOINT TOOL [JSON]`: one call, and what came of it.

use std::io::Read;

use serde_json::{Map, Value, json};

use super::arguments::{Call, TextFormat};
use super::asking::ask;
use super::client::News;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use crate::text::{safe, safe_lines};

/// The most that is read from stdin.
const LONGEST: u64 = 16 * 1024 * 1024;

pub(super) fn run(arguments: &Call, output: &Output) -> Outcome {
    let given = read_arguments(arguments.arguments.as_deref())?;
    let (address, result) = ask(&arguments.endpoint, output, async |client| {
        client
            .call(&arguments.tool, &given, |news| output.tell(&told(&news)))
            .await
    })?;
    let failed = result.get("isError").and_then(Value::as_bool) == Some(true);
    let unfinished = result
        .get("resultType")
        .and_then(Value::as_str)
        .filter(|kind| *kind != "complete");
    match arguments.format {
        TextFormat::Json => {
            output.json(&json!({ "format-version": 1, "endpoint": address.text, "result": result }))?;
        }
        TextFormat::Human => output.data(readable(&result))?,
    }
    if let Some(kind) = unfinished {
        let kind = safe(kind);
        return Err(Failure::new(format_args!(
            "the call is not complete (`{kind}`): the server asks something back"
        ))
        .hint("`mcpgw call` answers no questions; use a client that does"));
    }
    if failed {
        return Err(Failure::new(format_args!(
            "`{}` answered with an error",
            safe(&arguments.tool)
        )));
    }
    Ok(Exit::Fine)
}

fn read_arguments(given: Option<&str>) -> Result<Map<String, Value>, Failure> {
    let mut stdin = String::new();
    let text = match given {
        None => return Ok(Map::new()),
        Some("-") => {
            std::io::stdin()
                .take(LONGEST)
                .read_to_string(&mut stdin)
                .map_err(|error| Failure::new(format_args!("cannot read the arguments: {error}")))?;
            stdin.as_str()
        }
        Some(text) => text,
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::usage("the arguments are not a JSON object").hint("write e.g. `{\"id\": \"c-1001\"}`")),
        Err(error) => Err(Failure::usage(format_args!("the arguments are not JSON: {error}"))
            .hint("write e.g. `{\"id\": \"c-1001\"}`, in quotes of the shell")),
    }
}

fn told(news: &News<'_>) -> String {
    match news {
        News::Progress {
            progress,
            total,
            message,
        } => {
            let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
            let message = message.map(|text| format!(": {}", safe(text))).unwrap_or_default();
            safe(&format!("progress {progress}{of}{message}")).into_owned()
        }
        News::Log { level, data } => {
            let text = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
            format!("{}: {}", safe(level), safe(&text))
        }
    }
}

/// Text as text; what is no text is named. Structured content is shown where nothing else is there.
fn readable(result: &Map<String, Value>) -> String {
    let content = result
        .get("content")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut out: String = content.iter().map(block).collect();
    if out.is_empty()
        && let Some(structured) = result.get("structuredContent")
    {
        // Keys and strings may hold anything; JSON itself escapes only some of it.
        out = serde_json::to_string_pretty(structured)
            .map(|text| safe_lines(&text).into_owned())
            .unwrap_or_default();
        out.push('\n');
    }
    out
}

fn block(block: &Value) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text(block, "type");
    let line = match kind.as_str() {
        "text" => text(block, "text"),
        "resource_link" => format!("[link to {}]", text(block, "uri")),
        "resource" => {
            let resource = block.get("resource").unwrap_or(&Value::Null);
            match resource.get("text").and_then(Value::as_str) {
                Some(inner) => inner.to_owned(),
                None => format!("[resource {}]", text(resource, "uri")),
            }
        }
        _ => {
            let bytes = block
                .get("data")
                .and_then(Value::as_str)
                .map_or(0, |data| data.len() / 4 * 3);
            format!("[{kind} {}, about {bytes} bytes]", text(block, "mimeType"))
        }
    };
    let mut line = safe_lines(&line).into_owned();
    if !line.ends_with('\n') {
        line.push('\n');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(result: &Value) -> String {
        readable(result.as_object().unwrap())
    }

    #[test]
    fn text_is_shown_as_text_and_the_rest_is_named() {
        let content = json!([
            { "type": "text", "text": "two\nlines" },
            { "type": "image", "mimeType": "image/png", "data": "AAAAAAAA" },
            { "type": "resource", "resource": { "uri": "a://b", "text": "inner" } },
            { "type": "resource_link", "uri": "a://c" },
        ]);
        assert_eq!(
            shown(&json!({ "content": content })),
            "two\nlines\n[image image/png, about 6 bytes]\ninner\n[link to a://c]\n"
        );
        assert_eq!(
            shown(&json!({ "content": [], "structuredContent": { "a": 1 } })),
            "{\n  \"a\": 1\n}\n"
        );
    }

    #[test]
    fn a_tool_cannot_write_to_the_terminal() {
        let text = shown(&json!({ "content": [{ "type": "text", "text": "\u{1b}]0;x\u{7}" }] }));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
    }

    #[test]
    fn arguments_must_be_an_object() {
        assert!(read_arguments(None).unwrap().is_empty());
        assert_eq!(read_arguments(Some("{\"a\":1}")).unwrap().len(), 1);
        for wrong in ["", "[]", "1", "{"] {
            assert!(read_arguments(Some(wrong)).is_err(), "{wrong}");
        }
    }
}

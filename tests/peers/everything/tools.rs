//! The tools, prompts and resources that answer at once, from what the request says alone.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
    ReadResourceResponse, ReadResourceResult,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::server::{Change, Everything};

/// A PNG of one red pixel and a WAV without a sample.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const SILENCE: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn call(
    server: &Everything,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let arguments = request.arguments.clone().unwrap_or_default();
    let result = match request.name.as_ref() {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => content(json!([{ "type": "image", "data": PIXEL, "mimeType": "image/png" }])),
        "test_audio_content" => content(json!([{ "type": "audio", "data": SILENCE, "mimeType": "audio/wav" }])),
        "test_embedded_resource" => content(json!([{ "type": "resource", "resource": {
            "uri": "test://embedded-resource", "mimeType": "text/plain", "text": "This is an embedded resource content.",
        } }])),
        "test_multiple_content_types" => content(json!([
            { "type": "text", "text": "Multiple content types test:" },
            { "type": "image", "data": PIXEL, "mimeType": "image/png" },
            { "type": "resource", "resource": {
                "uri": "test://mixed-content-resource", "mimeType": "application/json",
                "text": "{\"test\":\"data\",\"value\":123}",
            } },
        ])),
        "test_error_handling" => shape(json!({
            "content": [{ "type": "text", "text": "This tool intentionally returns an error for testing" }],
            "isError": true,
        })),
        "test_tool_with_logging" => with_logging(server, context).await,
        "test_logging_tool" => {
            log(server, context, "One message").await;
            text("Logged, if that was wanted")
        }
        "test_tool_with_progress" => with_progress(context).await,
        "test_reconnection" => {
            tokio::time::sleep(PAUSE).await;
            text("Still here")
        }
        "json_schema_2020_12_tool" => text(&Value::Object(arguments).to_string()),
        "echo" => shape(json!({
            "content": [{ "type": "text", "text": Value::Object(arguments.clone()).to_string() }],
            "structuredContent": arguments,
        })),
        "test_trigger_tool_change" => announce(server, Change::Tools),
        "test_trigger_prompt_change" => announce(server, Change::Prompts),
        "test_trigger_resource_update" => announce(server, Change::Resource("test://watched-resource")),
        "test_custom_header" => text(arguments.get("region").and_then(Value::as_str).unwrap_or("no region")),
        "test_missing_capability" => needs_sampling(context)?,
        name => return Err(ErrorData::invalid_params(format!("unknown tool `{name}`"), None)),
    };
    Ok(CallToolResponse::Complete(result))
}

pub(crate) fn prompt(request: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| -> Result<String, ErrorData> {
        match request
            .arguments
            .as_ref()
            .and_then(|all| all.get(name))
            .and_then(Value::as_str)
        {
            Some(value) => Ok(value.to_owned()),
            None => Err(ErrorData::invalid_params(format!("argument `{name}` is missing"), None)),
        }
    };
    let contents = match request.name.as_str() {
        "test_simple_prompt" => vec![json!({ "type": "text", "text": "This is a simple prompt for testing." })],
        "test_prompt_with_arguments" => {
            let line = format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                argument("arg1")?,
                argument("arg2")?
            );
            vec![json!({ "type": "text", "text": line })]
        }
        "test_prompt_with_embedded_resource" => vec![
            json!({ "type": "resource", "resource": {
                "uri": argument("resourceUri")?, "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            } }),
            json!({ "type": "text", "text": "Please process the embedded resource above." }),
        ],
        "test_prompt_with_image" => vec![
            json!({ "type": "image", "data": PIXEL, "mimeType": "image/png" }),
            json!({ "type": "text", "text": "Please analyze the image above." }),
        ],
        name => return Err(ErrorData::invalid_params(format!("unknown prompt `{name}`"), None)),
    };
    Ok(GetPromptResponse::Complete(messages(contents)))
}

pub(crate) fn read(uri: &str) -> Result<ReadResourceResponse, ErrorData> {
    let contents = match uri {
        "test://static-text" => {
            json!({ "uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource." })
        }
        "test://static-binary" => json!({ "uri": uri, "mimeType": "image/png", "blob": PIXEL }),
        "test://watched-resource" => json!({ "uri": uri, "mimeType": "text/plain", "text": "Watched." }),
        _ => match uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"))
        {
            Some(id) if !id.is_empty() => {
                let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
                json!({ "uri": uri, "mimeType": "application/json", "text": data.to_string() })
            }
            _ => {
                return Err(ErrorData::resource_not_found(
                    "Resource not found",
                    Some(json!({ "uri": uri })),
                ));
            }
        },
    };
    Ok(ReadResourceResponse::Complete(shape::<ReadResourceResult>(
        json!({ "contents": [contents] }),
    )))
}

pub(crate) fn text(text: &str) -> CallToolResult {
    content(json!([{ "type": "text", "text": text }]))
}

/// A prompt's result: each content is a message of the user.
pub(crate) fn messages(contents: Vec<Value>) -> GetPromptResult {
    let messages: Vec<Value> = contents
        .into_iter()
        .map(|content| json!({ "role": "user", "content": content }))
        .collect();
    shape(json!({ "messages": messages }))
}

/// Results are written as JSON, which says best what goes over the wire.
pub(crate) fn shape<T: DeserializeOwned>(mut value: Value) -> T {
    if let Value::Object(members) = &mut value {
        members.entry("resultType").or_insert_with(|| json!("complete"));
    }
    serde_json::from_value(value).expect("the results in this file fit their types")
}

#[allow(clippy::needless_pass_by_value, reason = "called with a `json!` made in place")]
fn content(blocks: Value) -> CallToolResult {
    shape(json!({ "content": blocks }))
}

async fn with_logging(server: &Everything, context: &RequestContext<RoleServer>) -> CallToolResult {
    log(server, context, "Tool execution started").await;
    tokio::time::sleep(PAUSE).await;
    log(server, context, "Tool processing data").await;
    tokio::time::sleep(PAUSE).await;
    log(server, context, "Tool execution completed").await;
    text("Logged three messages")
}

async fn log(server: &Everything, context: &RequestContext<RoleServer>, message: &str) {
    let wanted = server
        .log_level(context)
        .is_some_and(|level| matches!(level, LoggingLevel::Debug | LoggingLevel::Info));
    if wanted {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(message));
        let _ = context.peer.notify_logging_message(message).await;
    }
}

pub(crate) async fn progress(context: &RequestContext<RoleServer>, progress: f64) {
    if let Some(token) = context.meta.get_progress_token() {
        let _ = context
            .peer
            .notify_progress(ProgressNotificationParam::new(token, progress).with_total(100.0))
            .await;
    }
}

async fn with_progress(context: &RequestContext<RoleServer>) -> CallToolResult {
    progress(context, 0.0).await;
    tokio::time::sleep(PAUSE).await;
    progress(context, 50.0).await;
    tokio::time::sleep(PAUSE).await;
    progress(context, 100.0).await;
    text("Reported three times")
}

fn announce(server: &Everything, change: Change) -> CallToolResult {
    // Nobody listening is fine.
    let _ = server.shared.changes.send(change);
    text("Announced")
}

fn needs_sampling(context: &RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
    if context
        .client_capabilities()
        .is_some_and(|capabilities| capabilities.sampling.is_some())
    {
        return Ok(text("Sampling is there"));
    }
    Err(ErrorData::missing_required_client_capability(
        ClientCapabilities::builder().enable_sampling().build(),
    ))
}

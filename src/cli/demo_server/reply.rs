//! What goes out: results in the shape of the caller's revision, errors, notifications.

use serde_json::{Map, Value, json};

use crate::mcp::{Era, Version};

pub(super) const PARSE: i64 = -32700;
pub(super) const INVALID_REQUEST: i64 = -32600;
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
pub(super) const INVALID_PARAMS: i64 = -32602;
/// Up to 2025-11-25; later it is `INVALID_PARAMS`.
pub(super) const RESOURCE_NOT_FOUND: i64 = -32002;
pub(super) const UNSUPPORTED_VERSION: i64 = -32022;

/// An error answer to one request.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

impl Refusal {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(super) fn params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    pub(super) fn with(self, data: Value) -> Self {
        Self {
            data: Some(data),
            ..self
        }
    }
}

/// How long an answer may be kept (2026-07-28, "Caching").
#[derive(Clone, Copy)]
pub(super) enum Keep {
    /// Lists and texts of this server: they never change while it runs.
    ForAMinute,
    /// Answers that the revision gives no caching members.
    NotSaid,
}

/// The response with a result.
pub(super) fn result(id: &Value, version: Version, keep: Keep, mut members: Map<String, Value>) -> String {
    if version.era() == Era::Modern {
        members.insert("resultType".to_owned(), json!("complete"));
        if let Keep::ForAMinute = keep {
            members.insert("ttlMs".to_owned(), json!(60_000));
            members.insert("cacheScope".to_owned(), json!("public"));
        }
        members.insert(
            "_meta".to_owned(),
            json!({ "io.modelcontextprotocol/serverInfo": server_info(version) }),
        );
    }
    json!({ "jsonrpc": "2.0", "id": id, "result": members }).to_string()
}

/// The response with an error. `id` is absent where none was readable: `null` is no id in MCP.
pub(super) fn error(id: Option<&Value>, refusal: Refusal) -> String {
    let mut error = json!({ "code": refusal.code, "message": refusal.message });
    if let Some(data) = refusal.data {
        error["data"] = data;
    }
    match id {
        Some(id) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
        None => json!({ "jsonrpc": "2.0", "error": error }),
    }
    .to_string()
}

pub(super) fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

pub(super) fn server_info(version: Version) -> Value {
    let mut info = json!({ "name": "mcpgw-demo", "version": env!("CARGO_PKG_VERSION") });
    if version >= Version::V2025_06_18 {
        info["title"] = json!("Demo server of mcpgw");
    }
    info
}

/// The members of an object made with `json!`.
pub(super) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

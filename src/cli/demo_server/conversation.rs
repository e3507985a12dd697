//! Who may ask what: handshake or self-describing requests, the methods of each, running calls and their end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use super::reply::{self, INVALID_REQUEST, Keep, METHOD_NOT_FOUND, PARSE, Refusal, UNSUPPORTED_VERSION, members};
use super::tools::{self, Work};
use super::{context, line};
use crate::mcp::{Era, Version};

/// Calls that run at once; the next line is read when one of them has ended.
const MOST_CALLS: usize = 64;

/// Elements of a batch (2025-03-26 only).
const MOST_BATCHED: usize = 100;

const CLAIM: &str = "io.modelcontextprotocol/protocolVersion";
const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

pub(super) struct Conversation {
    out: mpsc::Sender<String>,
    /// What the handshake agreed on, where there was one.
    agreed: Option<Version>,
    /// Of `logging/setLevel`: an index into `LEVELS`.
    level: Option<usize>,
    running: JoinSet<()>,
    /// By the request's id as JSON text: `1` and `"1"` are two.
    calls: HashMap<String, AbortHandle>,
    room: Arc<Semaphore>,
}

/// One request whose revision is known.
struct Asked<'a> {
    id: Value,
    version: Version,
    params: &'a Map<String, Value>,
    /// What it wants to hear of: an index into `LEVELS`.
    level: Option<usize>,
}

impl Conversation {
    pub(super) fn new(out: mpsc::Sender<String>) -> Self {
        Self {
            out,
            agreed: None,
            level: None,
            running: JoinSet::new(),
            calls: HashMap::new(),
            room: Arc::new(Semaphore::new(MOST_CALLS)),
        }
    }

    /// Takes one line and answers it, or begins a call that will.
    pub(super) async fn receive(&mut self, line: &[u8]) {
        self.forget_ended();
        match serde_json::from_slice(line) {
            Ok(Value::Object(message)) => self.message(&message).await,
            Ok(Value::Array(batch)) if self.agreed == Some(Version::V2025_03_26) && batch.len() <= MOST_BATCHED => {
                for element in batch {
                    match element {
                        Value::Object(message) => self.message(&message).await,
                        _ => {
                            self.refuse(None, Refusal::new(INVALID_REQUEST, "not a JSON-RPC message"))
                                .await;
                        }
                    }
                }
            }
            Ok(_) => {
                self.refuse(None, Refusal::new(INVALID_REQUEST, "not a JSON-RPC message"))
                    .await;
            }
            Err(error) => {
                self.refuse(None, Refusal::new(PARSE, format!("not JSON: {error}")))
                    .await;
            }
        }
    }

    pub(super) async fn refuse_long_line(&mut self) {
        let message = format!("a message may have {} bytes", line::LONGEST);
        self.refuse(None, Refusal::new(INVALID_REQUEST, message)).await;
    }

    /// Lets running calls end, but no longer than `limit`.
    pub(super) async fn finish(mut self, limit: Duration) {
        let all = async { while self.running.join_next().await.is_some() {} };
        // What is cut off has nobody to answer to.
        let _ = tokio::time::timeout(limit, all).await;
    }

    async fn message(&mut self, message: &Map<String, Value>) {
        let empty = Map::new();
        let id = message.get("id");
        let valid_id = id.is_none_or(|id| id.is_string() || id.is_i64() || id.is_u64());
        let params = message.get("params");
        let method = message.get("method").and_then(Value::as_str);
        if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") || !valid_id {
            let id = id.filter(|_| valid_id).cloned();
            return self
                .refuse(id.as_ref(), Refusal::new(INVALID_REQUEST, "not a JSON-RPC 2.0 message"))
                .await;
        }
        let params = match params {
            None => &empty,
            Some(Value::Object(params)) => params,
            Some(_) => return self.refuse(id, Refusal::params("`params` must be an object")).await,
        };
        match (method, id) {
            (Some(method), Some(id)) => self.request(method, id.clone(), params).await,
            (Some("notifications/cancelled"), None) => self.cancel(params),
            // Other notifications and answers to questions that were never asked ask for nothing.
            (Some(_), None) => {}
            (None, _) if message.contains_key("result") || message.contains_key("error") => {}
            (None, _) => {
                self.refuse(id, Refusal::new(INVALID_REQUEST, "`method` is missing"))
                    .await;
            }
        }
    }

    async fn request(&mut self, method: &str, id: Value, params: &Map<String, Value>) {
        let asked = match self.place(method, &id, params) {
            Ok(asked) => asked,
            Err(refusal) => return self.refuse(Some(&id), refusal).await,
        };
        let answered = match asked.version.era() {
            Era::Legacy => self.legacy(method, &asked),
            Era::Modern => modern(method, &asked),
        };
        match answered {
            Ok(Answer::Result(keep, result)) => self.send(reply::result(&asked.id, asked.version, keep, result)).await,
            Ok(Answer::Listening(notification)) => self.send(notification).await,
            Ok(Answer::Call) => self.call(&asked).await,
            Err(refusal) => self.refuse(Some(&asked.id), refusal).await,
        }
    }

    /// Under which revision a request stands: its own claim, else what the handshake agreed on.
    fn place<'a>(&self, method: &str, id: &Value, params: &'a Map<String, Value>) -> Result<Asked<'a>, Refusal> {
        let meta = params.get("_meta").and_then(Value::as_object);
        let Some(claim) = meta.and_then(|meta| meta.get(CLAIM)) else {
            let version = match (self.agreed, method) {
                (_, "server/discover") => return Err(Refusal::params(format!("`_meta` must carry `{CLAIM}`"))),
                (Some(version), _) => version,
                (None, "initialize" | "ping") => Version::NEWEST_LEGACY,
                (None, _) => {
                    return Err(Refusal::new(
                        INVALID_REQUEST,
                        "first say `initialize`, or which version you speak",
                    ));
                }
            };
            return Ok(Asked {
                id: id.clone(),
                version,
                params,
                level: self.level,
            });
        };
        if claim.as_str() != Some(Version::V2026_07_28.as_str()) {
            let data = json!({ "supported": [Version::V2026_07_28.as_str()], "requested": claim });
            return Err(Refusal::new(UNSUPPORTED_VERSION, "unsupported protocol version").with(data));
        }
        let of_meta = |key: &str| meta.and_then(|meta| meta.get(key));
        if !of_meta("io.modelcontextprotocol/clientCapabilities").is_some_and(Value::is_object) {
            return Err(Refusal::params(
                "`_meta` must carry `io.modelcontextprotocol/clientCapabilities`",
            ));
        }
        let level = match of_meta("io.modelcontextprotocol/logLevel") {
            None => None,
            Some(level) => Some(level_of(level)?),
        };
        Ok(Asked {
            id: id.clone(),
            version: Version::V2026_07_28,
            params,
            level,
        })
    }

    fn legacy(&mut self, method: &str, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        match method {
            "initialize" => {
                let wanted = context::string(asked.params, "protocolVersion")?;
                let version = Version::parse(wanted).filter(|version| version.era() == Era::Legacy);
                let version = version.unwrap_or(Version::NEWEST_LEGACY);
                self.agreed = Some(version);
                Ok(Answer::Result(
                    Keep::NotSaid,
                    members(json!({
                        "protocolVersion": version.as_str(),
                        "capabilities": capabilities(),
                        "serverInfo": reply::server_info(version),
                        "instructions": INSTRUCTIONS,
                    })),
                ))
            }
            "ping" => Ok(Answer::Result(Keep::NotSaid, Map::new())),
            "logging/setLevel" => {
                self.level = Some(level_of(asked.params.get("level").unwrap_or(&Value::Null))?);
                Ok(Answer::Result(Keep::NotSaid, Map::new()))
            }
            _ => both(method, asked),
        }
    }

    /// `tools/call`: beside the others, so that a slow one keeps nobody waiting.
    async fn call(&mut self, asked: &Asked<'_>) {
        let (id, version, level) = (asked.id.clone(), asked.version, asked.level);
        let (name, work) = match begin(asked) {
            Ok(begun) => begun,
            Err(refusal) => return self.refuse(Some(&id), refusal).await,
        };
        let token = asked
            .params
            .get("_meta")
            .and_then(|meta| meta.get("progressToken"))
            .cloned();
        let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else {
            return;
        };
        let (out, key) = (self.out.clone(), id.to_string());
        let task = self.running.spawn(async move {
            let _permit = permit;
            // A closed channel means that nobody reads any more; the process is about to end.
            if level.is_some_and(|level| level <= 1) {
                let params = json!({ "level": "info", "logger": "tools", "data": format!("{name} was called") });
                let _ = out.send(reply::notification("notifications/message", &params)).await;
            }
            let result = match work {
                Work::Done(result) => result,
                Work::Slow { steps, step } => {
                    for done in 1..=steps {
                        tokio::time::sleep(step).await;
                        if let Some(token) = &token {
                            let params = json!({ "progressToken": token, "progress": done, "total": steps,
                                                 "message": format!("step {done} of {steps}") });
                            let _ = out.send(reply::notification("notifications/progress", &params)).await;
                        }
                    }
                    tools::report()
                }
            };
            let _ = out.send(reply::result(&id, version, Keep::NotSaid, result)).await;
        });
        self.calls.insert(key, task);
    }

    fn cancel(&mut self, params: &Map<String, Value>) {
        if let Some(task) = params
            .get("requestId")
            .and_then(|id| self.calls.remove(&id.to_string()))
        {
            task.abort();
        }
    }

    fn forget_ended(&mut self) {
        while self.running.try_join_next().is_some() {}
        self.calls.retain(|_, task| !task.is_finished());
    }

    async fn refuse(&self, id: Option<&Value>, refusal: Refusal) {
        self.send(reply::error(id, refusal)).await;
    }

    async fn send(&self, line: String) {
        // A closed channel means that nobody reads any more; the process is about to end.
        let _ = self.out.send(line).await;
    }
}

const INSTRUCTIONS: &str = "Made-up customers and orders. Start with `list_customers`.";

enum Answer {
    Result(Keep, Map<String, Value>),
    /// A stream without end: only its acknowledgement is sent, for nothing here ever changes.
    Listening(String),
    Call,
}

fn modern(method: &str, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    match method {
        "server/discover" => Ok(Answer::Result(
            Keep::ForAMinute,
            members(json!({
                "supportedVersions": [Version::V2026_07_28.as_str()],
                "capabilities": capabilities(),
                "instructions": INSTRUCTIONS,
            })),
        )),
        "subscriptions/listen" => Ok(Answer::Listening(reply::notification(
            "notifications/subscriptions/acknowledged",
            &json!({ "notifications": {}, "_meta": { "io.modelcontextprotocol/subscriptionId": asked.id } }),
        ))),
        _ => both(method, asked),
    }
}

/// Methods that both eras have.
fn both(method: &str, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let version = asked.version;
    let list = |key: &str, items: Value| {
        // One page holds everything, so no cursor was ever given out.
        match asked.params.get("cursor") {
            None => Ok(Answer::Result(Keep::ForAMinute, members(json!({ key: items })))),
            Some(_) => Err(Refusal::params("unknown cursor")),
        }
    };
    match method {
        "tools/list" => list("tools", Value::Array(tools::definitions(version))),
        "tools/call" => Ok(Answer::Call),
        "prompts/list" => list("prompts", context::prompts(version)),
        "prompts/get" => Ok(Answer::Result(Keep::NotSaid, context::prompt(asked.params)?)),
        "resources/list" => list("resources", context::resources(version)),
        "resources/templates/list" => list("resourceTemplates", context::templates(version)),
        "resources/read" => Ok(Answer::Result(Keep::ForAMinute, context::read(asked.params, version)?)),
        "completion/complete" => Ok(Answer::Result(Keep::NotSaid, context::complete(asked.params)?)),
        _ => Err(Refusal::new(METHOD_NOT_FOUND, "method not found")),
    }
}

fn begin(asked: &Asked<'_>) -> Result<(String, Work), Refusal> {
    let name = context::string(asked.params, "name")?;
    let empty = Map::new();
    let arguments = match asked.params.get("arguments") {
        None => &empty,
        Some(Value::Object(arguments)) => arguments,
        Some(_) => return Err(Refusal::params("`arguments` must be an object")),
    };
    let work = tools::begin(name, arguments, asked.version);
    let work = work.ok_or_else(|| Refusal::params(format!("unknown tool: {name}")))?;
    Ok((name.to_owned(), work))
}

fn capabilities() -> Value {
    json!({ "completions": {}, "logging": {}, "prompts": {}, "resources": {}, "tools": {} })
}

fn level_of(level: &Value) -> Result<usize, Refusal> {
    let position = LEVELS.iter().position(|known| level.as_str() == Some(known));
    position.ok_or_else(|| Refusal::params(format!("unknown log level; the levels are {}", LEVELS.join(", "))))
}

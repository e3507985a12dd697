//! A small MCP client over Streamable HTTP, for `tools` and `call`: 2026-07-28 first, else a 2025-11-25 session.
//!
//! It declares no capabilities, so a server has nothing to ask it but `ping`. What is foreign in its errors is already
//! safe to print.

mod address;
mod exchange;
mod failure;

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

pub(super) use self::address::Address;
pub(super) use self::failure::ClientError;

use self::exchange::{Exchange, Replied};
use crate::mcp::param_headers::ParamHeaders;
use crate::mcp::{Era, Version};

/// Pages of one list; a server that gives ever new cursors is not followed for ever.
const MOST_PAGES: usize = 1000;

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// What a server says on the way to a result.
pub(super) enum News<'a> {
    Progress {
        progress: &'a Value,
        total: Option<&'a Value>,
        message: Option<&'a str>,
    },
    Log {
        level: &'a str,
        data: &'a Value,
    },
}

pub(super) struct Client {
    exchange: Exchange,
    version: Version,
    next_id: u64,
}

impl Client {
    /// Finds out which era the endpoint speaks, and shakes hands where it is the older one.
    pub(super) async fn open(address: &Address, token: Option<&str>, timeout: Duration) -> Result<Self, ClientError> {
        let exchange = Exchange::new(address, token, Instant::now() + timeout)?;
        let mut client = Self {
            exchange,
            version: Version::V2026_07_28,
            next_id: 0,
        };
        match client.request("server/discover", Map::new(), |_| {}).await {
            Ok(found) if speaks(&found, Version::V2026_07_28) => Ok(client),
            Ok(_) => client.shake_hands().await,
            Err(error) if error.may_be_an_older_server() => client.shake_hands().await,
            Err(error) => Err(error),
        }
    }

    /// All pages of a list, as the server sent its items.
    pub(super) async fn list(&mut self, method: &str, key: &str) -> Result<Vec<Value>, ClientError> {
        let mut items = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let mut params = Map::new();
            if let Some(cursor) = cursor.take() {
                params.insert("cursor".to_owned(), cursor);
            }
            let mut page = self.request(method, params, |_| {}).await?;
            match page.get_mut(key).map(Value::take) {
                Some(Value::Array(more)) => items.extend(more),
                _ => {
                    return Err(ClientError::Protocol(format!(
                        "the answer to `{method}` has no `{key}`"
                    )));
                }
            }
            match page.get_mut("nextCursor").map(Value::take) {
                Some(next @ Value::String(_)) => cursor = Some(next),
                _ => return Ok(items),
            }
        }
        Err(ClientError::Protocol(format!(
            "`{method}` has more than {MOST_PAGES} pages"
        )))
    }

    /// One call. A server that wants arguments as headers too says so by refusing; then its list tells which.
    pub(super) async fn call(
        &mut self,
        tool: &str,
        arguments: &Map<String, Value>,
        mut news: impl FnMut(News<'_>),
    ) -> Result<Map<String, Value>, ClientError> {
        let mut params = Map::new();
        params.insert("name".to_owned(), json!(tool));
        params.insert("arguments".to_owned(), json!(arguments));
        params.insert("_meta".to_owned(), json!({ "progressToken": "mcpgw" }));
        let first = self.request("tools/call", params.clone(), &mut news).await;
        match first {
            Err(error) if error.wants_headers() => {}
            ended => return ended,
        }
        let tools = self.list("tools/list", "tools").await?;
        let listed = tools
            .iter()
            .find(|listed| listed.get("name").and_then(Value::as_str) == Some(tool));
        let headers = listed.and_then(|listed| ParamHeaders::of(listed.to_string().as_bytes()).ok());
        self.send("tools/call", params, headers.as_ref(), news).await
    }

    /// Ends the session where there is one. The answer is already here, so nothing of it can fail the command.
    pub(super) async fn close(self) {
        self.exchange.end_session().await;
    }

    async fn shake_hands(mut self) -> Result<Self, ClientError> {
        self.version = Version::NEWEST_LEGACY;
        let params = json!({
            "protocolVersion": self.version.as_str(),
            "capabilities": {},
            "clientInfo": client_info(),
        });
        let Value::Object(params) = params else {
            return Err(ClientError::Protocol("no parameters".to_owned()));
        };
        let result = self.request("initialize", params, |_| {}).await?;
        let agreed = result
            .get("protocolVersion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.version = Version::parse(agreed)
            .filter(|version| version.era() == Era::Legacy)
            .ok_or_else(|| {
                ClientError::Protocol(format!("it speaks protocol version {}", crate::text::safe(agreed)))
            })?;
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.exchange.tell(&initialized, self.version).await?;
        Ok(self)
    }

    async fn request(
        &mut self,
        method: &str,
        params: Map<String, Value>,
        news: impl FnMut(News<'_>),
    ) -> Result<Map<String, Value>, ClientError> {
        self.send(method, params, None, news).await
    }

    async fn send(
        &mut self,
        method: &str,
        mut params: Map<String, Value>,
        headers: Option<&ParamHeaders>,
        mut news: impl FnMut(News<'_>),
    ) -> Result<Map<String, Value>, ClientError> {
        self.next_id += 1;
        let id = self.next_id;
        if self.version.era() == Era::Modern {
            let meta = params.entry("_meta").or_insert_with(|| json!({}));
            meta[META_VERSION] = json!(self.version.as_str());
            meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
            meta["io.modelcontextprotocol/clientInfo"] = client_info();
        }
        let name = params.get("name").and_then(Value::as_str).map(str::to_owned);
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let mut replied = self
            .exchange
            .ask(&message, method, name.as_deref(), headers, self.version)
            .await?;
        while let Some(message) = replied.next().await? {
            match message {
                Replied::Result(result) => return Ok(result),
                Replied::News(message) => tell(&message, &mut news),
                Replied::Question { id, method } => self.exchange.answer(id, &method, self.version).await?,
            }
        }
        Err(ClientError::Protocol("the answer ended before the result".to_owned()))
    }
}

fn speaks(found: &Map<String, Value>, version: Version) -> bool {
    let supported = found.get("supportedVersions").and_then(Value::as_array);
    supported.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(version.as_str())))
}

fn client_info() -> Value {
    json!({ "name": "mcpgw", "version": env!("CARGO_PKG_VERSION") })
}

fn tell(message: &Map<String, Value>, news: &mut impl FnMut(News<'_>)) {
    let Some(params) = message.get("params").and_then(Value::as_object) else {
        return;
    };
    match message.get("method").and_then(Value::as_str) {
        Some("notifications/progress") => news(News::Progress {
            progress: params.get("progress").unwrap_or(&Value::Null),
            total: params.get("total"),
            message: params.get("message").and_then(Value::as_str),
        }),
        Some("notifications/message") => news(News::Log {
            level: params.get("level").and_then(Value::as_str).unwrap_or("info"),
            data: params.get("data").unwrap_or(&Value::Null),
        }),
        _ => {}
    }
}

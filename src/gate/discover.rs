//! What the gateway says of itself: `initialize` and `server/discover`.

use std::fmt::Write as _;

use ::http::Response;

use crate::gate::body::Body;
use crate::gate::classify::supported_versions;
use crate::gate::error::Error;
use crate::gate::exchange::{Exchange, Request};
use crate::gate::tasks;
use crate::mcp::Version;
use crate::mcp::json::{check, quote};

/// Named up front, whatever the servers have now: a legacy session cannot learn of more later.
const CAPABILITIES: &str = r#""tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"completions":{},"logging":{}"#;

/// MCP 2026-07-28, `server/discover`.
pub(super) async fn answer(exchange: &Exchange<'_>) -> Result<Response<Body>, Error> {
    let instructions = instructions(exchange.request).await?;
    let extensions = extensions(exchange.request).await?;
    Ok(exchange.result(
        format!(
            r#"{{"resultType":"complete","supportedVersions":{},"capabilities":{{{CAPABILITIES}{extensions}}}{instructions},"ttlMs":0,"cacheScope":"private","_meta":{{"io.modelcontextprotocol/serverInfo":{}}}}}"#,
            supported_versions(),
            server_info(exchange.request),
        )
        .as_bytes(),
    ))
}

/// The result of a legacy `initialize`.
pub(super) async fn initialize_result(request: &Request, version: Version) -> Result<String, Error> {
    let instructions = instructions(request).await?;
    let info = server_info(request);
    Ok(format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{{CAPABILITIES}}},"serverInfo":{info}{instructions}}}"#
    ))
}

/// Extensions that are routed, where a server has them: tasks. Legacy sessions have none.
async fn extensions(request: &Request) -> Result<String, Error> {
    let view = request.view().await?;
    let has_tasks = view.offer.servers.iter().any(|server| {
        let capabilities = &server.catalogue.capabilities;
        check(capabilities).is_ok_and(|whole| tasks::declared(capabilities, whole))
    });
    Ok(if has_tasks {
        format!(r#","extensions":{{"{}":{{}}}}"#, tasks::EXTENSION)
    } else {
        String::new()
    })
}

async fn instructions(request: &Request) -> Result<String, Error> {
    let told = request.view().await?.instructions();
    Ok(told.map_or_else(String::new, |text| format!(r#","instructions":{}"#, quote(&text))))
}

fn server_info(request: &Request) -> String {
    let mut info = format!(r#"{{"name":"mcpgw","version":"{}""#, env!("CARGO_PKG_VERSION"));
    if let Some(endpoint) = request.generation.snapshot.endpoints.get(&request.endpoint) {
        let _ = write!(info, r#","title":{}"#, quote(&endpoint.title));
    }
    info.push('}');
    info
}

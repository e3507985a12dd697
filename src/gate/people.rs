//! Requests for the authorization server: their bodies are read here, and the generation is the world that they are answered in.

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::Response;
use ::http::request::Parts;
use hyper::body::Incoming;
use serde::Deserialize;

use crate::audit::Log;
use crate::auth::oidc::Provider;
use crate::auth::{self, MAX_BODY, Route, ToolLine, World};
use crate::gate::body::Body;
use crate::gate::error::Error;
use crate::gate::generation::Generation;
use crate::gate::{Gate, http};
use crate::name::{Caller, EndpointName};
use crate::snapshot::Snapshot;
use crate::snapshot::access::Rights;
use crate::text::without_hidden;

/// Characters of a tool's description that people are shown.
const MAX_SUMMARY: usize = 160;

pub(super) async fn answer(
    gate: &Gate,
    generation: &Generation,
    route: &Route,
    peer: SocketAddr,
    parts: &Parts,
    body: &mut Incoming,
) -> Result<Response<Body>, Error> {
    let gateway = &generation.snapshot.gateway;
    let body = http::collect(body, &parts.headers, MAX_BODY).await?;
    let request = auth::Request {
        parts: parts.clone(),
        address: http::client_address(gateway, peer.ip(), &parts.headers),
        base: http::base(gateway, parts),
        body,
    };
    let reply = gate.auth.answer(generation, route, &request).await;
    Ok(reply.map(Body::from))
}

impl World for Generation {
    fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    fn rights(&self, caller: &Caller) -> Rights {
        self.rights(caller)
    }

    fn is_held(&self, caller: &Caller) -> bool {
        self.identities.is_held(caller)
    }

    fn log(&self) -> &Arc<Log> {
        self.recording.log()
    }

    fn provider(&self) -> Option<&Arc<Provider>> {
        self.provider.as_ref()
    }

    fn tools(&self, endpoint: &EndpointName, caller: &Caller) -> Vec<ToolLine> {
        let Some(view) = self.view(endpoint, &self.rights(caller)) else {
            return Vec::new();
        };
        let offered = view.offer.tools.iter().enumerate();
        offered
            .filter(|(at, tool)| view.tool(&tool.item.shown) == Some(*at))
            .map(|(_, tool)| {
                let told: Told = serde_json::from_slice(&tool.item.raw).unwrap_or_default();
                let title = told.title.or(told.annotations.title);
                ToolLine {
                    server: view.offer.servers[tool.item.server].name.clone(),
                    title: without_hidden(&title.unwrap_or_else(|| tool.item.shown.to_string())).into_owned(),
                    summary: first_sentence(&told.description.unwrap_or_default()),
                    only_reads: told.annotations.read_only_hint.unwrap_or(false),
                }
            })
            .collect()
    }
}

/// What of a tool's definition is for people.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    title: Option<String>,
    description: Option<String>,
    annotations: Annotations,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Annotations {
    title: Option<String>,
    read_only_hint: Option<bool>,
}

fn first_sentence(text: &str) -> String {
    let text = without_hidden(text);
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let sentence = line.find(". ").map_or(line, |end| &line[..=end]);
    if sentence.chars().count() <= MAX_SUMMARY {
        return sentence.to_owned();
    }
    let short: String = sentence.chars().take(MAX_SUMMARY).collect();
    short.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_its_first_sentence() {
        assert_eq!(first_sentence("Reads a file. Never writes."), "Reads a file.");
        assert_eq!(first_sentence("\n  Lists\nmore"), "Lists");
        assert_eq!(first_sentence(&"x".repeat(200)).chars().count(), MAX_SUMMARY + 1);
    }
}

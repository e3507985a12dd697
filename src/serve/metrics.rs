//! The metrics listener: `/metrics` in Prometheus' text format, `/healthz`, `/readyz`.
//!
//! It needs no token, so it tells counts and configured names only, and answers no web page: `Host` and `Origin` are checked.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::gate::{CallCounters, Generation};
use crate::serve::hosts;
use crate::serve::live::Live;
use crate::upstream::Condition;

/// Scrapers and probes at a time.
pub(super) const CONNECTIONS: u32 = 64;

pub(super) fn answer<B>(live: &Live, bound: SocketAddr, request: &Request<B>) -> Response<Full<Bytes>> {
    let generation = live.gate.generation();
    if !hosts::may_answer(request, bound, &generation.snapshot.gateway) {
        return reply(
            StatusCode::FORBIDDEN,
            "this listener does not answer to that `Host` or `Origin`\n".to_owned(),
        );
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return reply(StatusCode::METHOD_NOT_ALLOWED, "this answers GET\n".to_owned());
    }
    match request.uri().path() {
        "/healthz" => reply(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" if live.shared.draining.is_cancelled() => {
            reply(StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned())
        }
        "/readyz" if live.is_ready() => reply(StatusCode::OK, "ready\n".to_owned()),
        "/readyz" => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            "waiting for the first catalogues\n".to_owned(),
        ),
        "/metrics" => reply(StatusCode::OK, text(live)),
        _ => reply(
            StatusCode::NOT_FOUND,
            "there are /metrics, /healthz and /readyz\n".to_owned(),
        ),
    }
}

fn reply(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    answer
}

fn text(live: &Live) -> String {
    let mut page = Page::default();
    let (generation, report) = (live.gate.generation(), live.report());
    page.family("mcpgw_build_info", "gauge", "The running version.");
    page.sample("mcpgw_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family("mcpgw_generation", "gauge", "Number of the generation that is served.");
    page.sample("mcpgw_generation", &[], generation.number);
    page.family("mcpgw_generation_timestamp_seconds", "gauge", "When it was swapped in.");
    page.sample("mcpgw_generation_timestamp_seconds", &[], report.since.as_second());
    page.family(
        "mcpgw_config_last_reload_successful",
        "gauge",
        "Are the files as they are now served?",
    );
    page.sample(
        "mcpgw_config_last_reload_successful",
        &[],
        u8::from(report.failure.is_none() && report.rotation.is_none()),
    );
    page.family("mcpgw_reloads_total", "counter", "Reloads by outcome.");
    let reloads = &live.reloads;
    for (outcome, count) in [
        ("swapped", &reloads.swapped),
        ("unchanged", &reloads.unchanged),
        ("refused", &reloads.refused),
    ] {
        page.sample(
            "mcpgw_reloads_total",
            &[("outcome", outcome)],
            count.load(Ordering::Relaxed),
        );
    }
    page.family("mcpgw_connections", "gauge", "Open connections of clients.");
    page.sample("mcpgw_connections", &[], live.shared.connections.open());
    page.family("mcpgw_sessions", "gauge", "Sessions of legacy clients.");
    page.sample("mcpgw_sessions", &[], live.gate.session_count());
    page.family(
        "mcpgw_requests_refused_total",
        "counter",
        "Requests refused before they could name a server, by HTTP status.",
    );
    for (status, count) in live.gate.counters().refused() {
        page.sample(
            "mcpgw_requests_refused_total",
            &[("status", &status.to_string())],
            count,
        );
    }
    calls(&mut page, live);
    held_back(&mut page, &generation);
    page.family("mcpgw_upstream_up", "gauge", "Does the server answer?");
    for (name, upstream) in &generation.upstreams {
        let is_up = upstream.status().health.condition == Condition::Well;
        page.sample("mcpgw_upstream_up", &[("server", name.as_str())], u8::from(is_up));
    }
    page.0
}

fn calls(page: &mut Page, live: &Live) {
    type Read = fn(&CallCounters) -> u64;
    let outcomes: [(&str, Read); 5] = [
        ("answered", |calls| calls.answered.load(Ordering::Relaxed)),
        ("denied", |calls| calls.denied.load(Ordering::Relaxed)),
        ("failed", |calls| calls.failed.load(Ordering::Relaxed)),
        ("held-back", |calls| calls.held_back.load(Ordering::Relaxed)),
        ("cancelled", |calls| calls.cancelled.load(Ordering::Relaxed)),
    ];
    let counted = live.gate.counters().by_server();
    page.family("mcpgw_calls_total", "counter", "Calls by outcome.");
    for ((endpoint, server), counters) in &counted {
        for (outcome, read) in outcomes {
            let labels = [
                ("endpoint", endpoint.as_str()),
                ("server", server.as_str()),
                ("outcome", outcome),
            ];
            page.sample("mcpgw_calls_total", &labels, read(counters));
        }
    }
    page.family("mcpgw_calls_in_flight", "gauge", "Calls that are being answered.");
    for ((endpoint, server), counters) in &counted {
        let labels = [("endpoint", endpoint.as_str()), ("server", server.as_str())];
        page.sample(
            "mcpgw_calls_in_flight",
            &labels,
            counters.in_flight.load(Ordering::Relaxed),
        );
    }
}

/// Of every pinned server, also where it is nothing, so that a rise can be alerted on.
fn held_back(page: &mut Page, generation: &Generation) {
    let locks = &generation.snapshot.locks;
    page.family(
        "mcpgw_held_back",
        "gauge",
        "Selected tools, prompts and templates that the lock holds back.",
    );
    for endpoint in generation.snapshot.endpoints.keys() {
        let Some(offer) = generation.offer(endpoint) else {
            continue;
        };
        let counts = offer.held_back();
        for server in offer.servers.iter().filter(|server| locks.contains_key(&server.name)) {
            let labels = [("endpoint", endpoint.as_str()), ("server", server.name.as_str())];
            let count = counts.get(server.name.as_str()).copied().unwrap_or_default();
            page.sample("mcpgw_held_back", &labels, count);
        }
    }
    page.family(
        "mcpgw_held_back_in_sessions",
        "gauge",
        "Tools and prompts of pinned servers that only a session or process of its own lists otherwise than reviewed.",
    );
    for (name, upstream) in generation
        .upstreams
        .iter()
        .filter(|(name, _)| locks.contains_key(*name))
    {
        let labels = [("server", name.as_str())];
        page.sample(
            "mcpgw_held_back_in_sessions",
            &labels,
            upstream.held_back_in_sessions().len(),
        );
    }
}

/// Label values here are table names and numbers: nothing in them needs escaping.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

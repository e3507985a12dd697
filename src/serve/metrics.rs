//! The metrics listener: `/metrics` in Prometheus' text format, `/healthz`, `/readyz`.
//!
//! It needs no token, so it tells counts and configured names only, and answers no web page: `Host` and `Origin` are checked.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::gate::{BUCKETS, CallCounters, Called, Generation};
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
    page.sample(
        "mcpgw_build_info",
        &[("version", env!("CARGO_PKG_VERSION").to_owned())],
        1,
    );
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
            &[("outcome", outcome.to_owned())],
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
        page.sample("mcpgw_requests_refused_total", &[("status", status.to_string())], count);
    }
    calls(&mut page, live);
    redactions(&mut page, live);
    audit(&mut page, &generation);
    traces(&mut page, &generation);
    servers(&mut page, &generation);
    held_back(&mut page, &generation);
    page.0
}

fn calls(page: &mut Page, live: &Live) {
    type Read = fn(&CallCounters) -> &AtomicU64;
    let outcomes: [(&str, Read); 7] = [
        ("answered", |calls| &calls.answered),
        ("error", |calls| &calls.error),
        ("denied", |calls| &calls.denied),
        ("refused", |calls| &calls.refused),
        ("failed", |calls| &calls.failed),
        ("held-back", |calls| &calls.held_back),
        ("cancelled", |calls| &calls.cancelled),
    ];
    let counted = live.gate.counters().by_tool();
    let labels = |called: &Called| {
        [
            ("endpoint", called.endpoint.to_string()),
            ("server", called.server.to_string()),
            ("tool", called.tool.to_string()),
        ]
    };
    page.family("mcpgw_calls_total", "counter", "Calls by outcome.");
    for (called, counters) in &counted {
        for (outcome, read) in outcomes {
            let [endpoint, server, tool] = labels(called);
            let labels = [endpoint, server, tool, ("outcome", outcome.to_owned())];
            page.sample("mcpgw_calls_total", &labels, read(counters).load(Ordering::Relaxed));
        }
    }
    for (endpoint, count) in live.gate.counters().unoffered() {
        let labels = [
            ("endpoint", endpoint.to_string()),
            ("server", String::new()),
            ("tool", String::new()),
            ("outcome", "denied".to_owned()),
        ];
        page.sample("mcpgw_calls_total", &labels, count);
    }
    page.family("mcpgw_calls_in_flight", "gauge", "Calls that are being answered.");
    for (called, counters) in &counted {
        let running = counters.in_flight.load(Ordering::Relaxed);
        page.sample("mcpgw_calls_in_flight", &labels(called), running);
    }
    page.family(
        "mcpgw_call_duration_seconds",
        "histogram",
        "From the permit to the end of the answer, of calls that were answered.",
    );
    for (called, counters) in &counted {
        let (below, count) = counters.latency.cumulated();
        if count == 0 {
            continue;
        }
        let bounds = BUCKETS
            .iter()
            .map(|millis| Duration::from_millis(*millis).as_secs_f64().to_string());
        for (bound, below) in bounds.zip(below).chain([("+Inf".to_owned(), count)]) {
            let [endpoint, server, tool] = labels(called);
            let labels = [endpoint, server, tool, ("le", bound)];
            page.sample("mcpgw_call_duration_seconds_bucket", &labels, below);
        }
        let seconds = counters.latency.seconds();
        page.sample("mcpgw_call_duration_seconds_sum", &labels(called), seconds);
        page.sample("mcpgw_call_duration_seconds_count", &labels(called), count);
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
            let labels = [("endpoint", endpoint.to_string()), ("server", server.name.to_string())];
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
        let labels = [("server", name.to_string())];
        page.sample(
            "mcpgw_held_back_in_sessions",
            &labels,
            upstream.held_back_in_sessions().len(),
        );
    }
}

fn redactions(page: &mut Page, live: &Live) {
    page.family(
        "mcpgw_redactions_total",
        "counter",
        "Redacted values of calls, by type.",
    );
    for ((direction, kind), count) in live.gate.counters().redactions() {
        let labels = [("direction", direction.to_owned()), ("type", kind)];
        page.sample("mcpgw_redactions_total", &labels, count);
    }
    page.family(
        "mcpgw_tokens_masked_total",
        "counter",
        "Values of calls that were masked where a token was asked for.",
    );
    page.sample("mcpgw_tokens_masked_total", &[], live.gate.counters().masked());
}

fn audit(page: &mut Page, generation: &Generation) {
    let health = generation.recording.log().health();
    page.family("mcpgw_audit_up", "gauge", "Can the audit log be written?");
    page.sample("mcpgw_audit_up", &[], u8::from(health.failure().is_none()));
    for (name, help, counter) in [
        ("mcpgw_audit_lines_total", "Lines that were written.", &health.lines),
        (
            "mcpgw_audit_writes_total",
            "Writes: each takes all lines that wait.",
            &health.writes,
        ),
        (
            "mcpgw_audit_lost_lines_total",
            "Lines that could not be written.",
            &health.lost,
        ),
    ] {
        page.family(name, "counter", help);
        page.sample(name, &[], counter.load(Ordering::Relaxed));
    }
}

/// Where traces are on.
fn traces(page: &mut Page, generation: &Generation) {
    let Some(traces) = &generation.traces else { return };
    page.family(
        "mcpgw_trace_batches_total",
        "counter",
        "Batches of spans for the collector, by outcome.",
    );
    for (outcome, count) in [("taken", &traces.sent().taken), ("failed", &traces.sent().failed)] {
        let labels = [("outcome", outcome.to_owned())];
        page.sample("mcpgw_trace_batches_total", &labels, count.load(Ordering::Relaxed));
    }
}

fn servers(page: &mut Page, generation: &Generation) {
    page.family("mcpgw_upstream_up", "gauge", "Does the server answer?");
    for (name, upstream) in &generation.upstreams {
        let is_up = upstream.status().health.condition == Condition::Well;
        let labels = [("server", name.to_string())];
        page.sample("mcpgw_upstream_up", &labels, u8::from(is_up));
    }
}

/// Prometheus' text format.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, String)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// A tool's name is the server's to choose.
fn escaped(value: &str) -> String {
    crate::text::safe(value)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

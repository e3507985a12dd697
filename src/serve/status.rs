//! What `mcpgw status` shows, as JSON. Fields are only added; `format-version` grows when one changes its meaning.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::audit::Target;
use crate::gate::{Generation, Problem};
use crate::name::EndpointName;
use crate::pii::Cover;
use crate::serve::control;
use crate::serve::live::{Live, Report};
use crate::serve::start::base_url;
use crate::upstream::Upstream;

pub(super) fn status(live: &Live) -> Value {
    let (generation, report) = (live.gate.generation(), live.report());
    json!({
        "format-version": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "started": live.started.to_string(),
        "ready": live.is_ready(),
        "state-directory": live.state.to_string_lossy(),
        "configuration": {
            // What changes it: `files`, `applies`, or since the `start` applies alone.
            "follows": live.follows_word(),
            "paths": live.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        },
        "generation": {
            "number": generation.number,
            "digest": generation.digest,
            "since": report.since.to_string(),
        },
        "reload": reload(live, &report),
        "listeners": listeners(live, &generation, &report),
        "servers": generation.upstreams.values().map(|upstream| server(upstream, generation.cover())).collect::<Vec<_>>(),
        "endpoints": generation.snapshot.endpoints.keys().map(|name| endpoint(&generation, name)).collect::<Vec<_>>(),
        "replicas": replicas(live),
        "audit": audit(&generation),
        "grants": live.gate.auth().count(),
        // What is taken away, whatever the files say.
        "holds": control::holds(live),
        "sessions": sessions(live),
        "calls": calls(live),
        "refused-requests": live.gate.counters().refused().into_iter().map(|(status, count)| (status.to_string(), count)).collect::<BTreeMap<_, _>>(),
    })
}

fn reload(live: &Live, report: &Report) -> Value {
    json!({
        "last": report.last,
        // Why the files as they are now are not served.
        "failure": report.failure,
        "rotation-failure": report.rotation,
        "swapped": live.reloads.swapped.load(Ordering::Relaxed),
        "unchanged": live.reloads.unchanged.load(Ordering::Relaxed),
        "refused": live.reloads.refused.load(Ordering::Relaxed),
    })
}

fn listeners(live: &Live, generation: &Generation, report: &Report) -> Value {
    let gateway = &generation.snapshot.gateway;
    let mut listeners = Vec::new();
    if let Some(address) = report.listen {
        listeners.push(json!({
            "serves": "endpoints",
            "address": address.to_string(),
            "tls": gateway.tls.is_some(),
            "url": base_url(gateway, address),
            "connections": live.shared.connections.open(),
            "max-connections": gateway.limits.connections,
        }));
    }
    if let Some(address) = report.metrics {
        listeners.push(json!({ "serves": "metrics", "address": address.to_string(), "tls": false, "url": format!("http://{address}/metrics") }));
    }
    if let Some(address) = report.control {
        let tls = live.control.is_tls();
        let scheme = if tls { "https" } else { "http" };
        listeners.push(json!({ "serves": "control", "address": address.to_string(), "tls": tls, "url": format!("{scheme}://{address}") }));
    }
    listeners.into()
}

/// The gateways on the same Redis; null where this one is alone.
fn replicas(live: &Live) -> Value {
    let Some(group) = &live.group else { return Value::Null };
    match &*group.seen() {
        Ok(all) => json!({ "self": group.id, "all": all, "failure": null }),
        Err(why) => json!({ "self": group.id, "all": [], "failure": why }),
    }
}

fn audit(generation: &Generation) -> Value {
    let log = generation.recording.log();
    let health = log.health();
    json!({
        "file": match log.target() {
            Target::File(path) => path.to_string_lossy().into_owned(),
            Target::None => String::new(),
            Target::Stdout => "-".to_owned(),
        },
        // Why lines cannot be written; null while they can.
        "failure": health.failure(),
        "lines": health.lines.load(Ordering::Relaxed),
        "lost": health.lost.load(Ordering::Relaxed),
    })
}

fn server(upstream: &Upstream, cover: &Cover) -> Value {
    let mut status = upstream.status();
    // Quotes what the server has answered.
    cover_in_place(&mut status.health.reason, cover);
    let mut status = serde_json::to_value(status).unwrap_or_default();
    if let Value::Object(members) = &mut status {
        members.shift_insert(0, "name".to_owned(), upstream.name().as_str().into());
    }
    status
}

fn endpoint(generation: &Generation, name: &EndpointName) -> Value {
    let Some(offer) = generation.offer(name) else {
        return json!({ "name": name.as_str() });
    };
    let servers = offer.servers.iter().map(|server| server.name.as_str());
    json!({
        "name": name.as_str(),
        "servers": servers.collect::<Vec<_>>(),
        "tools": offer.tools.len(),
        "prompts": offer.prompts.len(),
        "resources": offer.resources.len(),
        "templates": offer.templates.len(),
        // Selected and not served: held back by the lock, or shown by a name that another has.
        "problems": offer.problems.iter().map(|problem| covered(problem, generation.cover())).collect::<Vec<_>>(),
    })
}

/// Names are a server's own words, until somebody selects them.
fn covered(problem: &Problem, cover: &Cover) -> Problem {
    Problem {
        shown: cover.text(&problem.shown).into_owned(),
        items: problem.items.iter().map(|item| cover.text(item).into_owned()).collect(),
        reason: cover.text(&problem.reason).into_owned(),
        held_back: problem.held_back.clone(),
    }
}

/// With what is taken out of texts that belong to no one call.
pub(super) fn cover_in_place(reason: &mut Option<String>, cover: &Cover) {
    if let Some(text) = reason {
        *text = cover.text(text).into_owned();
    }
}

fn sessions(live: &Live) -> Value {
    let by_principal: serde_json::Map<String, Value> = live
        .gate
        .sessions_by_principal()
        .into_iter()
        .map(|(principal, count)| (principal.to_string(), count.into()))
        .collect();
    json!({ "total": live.gate.session_count(), "by-principal": by_principal })
}

fn calls(live: &Live) -> Value {
    let mut by_server: BTreeMap<_, [i64; 8]> = BTreeMap::new();
    for (called, counters) in live.gate.counters().by_tool() {
        let counted = by_server.entry((called.endpoint, called.server)).or_default();
        let all = [
            &counters.answered,
            &counters.error,
            &counters.denied,
            &counters.refused,
            &counters.failed,
            &counters.held_back,
            &counters.cancelled,
        ];
        for (sum, counter) in counted.iter_mut().zip(all) {
            *sum += counter.load(Ordering::Relaxed).cast_signed();
        }
        counted[7] += counters.in_flight.load(Ordering::Relaxed);
    }
    let calls = by_server.iter().map(|((endpoint, server), counted)| {
        let [
            answered,
            error,
            denied,
            refused,
            failed,
            held_back,
            cancelled,
            in_flight,
        ] = counted;
        json!({
            "endpoint": endpoint.as_str(),
            "server": server.as_str(),
            "answered": answered,
            // Answered with an error, or by a tool that says it failed.
            "error": error,
            "denied": denied,
            "refused": refused,
            "failed": failed,
            "held-back": held_back,
            "cancelled": cancelled,
            "in-flight": in_flight,
        })
    });
    calls.collect::<Vec<_>>().into()
}

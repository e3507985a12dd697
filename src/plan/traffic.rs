//! What live traffic notices of a change: listeners, servers, sessions.

use std::net::SocketAddr;

use super::Side;
use crate::name::EndpointName;
use crate::snapshot::{Server, Snapshot, Transport};

/// One sentence each; without any, nothing but the rules changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    pub lines: Vec<String>,
}

pub(super) fn diff(current: &Side<'_>, proposed: &Side<'_>) -> Traffic {
    let (from, to) = (current.snapshot, proposed.snapshot);
    if from == to {
        return Traffic::default();
    }
    if *from == Snapshot::default() {
        return Traffic {
            lines: vec!["nothing is served yet".to_owned()],
        };
    }
    let mut lines = Vec::new();
    listeners(from, to, &mut lines);
    servers(from, to, &mut lines);
    sessions(from, to, &mut lines);
    Traffic { lines }
}

fn listeners(from: &Snapshot, to: &Snapshot, lines: &mut Vec<String>) {
    let start = lines.len();
    let mut moved = |what: &str, old: Option<SocketAddr>, new: Option<SocketAddr>| match (old, new) {
        (Some(old), Some(new)) if old != new => {
            lines.push(format!(
                "{what} listens on {new} instead of {old}; connections to {old} finish what they do"
            ));
        }
        (None, Some(new)) => lines.push(format!("{what} listens on {new}")),
        (Some(old), None) => lines.push(format!("{what} no longer listens on {old}")),
        _ => {}
    };
    let control = |side: &Snapshot| side.gateway.control.as_ref().map(|control| control.listen);
    moved("the gateway", Some(from.gateway.listen), Some(to.gateway.listen));
    moved("metrics", from.gateway.telemetry.metrics, to.gateway.telemetry.metrics);
    moved("the control API", control(from), control(to));
    if lines.len() == start {
        lines.push("no listener reopens".to_owned());
    }
    let secured = match (&from.gateway.tls, &to.gateway.tls) {
        (old, new) if old == new => return,
        (None, Some(_)) => "new connections are TLS; open ones go on as they are",
        (_, None) => "new connections are plain HTTP; open ones go on as they are",
        (Some(_), Some(_)) => "new connections get the new certificate; open ones go on with theirs",
    };
    lines.push(secured.to_owned());
}

fn servers(from: &Snapshot, to: &Snapshot, lines: &mut Vec<String>) {
    for (name, new) in &to.servers {
        match from.servers.get(name) {
            None => lines.push(format!("server `{name}` is {}", started(new))),
            Some(old) if old != new => lines.push(replaced(name.as_str(), old, new)),
            Some(_) => {}
        }
    }
    for name in from.servers.keys().filter(|name| !to.servers.contains_key(*name)) {
        lines.push(format!(
            "server `{name}` drains: calls in flight finish, nothing new reaches it"
        ));
    }
}

fn started(server: &Server) -> &'static str {
    match server.transport {
        Transport::Http { .. } => "connected to",
        Transport::Stdio { .. } => "started",
    }
}

fn replaced(name: &str, old: &Server, new: &Server) -> String {
    if old.transport == new.transport && old.credentials == new.credentials && old.auth == new.auth {
        return format!("server `{name}` is connected to anew, calls in flight finish on the old connection");
    }
    match (&old.transport, &new.transport) {
        (Transport::Stdio { .. }, Transport::Stdio { .. }) => {
            format!("server `{name}` gets new processes; calls in flight finish in the old ones")
        }
        (Transport::Http { .. }, Transport::Http { .. }) => {
            format!("server `{name}` gets a new connection pool; calls in flight finish on the old one")
        }
        _ => format!(
            "server `{name}` is {}; calls in flight finish where they are",
            started(new)
        ),
    }
}

fn sessions(from: &Snapshot, to: &Snapshot, lines: &mut Vec<String>) {
    let gone: Vec<&str> = from
        .endpoints
        .keys()
        .filter(|name| !to.endpoints.contains_key(*name))
        .map(EndpointName::as_str)
        .collect();
    if !gone.is_empty() {
        lines.push(format!("sessions of {} end", crate::text::list(&gone)));
    }
    if !from.endpoints.is_empty() {
        let who = if gone.is_empty() {
            "sessions"
        } else {
            "all other sessions"
        };
        lines.push(format!(
            "{who} stay, obey the new rules from their next request, and are told of changed lists"
        ));
    }
}

//! Filters for personal data: what is redacted less, on which endpoint and server, in which direction.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, What};
use crate::name::{EndpointName, PiiName, ServerName};
use crate::snapshot::{Pii, PiiCustom, Snapshot, Subject};
use crate::text::list;

const BUILT_IN: [&str; 5] = ["email", "phone", "ssn", "credit-card", "ip"];

/// One sentence of what is weaker, and where: `endpoint/server`.
type Weaker = BTreeMap<(String, Subject), Vec<String>>;

pub(super) fn compare(found: &mut Found<'_>) {
    let (from, to) = (found.current.snapshot, found.proposed.snapshot);
    let mut weaker = Weaker::new();
    for (endpoint, offered) in &to.endpoints {
        for selection in &offered.servers {
            let server = &selection.server;
            let new = to.filter(endpoint, Some(server));
            let was_there = from.endpoints.get(endpoint).is_some_and(|endpoint| {
                let mut servers = endpoint.servers.iter();
                servers.any(|selection| selection.server == *server)
            });
            // What is new is held against the gateway's own filter: `pii = ""` takes that off.
            let old = if was_there {
                from.filter(endpoint, Some(server))
            } else {
                to.gateway.pii.as_ref()
            };
            let old_filter = old.and_then(|name| if was_there { from } else { to }.pii.get(name));
            let new_filter = new.and_then(|name| to.pii.get(name));
            for title in weakened(old_filter, new_filter) {
                let subject = subject(to, endpoint, server, new.or(old));
                weaker
                    .entry((title, subject))
                    .or_default()
                    .push(format!("endpoint {endpoint}, server {server}"));
            }
        }
    }
    for ((title, subject), places) in weaker {
        found.with(What::Filter, title, places, Some(&subject));
    }
}

/// The table that decides: where the filter is named, or the filter's own.
fn subject(side: &Snapshot, endpoint: &EndpointName, server: &ServerName, filter: Option<&PiiName>) -> Subject {
    if side
        .endpoints
        .get(endpoint)
        .is_some_and(|endpoint| endpoint.pii == Some(None))
    {
        return Subject::Endpoint(endpoint.clone());
    }
    let own = side.servers.get(server).is_some_and(|server| server.pii.is_some());
    match filter {
        Some(filter) => Subject::Pii(filter.clone()),
        None if own => Subject::Server(server.clone()),
        None => Subject::Endpoint(endpoint.clone()),
    }
}

/// Every way in which the second redacts less than the first.
fn weakened(old: Option<&Pii>, new: Option<&Pii>) -> Vec<String> {
    let Some(old) = old else { return Vec::new() };
    let none = Pii::default();
    let new = new.unwrap_or(&none);
    let mut titles = Vec::new();
    for (before, after, what) in [
        (&old.responses, &new.responses, "answers to clients"),
        (&old.requests, &new.requests, "requests to servers"),
    ] {
        let (before, after) = (types(before, old), types(after, new));
        let lost: Vec<&str> = before.difference(&after).copied().collect();
        if !lost.is_empty() {
            titles.push(format!("{what} show {} unmasked", list(&lost)));
        }
    }
    let redacted = [&new.requests, &new.responses].map(|names| types(names, new));
    let still = |kind: &str| redacted.iter().any(|types| types.contains(kind));
    for (kind, patterns) in new.keep.iter().filter(|(kind, _)| still(kind)) {
        let before = old.keep.get(kind).map(Vec::as_slice).unwrap_or_default();
        let more = super::added(before, patterns);
        if !more.is_empty() {
            titles.push(format!("`{kind}` is kept where it matches {}", list(&more)));
        }
    }
    for (name, table) in new.custom.iter().filter(|(name, _)| still(name.as_str())) {
        let same = |before: &PiiCustom| before.pattern == table.pattern && before.luhn == table.luhn;
        if old.custom.get(name).is_some_and(|before| !same(before)) {
            titles.push(format!("`{name}` is found by another pattern"));
        }
    }
    if new.reversible && !old.reversible {
        titles.push("what is masked can be put back (`mode = \"token\"`)".to_owned());
    }
    let restored: Vec<&str> = super::added(&old.restore_to, &new.restore_to)
        .into_iter()
        .map(ServerName::as_str)
        .collect();
    if !restored.is_empty() {
        titles.push(format!("masked values are put back in requests to {}", list(&restored)));
    }
    titles
}

/// `all` is the five and the custom ones.
fn types<'a>(names: &'a [String], filter: &'a Pii) -> BTreeSet<&'a str> {
    let custom = || filter.custom.keys().map(PiiName::as_str);
    let mut types = BTreeSet::new();
    for name in names {
        if name == "all" {
            types.extend(BUILT_IN.into_iter().chain(custom()));
        } else {
            types.insert(name.as_str());
        }
    }
    types
}

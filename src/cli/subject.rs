//! WHO, ENDPOINT and SERVER/TOOL of the command line, held against the configuration.
//!
//! A name that stands nowhere in the files is a mistake of whoever asks, and is told as one: "denied" would be true
//! and useless.

use super::exit::Failure;
use crate::name::{Caller, EndpointName, PiiName, Principal, ServerName, ServiceName};
use crate::snapshot::{Pii, Snapshot};
use crate::text::{list, safe};

/// A tool by its server's own name for it.
pub(super) struct Tool {
    pub(super) server: ServerName,
    pub(super) name: String,
}

/// `user:NAME`, `service:NAME` or `anonymous`, with the groups of its table and those given.
pub(super) fn caller(snapshot: &Snapshot, who: &str, given: &[String]) -> Result<Caller, Failure> {
    let principal = Principal::parse(who).ok_or_else(|| {
        Failure::usage(format_args!("`{}` is nobody", safe(who)))
            .hint("write `user:NAME`, `service:NAME` or `anonymous`")
    })?;
    match &principal {
        Principal::Anonymous if !given.is_empty() => return Err(Failure::usage("`anonymous` is in no group")),
        Principal::Service(name) if !snapshot.services.contains_key(name) => {
            let known = snapshot.services.keys().map(ServiceName::as_str);
            return Err(unknown("service", name.as_str(), known));
        }
        Principal::Anonymous | Principal::Service(_) | Principal::User(_) => {}
    }
    let mut groups = snapshot.declared_groups(&principal);
    let given = given.iter().map(|group| group.strip_prefix("group:").unwrap_or(group));
    groups.extend(given.filter(|group| !group.is_empty()).map(Into::into));
    Ok(Caller { principal, groups })
}

pub(super) fn endpoint(snapshot: &Snapshot, name: &str) -> Result<EndpointName, Failure> {
    let found = snapshot.endpoints.keys().find(|known| known.as_str() == name);
    let known = snapshot.endpoints.keys().map(EndpointName::as_str);
    found.cloned().ok_or_else(|| unknown("endpoint", name, known))
}

/// A `[pii.NAME]` table.
pub(super) fn filter<'a>(snapshot: &'a Snapshot, name: &str) -> Result<(&'a PiiName, &'a Pii), Failure> {
    let found = snapshot.pii.iter().find(|(known, _)| known.as_str() == name);
    let known = snapshot.pii.keys().map(PiiName::as_str);
    found.ok_or_else(|| unknown("PII filter", name, known))
}

pub(super) fn tool(snapshot: &Snapshot, text: &str) -> Result<Tool, Failure> {
    let Some((server, name)) = text
        .split_once('/')
        .filter(|(server, name)| !server.is_empty() && !name.is_empty())
    else {
        return Err(Failure::usage(format_args!("`{}` is not SERVER/TOOL", safe(text)))
            .hint("write the server's name, a slash, and the tool's own name, e.g. `github/get_issue`"));
    };
    let found = snapshot.servers.keys().find(|known| known.as_str() == server);
    let known = snapshot.servers.keys().map(ServerName::as_str);
    Ok(Tool {
        server: found.cloned().ok_or_else(|| unknown("server", server, known))?,
        name: name.to_owned(),
    })
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let known: Vec<&str> = known.collect();
    let failure = Failure::new(format_args!("the files have no {kind} `{}`", safe(name)));
    let similar = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    match similar {
        Some(similar) if strsim::jaro_winkler(similar, name) > 0.8 => {
            failure.hint(format_args!("did you mean `{similar}`?"))
        }
        _ if known.is_empty() => failure,
        _ => failure.hint(format_args!("they have {}", list(&known))),
    }
}

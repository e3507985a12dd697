//! `[service.NAME]`: programs and the hashes of their tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;

use super::people::texts;
use super::{Context, secret};
use crate::config::grammar::MapEntry;
use crate::config::table;
use crate::diag::{Code, Finding, Place};
use crate::name::ServiceName;
use crate::snapshot::{Service, Subject};

pub(super) fn services(context: &mut Context<'_>) -> BTreeMap<ServiceName, Service> {
    let mut services = BTreeMap::new();
    let mut tokens: BTreeMap<[u8; 32], Place> = BTreeMap::new();
    for entry in context.tables.services.entries() {
        context.origin(Subject::Service(entry.name.clone()), entry.place);
        hashes(entry, &mut tokens, context);
        if let Some((expires, place)) = entry.value.expires.with_place() {
            expiry(&entry.name, *expires, place, context);
        }
        credentials(&entry.value, context);
        let service = Service {
            token_sha256: entry.value.token_sha256.values().map(|hash| hash.0).collect(),
            groups: texts(&entry.value.groups).map(Arc::from).collect(),
            expires: entry.value.expires.get().copied(),
            credentials: entry
                .value
                .credentials
                .entries()
                .iter()
                .map(|entry| (entry.name.clone(), secret(&entry.value)))
                .collect(),
        };
        services.insert(entry.name.clone(), service);
    }
    services
}

fn hashes(
    entry: &MapEntry<ServiceName, table::Service>,
    tokens: &mut BTreeMap<[u8; 32], Place>,
    context: &mut Context<'_>,
) {
    let hashes = entry.value.token_sha256.items();
    if let (Some((list, place)), []) = (entry.value.token_sha256.with_place(), hashes)
        && list.0.is_empty()
        && !context
            .findings
            .iter()
            .any(|finding| finding.code == Code::InvalidTokenHash)
    {
        context.push(
            Finding::new(
                Code::MissingTokenHash,
                place,
                format!("the service `{}` has no token", entry.name),
            )
            .label("empty")
            .help(format!("run `mcpgw token {}` and paste the hash", entry.name)),
        );
    }
    for item in hashes {
        if let Some(first) = tokens.insert(item.value.0, item.place) {
            context.push(
                Finding::new(Code::DuplicateToken, item.place, "a token is there twice")
                    .label("whose is it?")
                    .also(first, "first here")
                    .help("run `mcpgw token NAME` for a token of its own"),
            );
        }
    }
}

/// Thirty days before the last day, and ever after.
fn expiry(name: &ServiceName, expires: Date, place: Place, context: &mut Context<'_>) {
    let today = context.settings.today;
    let soon = today.checked_add(30.days()).unwrap_or(Date::MAX);
    let title = match (expires < today, expires <= soon) {
        (true, _) => format!("the token of the service `{name}` has expired"),
        (false, true) => format!("the token of the service `{name}` expires soon"),
        (false, false) => return,
    };
    context.push(
        Finding::new(Code::ServiceExpires, place, title)
            .label("the last day on which it counts")
            .help(format!(
                "run `mcpgw token {name}`, add the new hash beside the old one, and set a later date"
            )),
    );
}

fn credentials(service: &table::Service, context: &mut Context<'_>) {
    let tables = context.tables;
    for entry in service.credentials.entries() {
        let Some(server) = tables.servers.find(entry.name.as_str()) else {
            let known = tables
                .servers
                .entries()
                .iter()
                .map(|server| (server.name.as_str(), server.key));
            let finding = context.unknown(
                Code::UnknownServer,
                entry.key,
                entry.name.as_str(),
                "server",
                "server",
                known,
            );
            context.push_some(finding);
            continue;
        };
        let personal = matches!(server.value.credentials.get(), Some(table::Credentials::Personal));
        if !personal && (server.value.credentials.get().is_some() || !server.value.credentials.is_given()) {
            let title = format!("the server `{}` takes no credential from a service", entry.name);
            context.push(
                Finding::new(Code::UnneededCredential, entry.key, title)
                    .label("never used")
                    .also(
                        server.value.credentials.place().unwrap_or(server.place),
                        "its credentials are not personal",
                    )
                    .help("take it away, or write `credentials = \"personal\"` at the server"),
            );
        }
    }
}

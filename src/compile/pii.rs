//! `[pii.NAME]`: filters for personal data.

use std::collections::BTreeMap;

use super::Context;
use crate::config::grammar::{Given, List, PiiType};
use crate::config::table;
use crate::diag::{Code, Finding, Place};
use crate::name::{PiiName, ServerName};
use crate::snapshot::{Pii, PiiCustom, Subject};
use crate::text;

const BUILT_IN: [&str; 5] = ["email", "phone", "ssn", "credit-card", "ip"];

pub(super) fn filters(context: &mut Context<'_>) -> BTreeMap<PiiName, Pii> {
    let mut filters = BTreeMap::new();
    for entry in context.tables.pii.entries() {
        context.origin(Subject::Pii(entry.name.clone()), entry.place);
        let filter = filter(&entry.value, context);
        filters.insert(entry.name.clone(), filter);
    }
    filters
}

fn filter(table: &table::Pii, context: &mut Context<'_>) -> Pii {
    let reversible = matches!(table.mode.get(), Some(table::PiiMode::Token));
    if !reversible {
        context.misplaced(
            table.restore_to.key(),
            "restore-to",
            "without `mode = \"token\"`",
            table.mode.key(),
            "write `mode = \"token\"`, or take it away: what is masked cannot be put back",
        );
    }
    let mut keep = BTreeMap::new();
    for entry in table.keep.entries() {
        kind(&entry.name, entry.key, table, false, context);
        keep.insert(
            entry.name.clone(),
            entry.value.0.iter().map(|item| item.value.0.clone()).collect(),
        );
    }
    Pii {
        requests: kinds(&table.requests, table, context),
        responses: kinds(&table.responses, table, context),
        keep,
        reversible,
        restore_to: restore_to(table, context),
        custom: table
            .custom
            .entries()
            .iter()
            .filter_map(|entry| {
                Some((
                    entry.name.clone(),
                    custom(&entry.name, entry.key, &entry.value, context)?,
                ))
            })
            .collect(),
    }
}

fn kinds(given: &Given<List<PiiType>>, table: &table::Pii, context: &mut Context<'_>) -> Vec<String> {
    for item in given.items() {
        kind(&item.value.0, item.place, table, true, context);
    }
    given.values().map(|kind| kind.0.clone()).collect()
}

fn kind(name: &str, place: Place, table: &table::Pii, all: bool, context: &mut Context<'_>) {
    let custom = table.custom.entries().iter().map(|entry| entry.name.as_str());
    let known: Vec<&str> = BUILT_IN.into_iter().chain(all.then_some("all")).chain(custom).collect();
    if known.contains(&name) {
        return;
    }
    let help = match crate::config::grammar::similar(name, known.iter().copied()) {
        Some(near) => format!("write `{near}`"),
        None => format!("write one of {}, or define it in a `custom` table", text::list(&known)),
    };
    context.push(
        Finding::new(
            Code::UnknownPiiType,
            place,
            format!("no type of personal data is called `{}`", text::safe(name)),
        )
        .label("nobody detects it")
        .help(help),
    );
}

fn restore_to(table: &table::Pii, context: &mut Context<'_>) -> Vec<ServerName> {
    let tables = context.tables;
    let mut servers = Vec::new();
    for item in table.restore_to.items() {
        if tables.servers.find(&item.value).is_none() {
            let known = tables
                .servers
                .entries()
                .iter()
                .map(|entry| (entry.name.as_str(), entry.key));
            let finding = context.unknown(Code::UnknownServer, item.place, &item.value, "server", "server", known);
            context.push_some(finding);
        }
        servers.extend(ServerName::new(&item.value));
    }
    servers
}

fn custom(name: &PiiName, key: Place, table: &table::PiiCustom, context: &mut Context<'_>) -> Option<PiiCustom> {
    if BUILT_IN.contains(&name.as_str()) || name.as_str() == "all" {
        context.push(
            Finding::new(Code::ReservedPiiName, key, format!("`{name}` is a built-in type"))
                .label("taken")
                .help("give your type another name"),
        );
    }
    let (pattern, place) = table.pattern.with_place()?;
    // The bound keeps a pattern from costing more memory than any real one needs.
    if let Err(error) = regex::RegexBuilder::new(&pattern.0).size_limit(1 << 20).build() {
        context.push(
            Finding::new(Code::InvalidRegex, place, "the regular expression cannot be read")
                .label(reason(&error))
                .help("write one without look-around and back-references, in single quotes: `'EMP-\\d{6}'`"),
        );
        return None;
    }
    let upper = name.as_str().to_ascii_uppercase().replace('-', "_");
    Some(PiiCustom {
        pattern: pattern.0.clone(),
        placeholder: table
            .placeholder
            .get()
            .map_or_else(|| format!("[REDACTED_{upper}]"), |text| text.0.clone()),
        luhn: table.checksum.is_given(),
    })
}

/// The last line of the library's message says what is wrong; the others draw it.
fn reason(error: &regex::Error) -> String {
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

//! `[[redact]]` tables: their references are checked. They are not run before there is a redactor, and never pass
//! meanwhile.

use super::case;
use super::{Kind, Outcome, Test, World};
use crate::config::grammar::similar;
use crate::config::table;
use crate::diag::{Code, Finding, Findings};
use crate::name::PiiName;
use crate::text;

/// `None` after a finding.
pub(super) fn run(table: &table::Redact, world: World<'_>, findings: &mut Findings) -> Option<Test> {
    let before = findings.len();
    case::endpoint(&table.endpoint, world, findings);
    which_filter(table, findings);
    known_filter(table, world, findings);
    known_server(table, world, findings);
    if findings.len() > before || table.input.get().is_none() || table.output.get().is_none() {
        return None;
    }
    let about = table.pii.get().or(table.endpoint.get())?;
    Some(Test {
        kind: Kind::Redact,
        name: match table.name.get() {
            Some(name) => name.0.clone(),
            None => format!("redaction of {}", about.0),
        },
        place: table.place,
        questions: 0,
        outcome: Outcome::NotRun(
            Finding::new(
                Code::UnrunTest,
                table.place,
                "this version does not redact, and cannot test it",
            )
            .label("not run")
            .help("take the test away until a version of mcpgw redacts"),
        ),
        notes: Vec::new(),
    })
}

fn which_filter(table: &table::Redact, findings: &mut Findings) {
    let (pii, endpoint) = (table.pii.key(), table.endpoint.key());
    let misplaced = match (pii, endpoint, table.server.key()) {
        (Some(_), Some(endpoint), _) => Some((endpoint, "`endpoint` has no meaning beside `pii`")),
        (_, None, Some(server)) => Some((server, "`server` has no meaning without `endpoint`")),
        _ => None,
    };
    if let Some((key, title)) = misplaced {
        findings.push(
            Finding::new(Code::MisplacedKey, key, title)
                .label("this key")
                .help("write `endpoint`, with or without `server`, or `pii`"),
        );
    } else if pii.is_none() && endpoint.is_none() {
        findings.push(
            Finding::new(Code::MissingKey, table.place, "the test does not say which filter")
                .label("neither `endpoint` nor `pii`")
                .help("add `endpoint = \"…\"`, or `pii = \"…\"`"),
        );
    }
}

fn known_filter(table: &table::Redact, world: World<'_>, findings: &mut Findings) {
    let Some((name, place)) = table.pii.with_place() else {
        return;
    };
    let known = world.snapshot.pii.keys().map(PiiName::as_str);
    if known.clone().any(|known| known == name.0) {
        return;
    }
    let finding = Finding::new(
        Code::UnknownPii,
        place,
        format!("no PII filter is called `{}`", text::safe(&name.0)),
    )
    .label("not defined");
    findings.push(match similar(&name.0, known) {
        Some(near) => finding.help(format!("write `\"{near}\"`")),
        None => finding.help("name a `[pii.NAME]` of the configuration"),
    });
}

fn known_server(table: &table::Redact, world: World<'_>, findings: &mut Findings) {
    let (Some((name, place)), Some(endpoint)) = (table.server.with_place(), table.endpoint.get()) else {
        return;
    };
    let Some(endpoint) = world.snapshot.endpoints.get(endpoint.0.as_str()) else {
        return;
    };
    let known = endpoint.servers.iter().map(|selection| selection.server.as_str());
    if known.clone().any(|known| known == name.0) {
        return;
    }
    let finding = Finding::new(
        Code::UnknownServer,
        place,
        format!("the endpoint has no server `{}`", text::safe(&name.0)),
    )
    .label("not offered there");
    findings.push(match similar(&name.0, known) {
        Some(near) => finding.help(format!("write `\"{near}\"`")),
        None => finding.help("name an `[endpoint.NAME.server.SERVER]` of the configuration"),
    });
}

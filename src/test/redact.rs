//! `[[redact]]` tables, run: the value goes through the redactor that the gate would use, and what comes out is compared.

use serde_json::Value as Json;

use super::case;
use super::{Kind, Outcome, Test, World};
use crate::config::grammar::similar;
use crate::config::table;
use crate::diag::{Code, Finding, Findings};
use crate::name::PiiName;
use crate::pii::{Direction, Redactor};
use crate::snapshot::Pii;
use crate::text;

/// `None` after a finding.
pub(super) fn run(table: &table::Redact, world: World<'_>, findings: &mut Findings) -> Option<Test> {
    let before = findings.len();
    let endpoint = case::endpoint(&table.endpoint, world, findings);
    which_filter(table, findings);
    known_filter(table, world, findings);
    known_server(table, world, findings);
    let input = table.input.get().and_then(|input| case::json(&input.0, findings).ok());
    let output = table
        .output
        .get()
        .and_then(|output| case::json(&output.0, findings).ok());
    if findings.len() > before {
        return None;
    }
    let (input, output) = (input?, output?);
    let about = table.pii.get().or(table.endpoint.get())?;
    let filter = if let Some(named) = table.pii.get() {
        world.snapshot.pii.keys().find(|name| name.as_str() == named.0)
    } else {
        let server = table.server.get().map(|server| server.0.as_str());
        let server = world.snapshot.servers.keys().find(|name| Some(name.as_str()) == server);
        world.snapshot.filter(&endpoint?, server)
    };
    let filter = filter.and_then(|name| world.snapshot.pii.get_key_value(name));
    Some(Test {
        kind: Kind::Redact,
        name: match table.name.get() {
            Some(name) => name.0.clone(),
            None => format!("redaction of {}", about.0),
        },
        place: table.place,
        questions: 1,
        outcome: outcome(table, filter, &input, &output),
        notes: Vec::new(),
    })
}

fn outcome(table: &table::Redact, filter: Option<(&PiiName, &Pii)>, input: &Json, output: &Json) -> Outcome {
    let not_run = |title: &str, help: &str| {
        Outcome::NotRun(
            Finding::new(Code::UnrunTest, table.place, title)
                .label("not run")
                .help(help),
        )
    };
    let direction = match table.direction.get() {
        Some(table::Direction::Request) => Direction::Request,
        Some(table::Direction::Response) | None => Direction::Response,
    };
    let server = table.server.get().map(|server| server.0.as_str());
    let gets_back = |filter: &Pii| {
        let mut trusted = filter.restore_to.iter();
        filter.reversible && trusted.any(|trusted| Some(trusted.as_str()) == server)
    };
    if direction == Direction::Request && filter.is_some_and(|(_, filter)| gets_back(filter)) {
        return not_run(
            "what a server of `restore-to` gets depends on what the session was told before",
            "test the filter itself, with `pii` in place of `endpoint` and `server`",
        );
    }
    let redactor = match filter.map(|(name, filter)| Redactor::alone(name, filter, direction)) {
        None => Redactor::none(),
        Some(Ok(redactor)) => redactor,
        Some(Err(error)) => return not_run(&error.to_string(), "write a smaller pattern"),
    };
    let Some(redacted) = redact(&redactor, direction, input) else {
        return not_run(
            "the value is too deeply nested to be redacted",
            "write fewer values inside each other",
        );
    };
    if redacted == *output {
        return Outcome::Passed;
    }
    let place = table.output.place().unwrap_or(table.place);
    Outcome::Failed(vec![
        Finding::new(
            Code::FailedTest,
            place,
            "what comes out of the redactor is something else",
        )
        .label(format!("comes out: {}", text::safe(&redacted.to_string())))
        .help("write that as `output`, or change what the filter redacts"),
    ])
}

/// `value` as the gate redacts it: among the arguments of a call, or in a tool's structured result.
fn redact(redactor: &Redactor, direction: Direction, value: &Json) -> Option<Json> {
    let message = match direction {
        Direction::Request => serde_json::json!({ "params": { "arguments": value } }),
        Direction::Response => serde_json::json!({ "result": { "structuredContent": value } }),
    };
    let redacted = redactor.redact(vec![message.to_string().into()]);
    let message: Json = serde_json::from_slice(&redacted.pieces().concat()).ok()?;
    let inside = match direction {
        Direction::Request => "/params/arguments",
        Direction::Response => "/result/structuredContent",
    };
    message.pointer(inside).cloned()
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

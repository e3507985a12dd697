//! `[[access]]` tables, checked: who asks, where, and what must come out.

use serde_json::{Map, Number, Value as Json};

use super::World;
use crate::config::grammar::{Any, Given, List, MapEntry, NamePattern, similar};
use crate::config::table;
use crate::config::{Node, Value};
use crate::diag::{Code, Finding, Findings, Place};
use crate::name::{Caller, EndpointName, Pattern, Principal, ServiceName};
use crate::snapshot::access::Arguments;
use crate::snapshot::{Snapshot, Subject};
use crate::text;

/// A test of access that can be run.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) caller: Caller,
    pub(super) endpoint: EndpointName,
    pub(super) allow: Vec<Wanted>,
    pub(super) deny: Vec<Wanted>,
    /// With the place of the list. An empty one says that nothing is callable.
    pub(super) only: Option<(Vec<Wanted>, Place)>,
    /// Of `allow` and `deny`.
    pub(super) arguments: Option<Arguments>,
    /// A `deny` may match nothing.
    pub(super) unmatched_ok: bool,
}

/// Tools that an assertion is about, as `server/tool`.
pub(super) struct Wanted {
    pub(super) pattern: Pattern,
    pub(super) place: Place,
}

/// `None` after a finding.
pub(super) fn access(table: &table::Access, world: World<'_>, findings: &mut Findings) -> Option<Case> {
    let before = findings.len();
    let caller = caller(table, world.snapshot, findings);
    let endpoint = endpoint(&table.endpoint, world, findings);
    let arguments = arguments(table, findings);
    asserts_something(table, findings);
    let lists = [&table.allow, &table.deny, &table.only];
    let [allow, deny, only] = lists.map(|list| wanted(list, findings));
    // What the grammar refused is not here either, and has its finding.
    let is_whole = lists.iter().all(|list| !list.is_given() || list.get().is_some()) && arguments.is_ok();
    if findings.len() > before || !is_whole {
        return None;
    }
    let (caller, endpoint) = (caller?, endpoint?);
    Some(Case {
        name: match table.name.get() {
            Some(name) => name.0.clone(),
            None => format!("{} on `{endpoint}`", caller.principal),
        },
        place: table.place,
        caller,
        endpoint,
        allow,
        deny,
        only: table.only.place().map(|place| (only, place)),
        arguments: arguments.ok()?,
        unmatched_ok: table.unmatched_ok.get() == Some(&true),
    })
}

fn caller(table: &table::Access, snapshot: &Snapshot, findings: &mut Findings) -> Option<Caller> {
    let caller = table.caller.get()?;
    let anonymous = caller.anonymous.get() == Some(&true);
    let said = [caller.user.is_given(), caller.service.is_given(), anonymous];
    let mut no_caller = |title: &str, label: &str| {
        findings.push(Finding::new(Code::NoCaller, caller.place, title).label(label).help(
            "write one of `{ user = \"…\", groups = [\"…\"] }`, `{ service = \"…\" }` and `{ anonymous = true }`",
        ));
    };
    match said.iter().filter(|said| **said).count() {
        1 => {}
        0 => {
            no_caller("the test is run as nobody", "neither `user`, `service` nor `anonymous`");
            return None;
        }
        _ => {
            no_caller("the test is run as several callers", "one of them is meant");
            return None;
        }
    }
    if let (false, Some(key)) = (caller.user.is_given(), caller.groups.key()) {
        findings.push(
            Finding::new(Code::MisplacedKey, key, "`groups` has no meaning without `user`")
                .label("this key")
                .help("take it away: a service's groups stand in its table, and `anonymous` has none"),
        );
        return None;
    }
    let principal = match (caller.user.get(), caller.service.with_place()) {
        (Some(user), _) => Principal::User(user.0.as_str().into()),
        (None, Some((service, place))) => Principal::Service(self::service(&service.0, place, snapshot, findings)?),
        (None, None) if anonymous => Principal::Anonymous,
        (None, None) => return None,
    };
    let mut groups = snapshot.declared_groups(&principal);
    let given = caller.groups.values().map(|group| group.0.as_str());
    groups.extend(given.map(|group| group.strip_prefix("group:").unwrap_or(group).into()));
    Some(Caller { principal, groups })
}

fn service(name: &str, place: Place, snapshot: &Snapshot, findings: &mut Findings) -> Option<ServiceName> {
    let known = snapshot.services.keys();
    let found = known.clone().find(|known| known.as_str() == name);
    if found.is_none() {
        let finding = Finding::new(
            Code::UnknownService,
            place,
            format!("no service is called `{}`", text::safe(name)),
        )
        .label("not defined");
        findings.push(match similar(name, known.map(ServiceName::as_str)) {
            Some(near) => finding.help(format!("write `\"{near}\"`")),
            None => finding.help("name a `[service.NAME]` of the configuration"),
        });
    }
    found.cloned()
}

/// Also of tests of redaction.
pub(super) fn endpoint(
    given: &Given<crate::config::grammar::Text>,
    world: World<'_>,
    findings: &mut Findings,
) -> Option<EndpointName> {
    let (name, place) = given.with_place()?;
    let known = world.snapshot.endpoints.keys();
    let found = known.clone().find(|known| known.as_str() == name.0);
    if found.is_none() {
        let title = format!("no endpoint is called `{}`", text::safe(&name.0));
        let mut finding = Finding::new(Code::UnknownEndpoint, place, title).label("not defined");
        let near = similar(&name.0, known.clone().map(EndpointName::as_str));
        if let Some(near) = known.clone().find(|known| Some(known.as_str()) == near) {
            if let Some(place) = world.origins.place(&Subject::Endpoint(near.clone())) {
                finding = finding.also(place, "this one is similar");
            }
            finding = finding.help(format!("write `\"{near}\"`"));
        } else {
            finding = finding.help("name an `[endpoint.NAME]` of the configuration");
        }
        findings.push(finding);
    }
    found.cloned()
}

/// A test that cannot fail is none.
fn asserts_something(table: &table::Access, findings: &mut Findings) {
    if table.allow.items().is_empty() && table.deny.items().is_empty() && !table.only.is_given() {
        findings.push(
            Finding::new(Code::EmptyTest, table.place, "the test asserts nothing")
                .label("no `allow`, `deny` or `only`")
                .help("add for example `allow = [\"server/tool\"]`, or `only = []` if nothing may be callable"),
        );
        return;
    }
    let nothing_called = table.allow.items().is_empty() && table.deny.items().is_empty();
    let pointless = [
        (
            table.arguments.key().filter(|_| nothing_called),
            "arguments",
            "`allow` or `deny`",
        ),
        (
            table.unmatched_ok.key().filter(|_| table.deny.items().is_empty()),
            "unmatched-ok",
            "`deny`",
        ),
    ];
    for (key, name, without) in pointless {
        if let Some(key) = key {
            findings.push(
                Finding::new(
                    Code::MisplacedKey,
                    key,
                    format!("`{name}` has no meaning without {without}"),
                )
                .label("this key")
                .help(format!("add {without}, or take it away")),
            );
        }
    }
}

fn wanted(list: &Given<List<NamePattern>>, findings: &mut Findings) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for item in list.items() {
        let pattern = &item.value.0;
        if !pattern.as_str().contains('/') && !pattern.as_str().starts_with('*') {
            findings.push(
                Finding::new(
                    Code::UnqualifiedName,
                    item.place,
                    "the tool is named without its server",
                )
                .label("not `server/tool`")
                .help(format!(
                    "write `\"server/{0}\"`, or `\"*/{0}\"` for every server",
                    text::safe(pattern.as_str())
                )),
            );
        } else {
            wanted.push(Wanted {
                pattern: pattern.clone(),
                place: item.place,
            });
        }
    }
    wanted
}

/// The arguments as the JSON of a call.
fn arguments(table: &table::Access, findings: &mut Findings) -> Result<Option<Arguments>, ()> {
    let Some(place) = table.arguments.place() else {
        return Ok(None);
    };
    let object = table
        .arguments
        .entries()
        .iter()
        .map(|entry: &MapEntry<String, Any>| Ok((entry.name.clone(), json(&entry.value.0, findings)?)));
    let object = object.collect::<Result<Map<String, Json>, ()>>()?;
    Arguments::parse(Json::Object(object).to_string().as_bytes())
        .map(Some)
        .map_err(|error| {
            findings.push(
                Finding::new(
                    Code::OutOfRange,
                    place,
                    format!("the arguments are no arguments of a call: {error}"),
                )
                .label("these")
                .help("write fewer or less deeply nested values"),
            );
        })
}

/// Also of tests of redaction: `input` and `output`. Dates become strings, as JSON has none.
pub(super) fn json(node: &Node, findings: &mut Findings) -> Result<Json, ()> {
    Ok(match &node.value {
        Value::Array { items, .. } => {
            let items = items.iter().map(|item| json(item, findings));
            Json::Array(items.collect::<Result<_, ()>>()?)
        }
        Value::Boolean(value) => Json::Bool(*value),
        Value::Date(text) | Value::String(text) => Json::String(text.clone()),
        Value::Float(value) => Json::Number(Number::from_f64(*value).ok_or_else(|| {
            findings.push(
                Finding::new(Code::OutOfRange, node.place, "JSON has no such number")
                    .label("`nan` or `inf`")
                    .help("write a finite number"),
            );
        })?),
        Value::Integer(value) => Json::from(*value),
        Value::Table(table) => {
            let entries = table
                .entries
                .iter()
                .map(|entry| Ok((entry.key.clone(), json(&entry.node, findings)?)));
            Json::Object(entries.collect::<Result<_, ()>>()?)
        }
    })
}

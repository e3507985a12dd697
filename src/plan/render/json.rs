//! For programs: `format-version` 1. Fields are only added.

use serde_json::{Value as Json, json};

use super::{Report, words};
use crate::plan::{AccessChange, AccessLine, Action, Exposed, Row, Setting, TableChange, Target, Value, Who, Word};

/// One document, with a line end at the end.
pub fn json(report: &Report<'_>) -> String {
    let plan = report.plan;
    let count = |action| plan.changes.count(action);
    let counts = words::Counts::of(plan);
    let unchanged = || {
        plan.changes
            .unchanged
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let document = json!({
        "format-version": 1,
        "current": report.current,
        "proposed": report.proposed,
        "verdict": {
            "empty": plan.is_empty(),
            "widens-access": plan.widens_access(),
            "widens-exposure": plan.widens_exposure(),
            "unknown": plan.has_unknown(),
        },
        "access": plan.access.changes.iter().map(change).collect::<Vec<_>>(),
        "exposure": plan.exposure.items.iter().map(exposed).collect::<Vec<_>>(),
        "changes": plan.changes.tables.iter().map(|change| table(change, report.all)).collect::<Vec<_>>(),
        "unchanged": if report.all { json!(unchanged()) } else { json!(plan.changes.unchanged.len()) },
        "traffic": plan.traffic.lines,
        "findings": report.findings,
        "holds": report.holds,
        "totals": {
            "gain": counts.gain.len(),
            "lose": counts.lose.len(),
            "unknown": counts.unknown.len(),
            "exposure": plan.exposure.items.len(),
            "add": count(Action::Add),
            "change": count(Action::Change),
            "remove": count(Action::Remove),
        },
        "apply": report.command,
    });
    format!("{document:#}\n")
}

/// The access changes alone: what a reviewed plan is held against.
pub(in crate::plan) fn change(change: &AccessChange) -> Json {
    json!({
        "who": change.who.iter().map(terms).collect::<Vec<_>>(),
        "endpoint": change.endpoint.as_str(),
        "lines": change.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// Everything that the caller is: one term, or two.
fn terms(who: &Who) -> Json {
    match who {
        Who::One(term) => json!([term.to_string()]),
        Who::Both(allowing, denying) => json!([allowing.to_string(), denying.to_string()]),
    }
}

fn line(line: &AccessLine) -> Json {
    let matches = match line.target {
        Target::Named(_) => "name",
        Target::Matching(_) => "pattern",
        Target::Future(_) => "future",
        Target::Unknown(_) => "unknown",
    };
    json!({
        "mark": words::mark(line).to_string(),
        "server": line.server.as_str(),
        "kind": line.kind.to_string(),
        "name": line.target.as_str(),
        "matches": matches,
        "current": line.current.as_str(),
        "proposed": line.proposed.as_str(),
        "widens": line.direction == crate::plan::Direction::Widens,
        "rule": line.cause.rule.as_ref().map(ToString::to_string),
        "note": line.cause.note,
        "place": line.cause.place,
        "place-is-current": line.cause.was,
        "destructive": line.is_destructive,
    })
}

pub(in crate::plan) fn exposed(item: &Exposed) -> Json {
    json!({
        "what": item.what.as_str(),
        "title": item.title,
        "details": item.details,
        "place": item.place,
        "place-is-current": item.was,
    })
}

fn table(change: &TableChange, all: bool) -> Json {
    let rows = change.rows.iter().filter(|row| all || row.is_changed());
    json!({
        "action": match change.action {
            Action::Add => "add",
            Action::Change => "change",
            Action::Remove => "remove",
        },
        "table": change.table.kind.as_str(),
        "name": change.table.name,
        "place": change.place,
        "keys": rows.map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Json {
    json!({ "key": row.key, "current": row.current.as_ref().map(value), "proposed": row.proposed.as_ref().map(value) })
}

/// As it would be written in the files; secrets are references.
fn value(setting: &Setting) -> Json {
    match &setting.value {
        Value::One(word) => json!(word.as_str()),
        Value::List(words) => json!(words.iter().map(Word::as_str).collect::<Vec<_>>()),
    }
}

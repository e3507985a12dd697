//! For programs: `format-version` 1. Fields are only added.

use serde_json::{Value, json as object};

use super::super::diff::{Change, What};
use super::super::{Diff, Lock};
use super::{Report, Reviewed, State};
use crate::mcp::Json;

pub fn json(report: &Report) -> Value {
    object!({
        "format-version": 1,
        "differs": report.differs(),
        "complete": report.is_complete(),
        "servers": report.servers.iter().map(server).collect::<Vec<_>>(),
    })
}

fn server(reviewed: &Reviewed) -> Value {
    let mut value = object!({
        "server": reviewed.server.as_str(),
        "file": reviewed.file,
        "state": reviewed.state.word(),
        "written": reviewed.written,
    });
    match &reviewed.state {
        State::Differs(diff) => {
            if let Some((before, after)) = &diff.protocol {
                value["protocol"] = object!({ "before": before, "after": after });
            }
            value["changes"] = changes(diff);
        }
        State::New { live, unreadable } => {
            value["unreadable"] = unreadable.as_deref().into();
            let none = Lock {
                protocol: live.protocol.clone(),
                ..Lock::default()
            };
            value["changes"] = changes(&none.diff(live));
        }
        State::Same => {}
        State::Unlisted { reason } => value["reason"] = reason.as_str().into(),
    }
    value
}

fn changes(diff: &Diff) -> Value {
    diff.changes.iter().map(change).collect::<Vec<_>>().into()
}

fn change(change: &Change) -> Value {
    let mut value = object!({ "kind": change.kind, "name": &*change.name });
    match &change.what {
        What::Changed(fields) | What::New(fields) => {
            let is_new = matches!(change.what, What::New(_));
            value["change"] = if is_new { "new" } else { "changed" }.into();
            let fields = fields.iter().map(|field| {
                let mut value = object!({ "field": field.name });
                for (side, json) in [("before", &field.before), ("after", &field.after)] {
                    if let Some(json) = json {
                        value[side] = plain(json);
                    }
                }
                value
            });
            value["fields"] = fields.collect::<Vec<_>>().into();
        }
        What::Gone => value["change"] = "gone".into(),
        What::Renamed { from } => {
            value["change"] = "renamed".into();
            value["from"] = (&**from).into();
        }
    }
    value
}

/// The same value in the types of `serde_json`; a number that these cannot hold stays as it is written, in quotes.
fn plain(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Boolean(value) => (*value).into(),
        Json::Number(text) => text
            .parse::<serde_json::Number>()
            .map_or_else(|_| (&**text).into(), Value::Number),
        Json::String(text) => (&**text).into(),
        Json::Array(elements) => elements.iter().map(plain).collect::<Vec<_>>().into(),
        Json::Object(members) => {
            let members = members.iter().map(|(key, value)| (key.to_string(), plain(value)));
            Value::Object(members.collect())
        }
    }
}

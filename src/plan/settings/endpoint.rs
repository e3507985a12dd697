//! `[endpoint.NAME]` and `[endpoint.NAME.server.SERVER]`.

use std::time::Duration;

use super::value::{duration, quote, size};
use super::{Settings, Word};
use crate::snapshot::{Endpoint, Exposure, Globs, Limits, Selection, ToolNames, ToolOverride};

/// The key of an endpoint under which the order of its servers stands.
pub(in crate::plan) const ORDER: &str = "order of servers";

/// All but the selections, which are tables of their own; only their order is here.
pub(in crate::plan) fn endpoint(name: &str, endpoint: &Endpoint) -> Settings {
    const DAY: u64 = 86_400;
    let Endpoint {
        title,
        description,
        pii,
        tool_names,
        access_default,
        access_max,
        limits,
        exposure,
        servers,
    } = endpoint;
    let mut keys = Settings::default();
    keys.or_default("title", title.as_str(), name, quote);
    if let Some(text) = description {
        keys.text("description", text);
    }
    if let Some(filter) = pii {
        keys.text("pii", filter.as_ref().map_or("", |name| name.as_str()));
    }
    keys.or_default("tool-names", *tool_names, ToolNames::ServerAndTool, |names| {
        quote(match names {
            ToolNames::ServerAndTool => "{server}_{tool}",
            ToolNames::Tool => "{tool}",
        })
    });
    let days = |days| Duration::from_secs(days * DAY);
    let time = |time| quote(&duration(time));
    keys.or_default("access-duration.default", *access_default, days(30), time);
    keys.or_default("access-duration.max", *access_max, days(90), time);
    self::limits("limits", limits, &mut keys);
    keys.or_default("exposure", *exposure, Exposure::List, |exposure| {
        quote(match exposure {
            Exposure::List => "list",
            Exposure::Search => "search",
        })
    });
    keys.texts(ORDER, servers.iter().map(|selection| selection.server.as_str()));
    keys
}

pub(in crate::plan) fn selection(selection: &Selection) -> Settings {
    let Selection {
        server: _,
        tools,
        prompts,
        resources,
        overrides,
    } = selection;
    let mut keys = Settings::default();
    for (key, globs) in [("tools", tools), ("prompts", prompts), ("resources", resources)] {
        keys.list(key, self::globs(globs));
    }
    for (tool, table) in overrides {
        let tool = super::value::key(tool);
        let ToolOverride {
            name,
            description,
            limits,
        } = table;
        keys.plain(format_args!("tool.{tool}"), "present");
        if let Some(name) = name {
            keys.text(format_args!("tool.{tool}.name"), name);
        }
        if let Some(text) = description {
            keys.text(format_args!("tool.{tool}.description"), text);
        }
        self::limits(&format!("tool.{tool}.limits"), limits, &mut keys);
    }
    keys
}

/// A `!` takes away wherever it stands, so that those come last here.
fn globs(globs: &Globs) -> Vec<Word> {
    let Globs { with, without } = globs;
    let with = with.iter().map(|pattern| Word::quoted(pattern.as_str()));
    let without = without.iter().map(|pattern| Word::quoted(&format!("!{pattern}")));
    with.chain(without).collect()
}

fn limits(table: &str, limits: &Limits, keys: &mut Settings) {
    let Limits {
        calls_per_minute,
        call_timeout,
        response_body,
    } = limits;
    if let Some(number) = calls_per_minute {
        keys.plain(format_args!("{table}.calls-per-minute"), number);
    }
    if let Some(time) = call_timeout {
        keys.text(format_args!("{table}.call-timeout"), &duration(*time));
    }
    if let Some(bytes) = response_body {
        keys.text(format_args!("{table}.response-body"), &size(*bytes));
    }
}

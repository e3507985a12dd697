//! `[endpoint.NAME]`: limits and access durations.

use std::time::Duration;

use super::{Found, What};
use crate::plan::settings::{duration, size};
use crate::snapshot::{Limits, Subject, ToolOverride};

pub(super) fn compare(found: &mut Found<'_>) {
    let (from, to) = (found.current.snapshot, found.proposed.snapshot);
    for (name, new) in &to.endpoints {
        let Some(old) = from.endpoints.get(name) else { continue };
        let subject = Subject::Endpoint(name.clone());
        for (key, old, new) in [
            ("default", old.access_default, new.access_default),
            ("max", old.access_max, new.access_max),
        ] {
            if old < new {
                let title = format!(
                    "access to endpoint `{name}` lasts longer (`access-duration.{key}`): {} -> {}",
                    duration(old),
                    duration(new)
                );
                found.add(What::AccessDuration, title, Some(&subject));
            }
        }
        limits(&format!("endpoint `{name}`"), &old.limits, &new.limits, &subject, found);
        for selection in &new.servers {
            let before = old.servers.iter().find(|before| before.server == selection.server);
            let Some(before) = before else { continue };
            let subject = Subject::Selection(name.clone(), selection.server.clone());
            let none = ToolOverride::default();
            for (tool, table) in &before.overrides {
                let after = selection.overrides.get(tool).unwrap_or(&none);
                let what = format!("`{}/{tool}` on endpoint `{name}`", selection.server);
                limits(&what, &table.limits, &after.limits, &subject, found);
            }
        }
    }
}

fn limits(what: &str, old: &Limits, new: &Limits, subject: &Subject, found: &mut Found<'_>) {
    let mut tell = |key: &str, old: String, new: String| {
        let title = format!("`{key}` of {what} widens: {old} -> {new}");
        found.add(What::Limit, title, Some(subject));
    };
    if is_wider_rate(old.calls_per_minute, new.calls_per_minute) {
        let shown = |number: Option<u32>| number.map_or_else(none, rate);
        tell(
            "calls-per-minute",
            shown(old.calls_per_minute),
            shown(new.calls_per_minute),
        );
    }
    if is_wider(old.call_timeout, new.call_timeout) {
        let shown = |time: Option<Duration>| time.map_or_else(none, duration);
        tell("call-timeout", shown(old.call_timeout), shown(new.call_timeout));
    }
    if is_wider(old.response_body, new.response_body) {
        let shown = |bytes: Option<u64>| bytes.map_or_else(none, size);
        tell("response-body", shown(old.response_body), shown(new.response_body));
    }
}

fn none() -> String {
    "none here".to_owned()
}

/// `None` sets no limit.
fn is_wider<T: PartialOrd>(old: Option<T>, new: Option<T>) -> bool {
    match (old, new) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(old), Some(new)) => old < new,
    }
}

/// 0 is off, which is as wide as none.
pub(super) fn is_wider_rate(old: Option<u32>, new: Option<u32>) -> bool {
    let on = |number: Option<u32>| number.filter(|number| *number > 0);
    is_wider(on(old), on(new))
}

pub(super) fn rate(number: u32) -> String {
    if number == 0 {
        "off".to_owned()
    } else {
        number.to_string()
    }
}

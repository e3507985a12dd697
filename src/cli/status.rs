//! `mcpgw status [PATH]`: what the running gateway says of itself.

use serde_json::Value;

use super::arguments::{Status, TextFormat};
use super::exit::{Exit, Outcome};
use super::gateway;
use super::output::{Output, Style};
use super::table::{columns, indented};
use crate::text::{count, safe, safe_lines};

pub(super) fn run(arguments: &Status, output: &Output) -> Outcome {
    let gateway = gateway::find(&arguments.gateway, &arguments.paths.all(), output)?;
    let status = gateway.status().map_err(|error| gateway::told(&error))?;
    match arguments.format {
        TextFormat::Human => output.data(human(&status, output.stdout_style()))?,
        TextFormat::Json => output.json(&status)?,
    }
    Ok(Exit::Fine)
}

/// The parts from what holds the gateway back to what it does.
fn human(status: &Value, style: Style) -> String {
    let mut out = head(status, style);
    out.push_str(&refusal(status, style));
    let servers = all(status, "/servers", |server| server_row(server, status));
    if !servers.is_empty() {
        out.push('\n');
        let heads = [
            "SERVER", "HEALTH", "SPEAKS", "OVER", "TOOLS", "SESSIONS", "CALLS", "FAILED", "REASON",
        ];
        out.push_str(&columns(heads, &servers, style));
    }
    let endpoints = all(status, "/endpoints", |endpoint| endpoint_row(endpoint, status));
    if !endpoints.is_empty() {
        out.push('\n');
        out.push_str(&columns(
            ["ENDPOINT", "TOOLS", "PROMPTS", "RESOURCES", "SERVERS", "URL"],
            &endpoints,
            style,
        ));
    }
    out.push_str(&replicas(status, style));
    out.push_str(&problems(status, style));
    out.push_str(&holds(status, style));
    out
}

fn head(status: &Value, style: Style) -> String {
    let at = |pointer: &str| text(status, pointer);
    let ready = if status.pointer("/ready") == Some(&Value::Bool(true)) {
        style.good("ready")
    } else {
        style.warning("starting")
    };
    let paths: Vec<String> = all(status, "/configuration/paths", plain);
    let files = match status.pointer("/configuration/follows").and_then(Value::as_str) {
        Some("files") => format!("follows {}", paths.join(" ")),
        Some("applies") => "follows applies".to_owned(),
        _ => format!("started from {}, changes by apply", paths.join(" ")),
    };
    let mut rows = vec![
        [
            "gateway".to_owned(),
            format!(
                "{ready}, mcpgw {}, pid {}, since {}",
                at("/version"),
                at("/pid"),
                second(&at("/started"))
            ),
        ],
        ["files".to_owned(), files],
        [
            "generation".to_owned(),
            format!(
                "{}, digest {}, since {}",
                at("/generation/number"),
                short(&at("/generation/digest")),
                second(&at("/generation/since"))
            ),
        ],
    ];
    rows.extend(all(status, "/listeners", |listener| {
        let open = listener
            .get("connections")
            .map(|open| format!(", {} connections open", plain(open)));
        [
            "listens".to_owned(),
            format!(
                "{} for {}{}",
                text(listener, "/url"),
                text(listener, "/serves"),
                open.unwrap_or_default()
            ),
        ]
    }));
    rows.push(["sessions".to_owned(), at("/sessions/total")]);
    rows.push(["grants".to_owned(), at("/grants")]);
    rows.push(["audit".to_owned(), audit(status, style)]);
    indented(&rows).lines().flat_map(|line| [&line[2..], "\n"]).collect()
}

/// Where calls are recorded, and whether they can be.
fn audit(status: &Value, style: Style) -> String {
    let at = |pointer: &str| text(status, pointer);
    let place = match at("/audit/file") {
        file if file.is_empty() => return style.warning("off: calls are not recorded"),
        file if file == "-" => "stdout".to_owned(),
        file => file,
    };
    let number = |key: &str| status.pointer(key).and_then(Value::as_u64).unwrap_or_default();
    let lines = count(usize::try_from(number("/audit/lines")).unwrap_or(usize::MAX), "line");
    let failing = status.pointer("/audit/failure").and_then(Value::as_str).map(|why| {
        let what = style.error("failing:");
        format!(", {what} {}, {} lost", safe(why), number("/audit/lost"))
    });
    format!("{place}, {lines}{}", failing.unwrap_or_default())
}

/// What is taken away whatever the files say, and what the files would have to say.
fn holds(status: &Value, style: Style) -> String {
    let holds: Vec<String> = all(status, "/holds", |hold| {
        let at = |pointer: &str| text(hold, pointer);
        let reason = at("/reason");
        let reason = if reason.is_empty() {
            reason
        } else {
            format!(": {reason}")
        };
        let mut out = format!(
            "  {} by {}, since {}{reason}\n",
            at("/what"),
            at("/by"),
            second(&at("/since"))
        );
        let toml = hold.get("toml").and_then(Value::as_str).unwrap_or_default();
        out.extend(safe_lines(toml).lines().flat_map(|line| ["    ", line, "\n"]));
        out
    });
    if holds.is_empty() {
        return String::new();
    }
    let head = style.warning(&count(holds.len(), "hold"));
    format!(
        "\n{head} in force, whatever the files say; the TOML would make it permanent:\n{}",
        holds.concat()
    )
}

/// Why the files as they are now are not what is served: nobody should have to look for it.
fn refusal(status: &Value, style: Style) -> String {
    ["/reload/failure", "/reload/rotation-failure"]
        .iter()
        .filter_map(|pointer| status.pointer(pointer).filter(|failure| failure.is_object()))
        .map(|failure| {
            let what = style.error("refused:");
            let mut out = format!(
                "\n{what} the files as they are now are not served\n  {}\n",
                text(failure, "/summary")
            );
            out.extend(all(failure, "/problems", |problem| format!("  {}\n", plain(problem))));
            out
        })
        .collect()
}

fn server_row(server: &Value, status: &Value) -> [String; 9] {
    let at = |pointer: &str| text(server, pointer);
    let name = at("/name");
    let sum = |key: &str| -> u64 {
        let calls = status
            .pointer("/calls")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let own = calls.iter().filter(|row| row.get("server") == server.get("name"));
        own.filter_map(|row| row.get(key).and_then(Value::as_u64)).sum()
    };
    let health = match at("/health/condition") {
        condition if server.pointer("/health/circuit_open") == Some(&Value::Bool(true)) => {
            format!("{condition}, resting")
        }
        condition => condition,
    };
    [
        name,
        health,
        or_dash(at("/version")),
        at("/transport"),
        at("/catalogue/tools"),
        at("/sessions"),
        (sum("answered") + sum("failed") + sum("cancelled")).to_string(),
        sum("failed").to_string(),
        at("/health/reason"),
    ]
}

fn endpoint_row(endpoint: &Value, status: &Value) -> [String; 6] {
    let at = |pointer: &str| text(endpoint, pointer);
    let listeners = status
        .pointer("/listeners")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let base = listeners
        .iter()
        .find(|listener| listener.get("serves").and_then(Value::as_str) == Some("endpoints"));
    let base = base.map(|listener| text(listener, "/url")).unwrap_or_default();
    let servers: Vec<String> = all(endpoint, "/servers", plain);
    let name = at("/name");
    let url = format!("{base}/mcp/{name}");
    [
        name,
        at("/tools"),
        at("/prompts"),
        at("/resources"),
        servers.join(", "),
        url,
    ]
}

/// Those on the same Redis, this one marked; whether all serve the same.
fn replicas(status: &Value, style: Style) -> String {
    if let Some(why) = status.pointer("/replicas/failure").and_then(Value::as_str) {
        let what = style.error("replicas unknown:");
        return format!("\n{what} {}\n", safe(why));
    }
    let own = text(status, "/replicas/self");
    let rows = all(status, "/replicas/all", |replica| {
        let at = |pointer: &str| text(replica, pointer);
        let id = at("/id");
        let mark = if id == own { " (this one)" } else { "" };
        [
            format!("{}{mark}", id.chars().take(8).collect::<String>()),
            at("/host"),
            at("/pid"),
            at("/follows"),
            at("/generation"),
            short(&at("/digest")),
        ]
    });
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["REPLICA", "HOST", "PID", "FOLLOWS", "GENERATION", "DIGEST"];
    let mut out = format!("\n{}", columns(heads, &rows, style));
    let digests: std::collections::BTreeSet<String> = all(status, "/replicas/all", |replica| text(replica, "/digest"))
        .into_iter()
        .collect();
    if digests.len() > 1 {
        let what = style.warning("warning:");
        out.extend([&*what, " these replicas do not serve the same configuration\n"]);
    }
    out
}

/// What is selected and not served.
fn problems(status: &Value, style: Style) -> String {
    let lines: Vec<String> = all(status, "/endpoints", |endpoint| {
        all(endpoint, "/problems", |problem| {
            let items: Vec<String> = all(problem, "/items", plain);
            format!(
                "  {}: `{}` ({}): {}\n",
                text(endpoint, "/name"),
                text(problem, "/shown"),
                items.join(", "),
                text(problem, "/reason")
            )
        })
        .concat()
    });
    let number: usize = all(status, "/endpoints", |endpoint| {
        all(endpoint, "/problems", |_| ()).len()
    })
    .iter()
    .sum();
    let head = style.warning(&count(number, "selected item"));
    let selected = match number {
        0 => String::new(),
        _ => format!("\n{head} not served:\n{}", lines.concat()),
    };
    selected + &held_back(status, style)
}

/// What only some sessions of pinned servers list otherwise than reviewed.
fn held_back(status: &Value, style: Style) -> String {
    let lines: Vec<String> = all(status, "/servers", |server| {
        all(server, "/held_back", |held| {
            format!(
                "  {} `{}/{}`, in {}: {}\n",
                text(held, "/kind"),
                text(server, "/name"),
                text(held, "/name"),
                count(
                    held.get("sessions")
                        .and_then(Value::as_u64)
                        .and_then(|number| number.try_into().ok())
                        .unwrap_or(0),
                    "session"
                ),
                text(held, "/reason")
            )
        })
        .concat()
    });
    if lines.concat().is_empty() {
        return String::new();
    }
    format!(
        "\n{}, whose own process or session lists otherwise than reviewed:\n{}",
        style.warning("held back from single clients"),
        lines.concat()
    )
}

fn all<T>(value: &Value, pointer: &str, row: impl Fn(&Value) -> T) -> Vec<T> {
    let items = value.pointer(pointer).and_then(Value::as_array);
    items.map(|items| items.iter().map(row).collect()).unwrap_or_default()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map(plain).unwrap_or_default()
}

/// A string or number, safe and in one line; anything else is nothing.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => safe(&safe_lines(text).replace('\n', " ")).into_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// A time without the fraction of its second.
fn second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_owned(),
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::ColorWhen;
    use serde_json::json;

    fn shown(status: &Value) -> String {
        human(status, Output::new(ColorWhen::Never).stdout_style())
    }

    #[test]
    fn what_holds_a_reload_back_and_what_is_not_served_stand_out() {
        let status = json!({
            "version": "0.1.0", "pid": 7, "started": "2026-08-20T12:00:00Z", "ready": true,
            "configuration": { "follows": "files", "paths": ["gateway"] },
            "generation": { "number": 3, "digest": "0123456789abcdef", "since": "2026-08-20T12:05:00Z" },
            "reload": { "failure": { "summary": "gateway/mcpgw.toml:3:1: unknown server `gihub`", "problems": [] } },
            "listeners": [{ "serves": "endpoints", "url": "http://127.0.0.1:8700", "connections": 2 }],
            "servers": [
                { "name": "crm", "transport": "stdio", "version": "2026-07-28", "sessions": 1,
                  "health": { "condition": "well", "reason": null, "circuit_open": false }, "catalogue": { "tools": 6 } },
                { "name": "docs", "transport": "http", "version": null, "sessions": 0,
                  "health": { "condition": "failing", "reason": "refused\nby \u{1b}[31mpeer", "circuit_open": true },
                  "catalogue": { "tools": 0 } },
            ],
            "endpoints": [{ "name": "demo", "servers": ["crm", "docs"], "tools": 5, "prompts": 1, "resources": 1,
                "problems": [{ "shown": "get", "items": ["crm/get"], "reason": "held back by the lock: changed" }] }],
            "calls": [{ "endpoint": "demo", "server": "crm", "answered": 4, "failed": 1, "cancelled": 0 }],
            "sessions": { "total": 2 },
            "audit": { "file": "/var/lib/mcpgw/audit.jsonl", "lines": 9, "lost": 2, "failure": "the disk is full" },
        });
        insta::assert_snapshot!(shown(&status));
    }

    #[test]
    fn replicas_are_shown_and_that_they_differ() {
        let replica = |id: &str, digest: &str| json!({ "id": id, "host": "a\u{1b}[31m", "pid": 7, "follows": "files", "generation": 2, "digest": digest });
        let of = |all: &[Value]| shown(&json!({ "replicas": { "self": "0123456789", "all": all, "failure": null } }));
        let same = of(&[replica("0123456789", "aa"), replica("9876543210", "aa")]);
        assert!(
            same.contains("01234567 (this one)") && !same.contains("warning"),
            "{same}"
        );
        assert!(!same.contains('\u{1b}'), "{same}");
        let other = of(&[replica("0123456789", "aa"), replica("9876543210", "bb")]);
        assert!(other.contains("do not serve the same configuration"), "{other}");
        let away = shown(&json!({ "replicas": { "self": "0", "all": [], "failure": "it is away" } }));
        assert!(away.contains("replicas unknown: it is away"), "{away}");
    }

    #[test]
    fn a_status_of_another_version_is_shown_as_far_as_it_is_known() {
        assert!(shown(&json!({})).starts_with("gateway"));
        assert!(shown(&json!({ "servers": [{}], "endpoints": [1], "listeners": {} })).contains("SERVER"));
    }
}

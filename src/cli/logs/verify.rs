//! `mcpgw logs verify`: is every record there, in its place, as it was written?

use std::path::Path;

use super::{find, unread};
use crate::audit::read::{Report, is_live, verify};
use crate::cli::arguments::{TextFormat, Verify};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{Output, Style};
use crate::text::{count, safe};

pub(super) fn run(arguments: &Verify, output: &Output) -> Outcome {
    let (log, head) = find(&arguments.gateway, &arguments.config.all())?;
    let head = head.filter(|head| head.file == log);
    let report = verify(&log, head.as_ref(), is_live(&log)).map_err(|error| unread(&log, &error))?;
    match arguments.format {
        TextFormat::Human => output.data(told(&log, &report, output.stdout_style()))?,
        TextFormat::Json => output.json(&json(&log, &report))?,
    }
    Ok(if report.broken.is_some() {
        Exit::Error
    } else {
        Exit::Fine
    })
}

fn told(log: &Path, report: &Report, style: Style) -> String {
    let notes = report
        .notes
        .iter()
        .map(|note| format!("{} {}\n", style.hint("note:"), safe(note)));
    let verdict = match &report.broken {
        None if report.lines == 0 => format!("{}: no record yet\n", safe(&log.to_string_lossy())),
        None => format!(
            "{} records {} to {} in {}\n",
            style.good("whole:"),
            report.first,
            report.last,
            count(report.files, "file")
        ),
        Some(broken) => format!(
            "{} {}:{}: {}\n  {} before it hold\n",
            style.error("broken:"),
            safe(&broken.file.to_string_lossy()),
            broken.line,
            safe(&broken.reason),
            count(usize::try_from(report.lines).unwrap_or(usize::MAX), "record"),
        ),
    };
    notes.chain([verdict]).collect()
}

fn json(log: &Path, report: &Report) -> serde_json::Value {
    serde_json::json!({
        "format-version": 1,
        "log": log.to_string_lossy(),
        "whole": report.broken.is_none(),
        "files": report.files,
        // Lines that hold, up to the first that does not.
        "records": report.lines,
        "first": report.first,
        "last": report.last,
        "notes": report.notes,
        "broken": report.broken.as_ref().map(|broken| serde_json::json!({
            "file": broken.file.to_string_lossy(),
            "line": broken.line,
            "reason": broken.reason,
        })),
    })
}

//! `mcpgw logs verify`: is every record there, in its place, as it was written?

use std::path::Path;

use serde::Serialize;

use crate::audit::read::{Report, Verified};
use crate::cli::arguments::{TextFormat, Verify};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::logs::source::Source;
use crate::cli::output::{Output, Style};
use crate::text::{count, safe};

pub(super) fn run(arguments: &Verify, output: &Output) -> Outcome {
    let verified = Source::find(&arguments.gateway, &arguments.config.all(), output)?.verified()?;
    let (log, report) = (&verified.log, &verified.report);
    match arguments.format {
        TextFormat::Human => output.data(told(log, report, output.stdout_style()))?,
        TextFormat::Json => output.json(&serde_json::json!(Document {
            format_version: 1,
            whole: report.broken.is_none(),
            verified: &verified,
        }))?,
    }
    Ok(if report.broken.is_some() {
        Exit::Error
    } else {
        Exit::Fine
    })
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    format_version: u64,
    whole: bool,
    #[serde(flatten)]
    verified: &'a Verified,
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

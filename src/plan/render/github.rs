//! GitHub Actions workflow commands: annotations at the lines of a pull request that decide.

use std::fmt::Write as _;

use super::Report;
use super::words::{self, Counts};
use crate::plan::{AccessChange, AccessLine, Direction, Place};
use crate::text::safe;

pub fn github(report: &Report<'_>) -> String {
    let mut out = String::new();
    let plan = report.plan;
    for change in &plan.access.changes {
        access(change, &mut out);
    }
    for item in &plan.exposure.items {
        let place = item.place.as_ref().filter(|_| !item.was);
        let mut message = item.title.clone();
        for detail in &item.details {
            let _ = write!(message, "\n{detail}");
        }
        command(
            "warning",
            place,
            &format!("exposure: {}", item.what.as_str()),
            &message,
            &mut out,
        );
    }
    for finding in &report.findings {
        let help = finding
            .help
            .as_deref()
            .map(|help| format!("\nhelp: {help}"))
            .unwrap_or_default();
        let message = format!("{}{help}", finding.title);
        command(
            finding.severity,
            finding.place.as_ref(),
            finding.code,
            &message,
            &mut out,
        );
    }
    let summary = if plan.is_empty() {
        words::nothing(report)
    } else {
        let access = Counts::of(plan).summary();
        format!("{}. {} ({access})", words::changes(&plan.changes), words::verdict(plan))
    };
    command("notice", None, "mcpgw plan", &summary, &mut out);
    out
}

/// One annotation for each line of the files that decides, as there is room for few.
fn access(change: &AccessChange, out: &mut String) {
    let mut at = 0;
    let mut lines: Vec<&AccessLine> = change.lines.iter().collect();
    lines.sort_by_key(|line| (line.direction, line.cause.place.clone(), line.cause.was));
    while at < lines.len() {
        let first = lines[at];
        let same = |line: &&&AccessLine| {
            (line.direction, &line.cause.place, line.cause.was)
                == (first.direction, &first.cause.place, first.cause.was)
        };
        let group: Vec<&AccessLine> = lines[at..].iter().take_while(same).copied().collect();
        at += group.len();
        let who: Vec<String> = change.who.iter().map(words::who).collect();
        let what: Vec<String> = group
            .iter()
            .map(|line| format!("{} {}", words::mark(line), words::object(line)))
            .collect();
        let (level, title) = match first.direction {
            Direction::Widens => ("warning", "access widens"),
            Direction::Narrows => ("notice", "access narrows"),
        };
        let message = format!(
            "{} on endpoint {}\n{}",
            who.join(", "),
            change.endpoint,
            what.join("\n")
        );
        command(
            level,
            first.cause.place.as_ref().filter(|_| !first.cause.was),
            title,
            &message,
            out,
        );
    }
}

fn command(level: &str, place: Option<&Place>, title: &str, message: &str, out: &mut String) {
    let place = place.map(|place| format!("file={},line={},", property(&place.file), place.line));
    let lines: Vec<String> = message.lines().map(|line| safe(line).into_owned()).collect();
    let _ = writeln!(
        out,
        "::{level} {}title={}::{}",
        place.unwrap_or_default(),
        property(title),
        data(&lines.join("\n"))
    );
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

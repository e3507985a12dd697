//! The outcome for people: a line a test, then why those that failed did, then what no test touches, then the count.

use std::fmt::Write;

use super::super::output::{Output, Style};
use super::super::table::indented;
use super::Run;
use crate::diag::draw;
use crate::test::{Coverage, Outcome, Report, Test};
use crate::text::{count, safe};

/// Failures of one test that are shown; JSON has all of them.
const MOST_FAILURES: usize = 20;

pub(super) fn render(run: &Run, output: &Output) -> String {
    let Some(report) = &run.report else {
        return "no test was run: the configuration has errors\n".to_owned();
    };
    let style = output.stdout_style();
    let mut out = String::new();
    if !report.tests.is_empty() {
        lines(report, run, style, &mut out);
        out.push('\n');
    }
    let width = output.width().unwrap_or(100).min(120);
    for test in &report.tests {
        let failures = test.outcome.findings();
        for failure in failures.iter().take(MOST_FAILURES) {
            out.push_str(&draw(failure, &run.sources, output.is_stdout_colored(), width));
            out.push('\n');
        }
        if failures.len() > MOST_FAILURES {
            let more = failures.len() - MOST_FAILURES;
            let _ = writeln!(out, "… and {more} more of this test; `--format json` has all\n");
        }
    }
    if !report.tests.is_empty() {
        out.push_str(&coverage(&report.coverage, style));
    }
    out.push_str(&totals(report, style));
    out
}

fn lines(report: &Report, run: &Run, style: Style, out: &mut String) {
    let rows: Vec<[String; 3]> = report.tests.iter().map(|test| row(test, run)).collect();
    for (test, line) in report.tests.iter().zip(indented(&rows).lines()) {
        let (word, rest) = line.trim_start().split_at(word(&test.outcome).len());
        let word = match test.outcome {
            Outcome::Passed => style.good(word),
            Outcome::Failed(_) | Outcome::NotRun(_) => style.error(word),
        };
        let _ = writeln!(out, "{word}{rest}");
        for note in &test.notes {
            let _ = writeln!(out, "         {} {note}", style.hint("note:"));
        }
    }
}

fn row(test: &Test, run: &Run) -> [String; 3] {
    [
        word(&test.outcome).to_owned(),
        safe(&test.name).into_owned(),
        safe(&run.sources.display(test.place)).into_owned(),
    ]
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Failed(_) => "FAILED",
        Outcome::NotRun(_) => "NOT RUN",
    }
}

fn coverage(coverage: &Coverage, style: Style) -> String {
    if coverage.untouched.is_empty() {
        return format!("every rule is touched by a test ({})\n", coverage.rules);
    }
    let head = format!(
        "{} of {} touched by no test:",
        coverage.untouched.len(),
        count(coverage.rules, "rule")
    );
    let rows = coverage.untouched.iter().map(|(rule, origin)| {
        let place = origin.as_ref().map(ToString::to_string).unwrap_or_default();
        [rule.to_string(), safe(&place).into_owned()]
    });
    format!("{}\n{}", style.warning(&head), indented(&rows.collect::<Vec<_>>()))
}

fn totals(report: &Report, style: Style) -> String {
    let mut parts = vec![format!("{} passed", report.passed())];
    if report.failed() > 0 {
        parts.push(style.error(&format!("{} failed", report.failed())));
    }
    if report.not_run() > 0 {
        parts.push(style.error(&format!("{} not run", report.not_run())));
    }
    format!("{}: {}\n", count(report.tests.len(), "test"), parts.join(", "))
}

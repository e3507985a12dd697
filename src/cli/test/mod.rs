//! `mcpgw test [PATH]`: runs the `*.test.toml`. Starts no program, opens no connection, reads no secret.
//!
//! What is wrong with the files goes to stderr, as in every command but `validate`; formats for programs hold it too.

mod human;
mod json;
mod junit;

use super::arguments::{Test, TestFormat};
use super::configuration::human;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use crate::compile::{self, Settings};
use crate::config;
use crate::diag::{Findings, Format, Sources, render};
use crate::test::{Report, run as run_all};

const FIRST_TEST: &str = "write `access.test.toml` beside `mcpgw.toml`, for example:

[[access]]
name     = \"interns delete nothing\"
as       = { user = \"bob@example.com\", groups = [\"interns\"] }
endpoint = \"engineering\"
deny     = [\"github/delete_*\"]";

/// Everything that a rendering shows.
struct Run {
    /// Of the configuration and of the test files.
    findings: Findings,
    sources: Sources,
    /// `None` where the configuration does not hold, so that nothing could be asked.
    report: Option<Report>,
}

pub(super) fn run(arguments: &Test, output: &Output) -> Outcome {
    let run = run_tests(arguments);
    let is_human = arguments.format == TestFormat::Human;
    if is_human && run.findings.has_errors() {
        output.tell(render(&run.findings, &run.sources, human(output)).trim_end());
    }
    match arguments.format {
        TestFormat::Human => output.data(human::render(&run, output))?,
        TestFormat::Json => output.json(&json::document(&run))?,
        TestFormat::Github => output.data(render(&run.all_findings(), &run.sources, Format::Github))?,
        TestFormat::Junit => output.data(junit::document(&run)?)?,
    }
    if run.is_empty() {
        return Err(Failure::new("there are no tests: no `*.test.toml` of PATH holds one").hint(FIRST_TEST));
    }
    Ok(run.exit())
}

fn run_tests(arguments: &Test) -> Run {
    let settings = Settings::default();
    let mut loaded = config::load(&arguments.paths.all(), &settings.files);
    let tests = config::load_tests(&settings.files, &mut loaded);
    let compiled = compile::compile(loaded, &settings);
    let mut findings = compiled.findings;
    findings.extend(tests.findings);
    let report = compiled.snapshot.map(|snapshot| {
        let (report, found) = run_all(&tests.files, &snapshot, &compiled.origins);
        findings.extend(found);
        report
    });
    findings.sort(&compiled.sources);
    Run {
        findings,
        sources: compiled.sources,
        report,
    }
}

impl Run {
    fn exit(&self) -> Exit {
        match &self.report {
            Some(report) if !self.findings.has_errors() && report.not_run() == 0 => {
                if report.failed() > 0 {
                    Exit::PolicyNo
                } else {
                    Exit::Fine
                }
            }
            _ => Exit::Error,
        }
    }

    /// The files hold, and there is nothing to run.
    fn is_empty(&self) -> bool {
        !self.findings.has_errors() && self.report.as_ref().is_some_and(|report| report.tests.is_empty())
    }

    fn all_findings(&self) -> Findings {
        let mut all = self.findings.clone();
        let tests = self.report.iter().flat_map(|report| &report.tests);
        for finding in tests.flat_map(|test| test.outcome.findings()) {
            all.push(finding.clone());
        }
        all.sort(&self.sources);
        all
    }
}

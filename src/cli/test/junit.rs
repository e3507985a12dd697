//! The outcome as `JUnit` XML, as `GitLab` and the reporters for GitHub read it: a suite a file, a case a test. Without times,
//! so that the same files make the same bytes. The door to `quick-junit`.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::super::exit::Failure;
use super::Run;
use crate::diag::{Finding, Place, Severity, draw};
use crate::test::{Outcome, Test};
use crate::text::safe;

pub(super) fn document(run: &Run) -> Result<String, Failure> {
    let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
    let mut add = |file: String, case: TestCase| {
        let suite = suites.entry(file.clone()).or_insert_with(|| TestSuite::new(file));
        suite.add_test_case(case);
    };
    for finding in run
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
    {
        let file = file_of(finding.place(), run);
        add(file.clone(), broken(finding, &file, run));
    }
    for test in run.report.iter().flat_map(|report| &report.tests) {
        let file = file_of(test.place, run);
        add(file.clone(), case(test, &file, run));
    }
    let mut xml = Xml::new("mcpgw");
    xml.add_test_suites(suites.into_values());
    let text = xml.to_string();
    text.map_err(|error| Failure::new(format_args!("cannot write the report: {error}")))
}

fn case(test: &Test, file: &str, run: &Run) -> TestCase {
    let kind = match test.outcome {
        Outcome::Passed => None,
        Outcome::Failed(_) => Some(NonSuccessKind::Failure),
        Outcome::NotRun(_) => Some(NonSuccessKind::Error),
    };
    let status = kind.map_or_else(TestCaseStatus::success, |kind| {
        no_success(kind, test.outcome.findings(), run)
    });
    placed(TestCase::new(safe(&test.name), status), file, test.place, run)
}

/// A finding about the files, as an error of its file.
fn broken(finding: &Finding, file: &str, run: &Run) -> TestCase {
    let status = no_success(NonSuccessKind::Error, std::slice::from_ref(finding), run);
    placed(TestCase::new(finding.code.as_str(), status), file, finding.place(), run)
}

fn no_success(kind: NonSuccessKind, findings: &[Finding], run: &Run) -> TestCaseStatus {
    let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
    let drawn: Vec<String> = findings
        .iter()
        .map(|finding| draw(finding, &run.sources, false, 100))
        .collect();
    let mut status = TestCaseStatus::non_success(kind);
    status
        .set_message(safe(&titles.join("; ")))
        .set_description(drawn.join("\n"));
    if let Some(finding) = findings.first() {
        status.set_type(finding.code.as_str());
    }
    status
}

fn placed(mut case: TestCase, file: &str, place: Place, run: &Run) -> TestCase {
    case.set_classname(file);
    case.extra.insert("file".into(), file.into());
    if let Some(at) = run.sources.position(place) {
        case.extra.insert("line".into(), at.line.to_string().into());
    }
    case
}

fn file_of(place: Place, run: &Run) -> String {
    safe(run.sources.name(place.file)).into_owned()
}

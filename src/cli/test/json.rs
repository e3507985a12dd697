//! The outcome for programs: `format-version` 1.

use serde_json::{Value, json};

use super::super::explain::place_json;
use super::Run;
use crate::diag::{Finding, Sources, to_json};
use crate::test::{Coverage, Kind, Outcome, Report, Test};

pub(super) fn document(run: &Run) -> Value {
    let Run {
        findings,
        sources,
        report,
    } = run;
    let count = |count: fn(&Report) -> usize| report.as_ref().map_or(0, count);
    let tests = report.iter().flat_map(|report| &report.tests);
    json!({
        "format-version": 1,
        "passed": count(Report::passed),
        "failed": count(Report::failed),
        "not-run": count(Report::not_run),
        "tests": tests.map(|one| test(one, sources)).collect::<Vec<_>>(),
        "coverage": report.as_ref().map(|report| coverage(&report.coverage)),
        "findings": all(findings.iter(), sources),
    })
}

fn test(test: &Test, sources: &Sources) -> Value {
    let position = sources.position(test.place);
    json!({
        "kind": match test.kind { Kind::Access => "access", Kind::Redact => "redact" },
        "name": test.name,
        "file": sources.name(test.place.file),
        "line": position.map(|position| position.line),
        "column": position.map(|position| position.column),
        "outcome": match test.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::NotRun(_) => "not-run",
        },
        "questions": test.questions,
        "notes": test.notes,
        "failures": all(test.outcome.findings(), sources),
    })
}

fn all<'a>(findings: impl IntoIterator<Item = &'a Finding>, sources: &Sources) -> Vec<Value> {
    findings.into_iter().map(|finding| to_json(finding, sources)).collect()
}

fn coverage(coverage: &Coverage) -> Value {
    let untouched = coverage
        .untouched
        .iter()
        .map(|(rule, origin)| json!({ "rule": rule.to_string(), "place": origin.as_ref().map(place_json) }));
    json!({
        "rules": coverage.rules,
        "touched": coverage.touched(),
        "untouched": untouched.collect::<Vec<_>>(),
    })
}

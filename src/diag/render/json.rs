//! Findings for programs: `format-version` 1.

use serde_json::{Value, json};

use super::super::{Finding, Findings, Label, Severity, Sources};

pub(super) fn render(findings: &Findings, sources: &Sources) -> String {
    let document = json!({
        "format-version": 1,
        "errors": findings.count(Severity::Error),
        "warnings": findings.count(Severity::Warning),
        "findings": findings.iter().map(|finding| self::finding(finding, sources)).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

pub(super) fn finding(finding: &Finding, sources: &Sources) -> Value {
    json!({
        "code": finding.code.as_str(),
        "severity": finding.severity().as_str(),
        "title": finding.title,
        "labels": finding.labels.iter().map(|label| self::label(label, sources)).collect::<Vec<_>>(),
        "help": finding.help,
    })
}

fn label(label: &Label, sources: &Sources) -> Value {
    let source = sources.get(label.place.file);
    let mut value = json!({ "file": source.name, "text": label.text });
    if let Some(span) = label.place.span {
        let (start, end) = (source.position(span.start), source.position(span.end));
        value["line"] = start.line.into();
        value["column"] = start.column.into();
        value["end-line"] = end.line.into();
        value["end-column"] = end.column.into();
    }
    value
}

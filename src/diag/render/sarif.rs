//! Findings as SARIF 2.1.0 (OASIS), for code scanning and viewers.

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::{Code, Finding, Findings, Label, Severity, Sources};

pub(super) fn render(findings: &Findings, sources: &Sources) -> String {
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "mcpgw",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|&code| rule(code)).collect::<Vec<_>>(),
            } },
            // SARIF 3.14.17: a column counts Unicode code points, as ours do.
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(|finding| result(finding, &codes, sources)).collect::<Vec<_>>(),
        }],
    });
    format!("{document:#}\n")
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.description() },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(finding: &Finding, codes: &[Code], sources: &Sources) -> Value {
    let mut text = finding.title.clone();
    if let Some(help) = &finding.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    let mut result = json!({
        "ruleId": finding.code.as_str(),
        "ruleIndex": codes.binary_search(&finding.code).unwrap_or_default(),
        "level": level(finding.severity()),
        "message": { "text": text },
        "locations": [location(&finding.labels[0], sources)],
    });
    let related: Vec<Value> = finding.labels[1..]
        .iter()
        .enumerate()
        .map(|(index, label)| {
            let mut value = location(label, sources);
            value["id"] = (index + 1).into();
            value
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

fn location(label: &Label, sources: &Sources) -> Value {
    let source = sources.get(label.place.file);
    let mut physical = json!({ "artifactLocation": { "uri": uri(&source.name) } });
    if let Some(span) = label.place.span {
        let (start, end) = (source.position(span.start), source.position(span.end));
        physical["region"] = json!({
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        });
    }
    let mut location = json!({ "physicalLocation": physical });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    location
}

/// A relative or absolute path as a URI reference (RFC 3986): everything but unreserved characters and `/` escaped.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri_reference() {
        assert_eq!(uri("servers/a b:c.toml"), "servers/a%20b%3Ac.toml");
    }
}

//! Findings as GitHub Actions workflow commands: annotations at the lines of a pull request.

use std::fmt::Write;

use super::super::{Finding, Findings, Severity, Sources};
use crate::text;

pub(super) fn render(findings: &Findings, sources: &Sources) -> String {
    let mut out = String::new();
    for finding in findings {
        command(finding, sources, &mut out);
    }
    out
}

fn command(finding: &Finding, sources: &Sources, out: &mut String) {
    let level = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = finding.place();
    let source = sources.get(place.file);
    let _ = write!(out, "::{level} file={}", property(&source.name));
    if let Some(span) = place.span {
        let (start, end) = (source.position(span.start), source.position(span.end));
        let _ = write!(out, ",line={},endLine={}", start.line, end.line);
        // Columns are only allowed within one line.
        if start.line == end.line {
            let _ = write!(out, ",col={},endColumn={}", start.column, end.column);
        }
    }
    let mut message = finding.title.clone();
    for label in finding.labels.iter().filter(|label| !label.text.is_empty()) {
        let _ = write!(message, "\n{}: {}", sources.display(label.place), label.text);
    }
    if let Some(help) = &finding.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    let _ = writeln!(
        out,
        ",title={}::{}",
        finding.code.as_str(),
        data(&text::safe_lines(&message))
    );
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_start_another_command() {
        assert_eq!(data("a\n::error::b%"), "a%0A::error::b%25");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}

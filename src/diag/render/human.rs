//! Findings for people at a terminal: the door to `miette`.
//!
//! Each begins with `error[code]: title`, shows the places (the file of the primary one first), and ends with the help;
//! the last line counts.

use std::collections::BTreeMap;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, ThemeStyles};

use super::super::{FileId, Finding, Findings, Severity, Sources};
use super::view::View;
use crate::text;

pub(super) fn render(findings: &Findings, sources: &Sources, color: bool, width: usize) -> String {
    let mut views = BTreeMap::new();
    let mut out = String::new();
    for finding in findings {
        one(finding, sources, &mut views, color, width, &mut out);
        out.push('\n');
    }
    out.push_str(&totals(findings));
    out.push('\n');
    out
}

fn totals(findings: &Findings) -> String {
    let (errors, warnings) = (findings.count(Severity::Error), findings.count(Severity::Warning));
    match (errors, warnings) {
        (0, 0) => "no findings".to_owned(),
        (errors, 0) => text::count(errors, "error"),
        (0, warnings) => text::count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", text::count(errors, "error"), text::count(warnings, "warning")),
    }
}

fn one(
    finding: &Finding,
    sources: &Sources,
    views: &mut BTreeMap<FileId, View>,
    color: bool,
    width: usize,
    out: &mut String,
) {
    // One source per report is all that miette draws: one report per file, the primary's first.
    let mut files: Vec<FileId> = Vec::new();
    for label in &finding.labels {
        if !files.contains(&label.place.file) {
            files.push(label.place.file);
        }
    }
    let handler = GraphicalReportHandler::new_themed(theme(finding, color))
        .with_width(width)
        .with_links(false)
        .with_context_lines(0)
        .with_primary_span_start();
    for (index, &file) in files.iter().enumerate() {
        let view = views.entry(file).or_insert_with(|| View::of(sources.get(file)));
        let report = Report::new(finding, sources, file, view, index == 0, index + 1 == files.len());
        let mut drawn = String::new();
        // Writing into a String does not fail; what miette cannot draw (a span outside) is left out.
        let _ = handler.render_report(&mut drawn, &report);
        let body = match index {
            0 => drawn.trim_start(),
            _ => drawn.split_once('\n').map_or("", |(_, rest)| rest),
        };
        match (index, report.snippet.is_some()) {
            (0, false) => {
                let (head, rest) = body.split_once('\n').unwrap_or((body, ""));
                let name = text::safe(sources.name(file));
                out.push_str(&format!("{head}\n   ╭─[{name}]\n   ╰────\n{rest}"));
            }
            _ => out.push_str(body),
        }
    }
}

fn theme(finding: &Finding, color: bool) -> GraphicalTheme {
    let mut theme = GraphicalTheme::unicode_nocolor();
    if color {
        theme.styles = ThemeStyles::ansi();
    }
    let code = finding.code.as_str();
    theme.characters.error = format!("error[{code}]:");
    theme.characters.warning = format!("warning[{code}]:");
    theme
}

#[derive(Debug)]
struct Report {
    title: String,
    severity: Severity,
    help: Option<String>,
    snippet: Option<(NamedSource<String>, Vec<LabeledSpan>)>,
}

impl Report {
    fn new(finding: &Finding, sources: &Sources, file: FileId, view: &View, first: bool, last: bool) -> Self {
        let labels: Vec<LabeledSpan> = finding
            .labels
            .iter()
            .enumerate()
            .filter(|(_, label)| label.place.file == file)
            .filter_map(|(index, label)| {
                let span = view.map(label.place.span?);
                let text = (!label.text.is_empty()).then(|| text::safe(&label.text).into_owned());
                let span = miette::SourceSpan::from(span.start..span.end);
                Some(match index {
                    0 => LabeledSpan::new_primary_with_span(text, span),
                    _ => LabeledSpan::new_with_span(text, span),
                })
            })
            .collect();
        let name = text::safe(sources.name(file)).into_owned();
        Self {
            title: if first {
                text::safe(&finding.title).into_owned()
            } else {
                String::new()
            },
            severity: finding.severity(),
            help: finding
                .help
                .as_ref()
                .filter(|_| last)
                .map(|help| text::safe_lines(help).into_owned()),
            snippet: (!labels.is_empty()).then(|| (NamedSource::new(name, view.text.clone()), labels)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, labels) = self.snippet.as_ref()?;
        Some(Box::new(labels.iter().cloned()))
    }
}

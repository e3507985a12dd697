//! Findings for people at a terminal: the door to `miette`.
//!
//! Each begins with `error[code]: title`, shows the places (the file of the primary one first), and ends with the help;
//! the last line counts.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeStyles,
};

use super::super::{FileId, Finding, Findings, Label, Severity, Sources};
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

/// One finding alone.
pub(super) fn draw(finding: &Finding, sources: &Sources, color: bool, width: usize) -> String {
    let mut out = String::new();
    one(finding, sources, &mut BTreeMap::new(), color, width, &mut out);
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
    let groups = groups(finding, sources);
    let handler = GraphicalReportHandler::new_themed(theme(finding, color))
        .with_width(width)
        // TOML to paste must not be broken by us.
        .with_wrap_lines(false)
        .with_links(false)
        .with_context_lines(0)
        .with_primary_span_start();
    for (index, labels) in groups.iter().enumerate() {
        let file = labels[0].place.file;
        let view = views.entry(file).or_insert_with(|| View::of(sources.get(file)));
        let report = Report::new(finding, sources, labels, view, index == 0, index + 1 == groups.len());
        let mut drawn = String::new();
        // Writing into a String does not fail; what miette cannot draw (a span outside) is left out.
        let _ = handler.render_report(&mut drawn, &report);
        let body = match index {
            0 => drawn.trim_start(),
            _ => drawn.split_once('\n').map_or("", |(_, rest)| rest),
        };
        if index == 0 && report.lines.is_none() {
            let (head, rest) = body.split_once('\n').unwrap_or((body, ""));
            let name = text::safe(sources.name(file));
            let _ = write!(out, "{head}\n   ╭─[{name}]\n   ╰────\n{rest}");
        } else {
            out.push_str(body);
        }
    }
}

/// One source and one stretch of it is all that miette draws well: labels near the primary one are drawn with it, each
/// other one for itself, so that the first place shown is what is wrong.
fn groups<'a>(finding: &'a Finding, sources: &Sources) -> Vec<Vec<&'a Label>> {
    const NEAR: usize = 2;
    let primary = &finding.labels[0];
    let line = |label: &Label| sources.position(label.place).map_or(0, |position| position.line);
    let mut groups = vec![vec![primary]];
    for label in &finding.labels[1..] {
        if label.place.file == primary.place.file && line(label).abs_diff(line(primary)) <= NEAR {
            groups[0].push(label);
        } else {
            groups.push(vec![label]);
        }
    }
    groups
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
    lines: Option<Lines>,
    labels: Vec<LabeledSpan>,
}

impl Report {
    fn new(finding: &Finding, sources: &Sources, labels: &[&Label], view: &View, first: bool, last: bool) -> Self {
        let spans: Vec<LabeledSpan> = labels
            .iter()
            .enumerate()
            .filter_map(|(index, label)| {
                let span = view.map(label.place.span?);
                let text = (!label.text.is_empty()).then(|| text::safe(&label.text).into_owned());
                let span = SourceSpan::from(span.start..span.end);
                Some(match index {
                    0 => LabeledSpan::new_primary_with_span(text, span),
                    _ => LabeledSpan::new_with_span(text, span),
                })
            })
            .collect();
        let place = labels[0].place;
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
            lines: sources.position(place).map(|position| Lines {
                name: text::safe(sources.name(place.file)).into_owned(),
                text: view.text.clone(),
                column: position.column,
            }),
            labels: spans,
        }
    }
}

/// The source of one report: always whole lines, and the column that the primary label has in the file itself.
#[derive(Debug)]
struct Lines {
    name: String,
    text: String,
    column: usize,
}

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (from, to) = (span.offset(), span.offset() + span.len());
        let from = text::floor(&self.text, from);
        let to = text::ceil(&self.text, to).max(from);
        let text = &self.text;
        let start = text[..from].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[to..].find('\n').map_or(text.len(), |newline| to + newline);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            &text.as_bytes()[start..end],
            SourceSpan::from(start..end),
            text[..start].matches('\n').count(),
            self.column - 1,
            text[start..end].matches('\n').count() + 1,
        )))
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
        self.lines.as_ref().map(|lines| lines as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.lines.as_ref()?;
        Some(Box::new(self.labels.iter().cloned()))
    }
}

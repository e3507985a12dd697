//! Findings as text: for people, for programs, for GitHub's annotations, for SARIF viewers.
//!
//! Renderings see the files only through [`view::View`], in which secrets are already hidden.

mod github;
mod human;
mod json;
mod sarif;
mod view;

use super::{Finding, Findings, Sources};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    Github,
    Human { color: bool, width: usize },
    Json,
    Sarif,
}

/// All findings, as sorted, with a line end at the end.
pub fn render(findings: &Findings, sources: &Sources, format: Format) -> String {
    match format {
        Format::Github => github::render(findings, sources),
        Format::Human { color, width } => human::render(findings, sources, color, width),
        Format::Json => json::render(findings, sources),
        Format::Sarif => sarif::render(findings, sources),
    }
}

/// One finding for people, without the line that counts.
pub fn draw(finding: &Finding, sources: &Sources, color: bool, width: usize) -> String {
    human::draw(finding, sources, color, width)
}

/// One finding as it stands in [`Format::Json`].
pub fn to_json(finding: &Finding, sources: &Sources) -> serde_json::Value {
    json::finding(finding, sources)
}

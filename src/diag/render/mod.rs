//! Findings as text: for people, for programs, for GitHub's annotations, for SARIF viewers.
//!
//! Renderings see the files only through [`view::View`], in which secrets are already hidden.

mod github;
mod human;
mod json;
mod sarif;
mod view;

use super::{Findings, Sources};

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

//! For a comment on a pull request: a heading per server, and what differs in a block that GitHub colours as a diff.

use std::fmt::Write;

use super::lines::{self, Line, Sign};
use super::{Diff, Report, State};

pub fn markdown(report: &Report) -> String {
    let mut out = format!("### Lock: {}\n", report.totals());
    for reviewed in &report.servers {
        let lines = match &reviewed.state {
            State::Differs(diff) => lines::of_diff(diff),
            State::New { live, .. } => lines::of_new(live),
            State::Unlisted { .. } => Vec::new(),
            State::Same => continue,
        };
        // Writing into a String does not fail.
        let _ = write!(out, "\n#### `{}`\n\n", reviewed.server);
        let _ = writeln!(out, "{}", code(&reviewed.state.summary()));
        if !lines.is_empty() {
            block(&lines, &mut out);
        }
    }
    out
}

/// One server's difference alone, as a block of a plan.
pub fn markdown_diff(diff: &Diff) -> String {
    let mut out = String::new();
    block(&lines::of_diff(diff), &mut out);
    out
}

/// Foreign text in a paragraph: nothing in it is markup.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    format!("{fence} {text} {fence}")
}

fn block(lines: &[Line], out: &mut String) {
    let mut body = String::new();
    for line in lines {
        // `~` means nothing to a diff: what only heads the lines below it is context.
        let letter = if line.sign == Sign::Changed {
            ' '
        } else {
            line.sign.letter()
        };
        let _ = write!(body, "{letter} {}", "  ".repeat(line.depth));
        if line.sign == Sign::Changed {
            body.push_str("~ ");
        }
        let mut marks = String::new();
        for word in &line.words {
            body.push_str(&word.text);
            let mark = if word.differs { "^" } else { " " };
            marks.push_str(&mark.repeat(word.text.chars().count()));
        }
        body.push('\n');
        if marks.contains('^') {
            let _ = writeln!(body, "  {}{}", "  ".repeat(line.depth), marks.trim_end());
        }
    }
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    let _ = write!(out, "\n{fence}diff\n{body}{fence}\n");
}

/// Of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

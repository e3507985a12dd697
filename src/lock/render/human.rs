//! For a terminal: what differs, server by server, and in one line how it all stands.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::lines::{self, Line, Sign};
use super::{Diff, Report, State};
use crate::text::safe;

/// Lines are folded at `width` columns. Colour only repeats what signs and marks say.
pub fn human(report: &Report, color: bool, width: usize) -> String {
    let paint = Paint(color);
    let mut out = String::new();
    for reviewed in &report.servers {
        let lines = match &reviewed.state {
            State::Differs(diff) => lines::of_diff(diff),
            State::New { live, .. } => lines::of_new(live),
            // That one could not be listed is an error, told where errors are.
            State::Same | State::Unlisted { .. } => continue,
        };
        let name = paint.wrap("1", reviewed.server.as_str());
        let written = if reviewed.written { ", written" } else { "" };
        let summary = reviewed.state.summary();
        // Writing into a String does not fail.
        let _ = writeln!(out, "{name}: {summary} ({}{written})", safe(&reviewed.file));
        for line in &lines {
            fold(line, width, paint, &mut out);
        }
        out.push('\n');
    }
    out.push_str(&report.totals());
    out.push_str(".\n");
    out
}

/// One server's difference alone, as a plan shows it.
pub fn human_diff(diff: &Diff, color: bool, width: usize) -> String {
    let mut out = String::new();
    for line in &lines::of_diff(diff) {
        fold(line, width, Paint(color), &mut out);
    }
    out
}

/// One line in as many rows as it needs, each with its sign; words that differ have a row of marks below.
fn fold(line: &Line, width: usize, paint: Paint, out: &mut String) {
    let head = format!("  {}{} ", "  ".repeat(line.depth), line.sign.letter());
    let room = width.saturating_sub(head.len()).max(20);
    let mut row = Folded::default();
    let mut flush = |row: &mut Folded| {
        out.push_str(&head);
        out.push_str(&paint.sign(line.sign, &row.text));
        out.push('\n');
        if row.marks.contains('^') {
            out.push_str(&" ".repeat(head.len()));
            out.push_str(&paint.sign(line.sign, row.marks.trim_end()));
            out.push('\n');
        }
        *row = Folded::default();
    };
    for word in &line.words {
        for part in word.text.split_inclusive(' ') {
            let columns = part
                .trim_end()
                .chars()
                .filter_map(UnicodeWidthChar::width)
                .sum::<usize>();
            if row.columns > 0 && row.columns + columns > room {
                flush(&mut row);
            }
            for letter in part.chars() {
                let columns = letter.width().unwrap_or(0);
                if row.columns > 0 && row.columns + columns > room {
                    flush(&mut row);
                }
                row.push(letter, columns, word.differs);
            }
        }
    }
    flush(&mut row);
}

#[derive(Default)]
struct Folded {
    text: String,
    marks: String,
    columns: usize,
}

impl Folded {
    fn push(&mut self, letter: char, columns: usize, differs: bool) {
        self.text.push(letter);
        self.columns += columns;
        let mark = if differs { "^" } else { " " };
        self.marks.push_str(&mark.repeat(columns));
    }
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn sign(self, sign: Sign, text: &str) -> String {
        match sign {
            Sign::Came => self.wrap("32", text),
            Sign::Changed => self.wrap("33", text),
            Sign::Gone => self.wrap("31", text),
            Sign::None => text.to_owned(),
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

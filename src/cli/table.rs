//! Columns for people, as wide as they are on a terminal.

use unicode_width::UnicodeWidthStr;

use super::output::Style;

/// A first column wider than this does not push the second away.
const WIDEST_NAME: usize = 40;

/// Names, and beside them texts, wrapped to `width` columns; without one, lines stay whole. Texts must be safe to print.
pub(super) fn two_columns(rows: &[(String, String)], width: Option<usize>, style: Style) -> String {
    let indent = rows
        .iter()
        .map(|(name, _)| name.width())
        .filter(|&width| width <= WIDEST_NAME)
        .max()
        .unwrap_or(0)
        + 2;
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
    let mut out = String::new();
    for (name, text) in rows {
        out.push_str(&style.bold(name));
        let mut lines = wrap(text, room).into_iter();
        if name.width() + 2 > indent && !text.is_empty() {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
        } else if !text.is_empty() {
            out.push_str(&" ".repeat(indent - name.width()));
        }
        out.push_str(&lines.next().unwrap_or_default());
        for line in lines {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            out.push_str(&line);
        }
        out.push('\n');
    }
    out
}

/// Columns left-aligned under their heads, two spaces apart; the last one is as long as it is.
pub(super) fn columns<const N: usize>(heads: [&str; N], rows: &[[String; N]], style: Style) -> String {
    let widths = widest(heads.map(UnicodeWidthStr::width), rows);
    let head = style.dim(&padded(&heads.map(str::to_owned), widths));
    let rows: String = rows.iter().map(|row| padded(row, widths) + "\n").collect();
    format!("{head}\n{rows}")
}

/// Columns without heads, two spaces in.
pub(super) fn indented<const N: usize>(rows: &[[String; N]]) -> String {
    let widths = widest([0; N], rows);
    rows.iter()
        .map(|row| ["  ", &padded(row, widths), "\n"].concat())
        .collect()
}

fn widest<const N: usize>(mut widths: [usize; N], rows: &[[String; N]]) -> [usize; N] {
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

fn padded<const N: usize>(cells: &[String; N], widths: [usize; N]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::ColorWhen;
    use crate::cli::output::Output;

    fn plain() -> Style {
        Output::new(ColorWhen::Never).stdout_style()
    }

    fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        rows.iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn texts_wrap_under_themselves() {
        let rows = rows(&[("a", "one two three four five six"), ("bcd", ""), ("世界", "x")]);
        assert_eq!(
            two_columns(&rows, Some(26), plain()),
            "a     one two three four\n      five six\nbcd\n世界  x\n"
        );
    }

    #[test]
    fn a_very_long_name_stands_on_a_line_of_its_own() {
        let long = "x".repeat(50);
        let rows = rows(&[("a", "one"), (&long, "two")]);
        assert_eq!(two_columns(&rows, None, plain()), format!("a  one\n{long}\n   two\n"));
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [["a".to_owned(), "ok".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(
            columns(["NAME", "STATE"], &rows, plain()),
            "NAME  STATE\na     ok\nlong\n"
        );
    }
}

//! A key or table that stands twice in one file: which one it is, and where the first one stands.
//!
//! The parser says only where the second one is. What it names follows from its line and the header above it. The first
//! one is a header further up, or is looked up in the tables that the parser goes on with.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::diag::{Code, FileId, Finding, Place};
use crate::text::safe;

/// What the parser calls it.
pub(super) const MESSAGE: &str = "duplicate key";

/// The findings about all of them, in the order of `spans`. Keys below a header that stands twice itself are told with it.
pub(super) fn findings(file: FileId, text: &str, table: &DeTable<'_>, spans: &[Range<usize>]) -> Vec<Finding> {
    let headers: Vec<usize> = spans
        .iter()
        .map(|span| line_start(text, span.start))
        .filter(|start| header(line(text, *start)).is_some())
        .collect();
    let is_told = |span: &Range<usize>| {
        let start = line_start(text, span.start);
        !headers.contains(&start) && header_above(text, start).is_some_and(|above| headers.contains(&above))
    };
    spans
        .iter()
        .filter(|span| !is_told(span))
        .map(|span| finding(file, text, table, span))
        .collect()
}

fn finding(file: FileId, text: &str, table: &DeTable<'_>, span: &Range<usize>) -> Finding {
    let start = line_start(text, span.start);
    let is_header = header(line(text, start)).is_some();
    let path = path(text, start, span);
    let place = Place::new(file, span.clone());
    let name = path.as_deref().map(|path| safe(&path.join(".")).into_owned());
    let (code, title) = match (is_header, name) {
        (true, Some(name)) => (Code::DuplicateTable, format!("the table `[{name}]` stands twice")),
        (false, Some(name)) => (Code::DuplicateKey, format!("`{name}` is given twice")),
        (_, None) => (
            Code::DuplicateKey,
            "a key or table is given twice in this file".to_owned(),
        ),
    };
    let finding = Finding::new(code, place, title).label("again here");
    let first = path.and_then(|path| {
        let header = is_header.then(|| same_header(text, start, &path)).flatten();
        header.or_else(|| first(table, &path).filter(|first| first.start < span.start))
    });
    let finding = match first {
        Some(first) => finding.also(Place::new(file, first), "first here"),
        None => finding,
    };
    finding.help("keep one of the two: nothing overrides")
}

/// The keys from the root to what stands at `span`, in the line that starts at `start`.
fn path(text: &str, start: usize, span: &Range<usize>) -> Option<Vec<String>> {
    if let Some(path) = header(line(text, start)) {
        return Some(path);
    }
    let mut path = match header_above(text, start) {
        Some(above) => header(line(text, above))?,
        None => Vec::new(),
    };
    // Up to the end of the key that is doubled: of `a.b.c = 1` it may be `a.b`.
    let key = text.get(start..span.end)?;
    path.extend(only_path(&format!("{key} = 0"))?);
    Some(path)
}

/// The place of the key that `path` leads to; in an array of tables the last one is meant, as in a header.
fn first(table: &DeTable<'_>, path: &[String]) -> Option<Range<usize>> {
    let (last, parents) = path.split_last()?;
    let mut table = table;
    for parent in parents {
        table = match table.get(parent.as_str())?.get_ref() {
            DeValue::Table(table) => table,
            DeValue::Array(items) => match items.iter().last()?.get_ref() {
                DeValue::Table(table) => table,
                _ => return None,
            },
            _ => return None,
        };
    }
    table.get_key_value(last.as_str()).map(|(key, _)| key.span())
}

/// The path that a line is the header of.
fn header(line: &str) -> Option<Vec<String>> {
    line.trim_start().starts_with('[').then(|| only_path(line)).flatten()
}

/// The keys of a text that makes nothing but tables inside of one another.
fn only_path(text: &str) -> Option<Vec<String>> {
    let parsed = DeTable::parse(text).ok()?;
    let mut path = Vec::new();
    let mut table = parsed.get_ref();
    while let Some((key, value)) = table.iter().next() {
        path.push(key.get_ref().to_string());
        table = match value.get_ref() {
            DeValue::Table(inner) => inner,
            DeValue::Array(items) => match items.iter().last().map(toml::Spanned::get_ref) {
                Some(DeValue::Table(inner)) => inner,
                _ => break,
            },
            _ => break,
        };
    }
    (!path.is_empty()).then_some(path)
}

/// The header of the same table above the line that starts at `start`.
fn same_header(text: &str, start: usize, path: &[String]) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.get(..start)?.split_inclusive('\n') {
        if header(line).is_some_and(|found| found == path) {
            let indent = line.len() - line.trim_start().len();
            return Some(at + indent..at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

fn header_above(text: &str, start: usize) -> Option<usize> {
    let mut at = start;
    while at > 0 {
        at = line_start(text, at - 1);
        if header(line(text, at)).is_some() {
            return Some(at);
        }
    }
    None
}

fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1)
}

fn line(text: &str, start: usize) -> &str {
    text.get(start..).unwrap_or_default().lines().next().unwrap_or_default()
}

//! One file's text becomes nodes: the only place that knows the `toml` crate.

use toml::de::{DeTable, DeValue};

use super::node::{Entry, Node, RawTable, TableKind, Value};
use super::{secret, twice};
use crate::diag::{Code, FileId, Finding, Findings, Place, Sources};
use crate::name::{Pattern, PatternKind};
use crate::text;

/// More dots on one line than any real key has: a key of that depth would nest tables until the stack ends.
const MAX_DOTS: usize = 256;

/// Findings about one file's syntax; the rest of a broken file is not looked at, since what it means is guesswork.
const MAX_ERRORS: usize = 5;

/// The tables of one file; `None` if it is not TOML, which is then among the findings.
pub(super) fn parse(file: FileId, sources: &mut Sources, findings: &mut Findings) -> Option<Node> {
    let text = sources.get(file).text.clone();
    if let Some(place) = too_deep(file, &text) {
        secret::hide_lines(file, sources);
        findings.push(
            Finding::new(Code::Syntax, place, "a key has too many parts")
                .label("this line")
                .help(format!("write at most {MAX_DOTS} dots on one line")),
        );
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        secret::hide_lines(file, sources);
    }
    let (twice, broken): (Vec<_>, Vec<_>) = errors
        .into_iter()
        .partition(|error| first_line(error) == twice::MESSAGE);
    for error in broken.iter().take(MAX_ERRORS) {
        findings.push(syntax(file, &text, error));
    }
    let twice: Vec<_> = twice
        .iter()
        .filter_map(toml::de::Error::span)
        .take(MAX_ERRORS)
        .collect();
    for finding in twice::findings(file, &text, table.get_ref(), &twice) {
        findings.push(finding);
    }
    if !broken.is_empty() {
        return None;
    }
    // What stands twice is left out; the rest of the file means what it says.
    let (_, value) = convert(file, &text, table.span(), DeValue::Table(table.into_inner()), findings);
    Some(Node {
        place: Place::new(file, 0..0),
        value,
    })
}

/// What `ignore` at the top of `mcpgw.toml` leaves out; `None` if the file is not TOML.
pub(super) fn ignored(bytes: &[u8]) -> Option<Vec<Pattern>> {
    let mut sources = Sources::default();
    let file = sources.add("", std::str::from_utf8(bytes).ok()?);
    // It is read once more with all other files: then what is wrong with it is told.
    let node = parse(file, &mut sources, &mut Findings::default())?;
    let Value::Table(table) = &node.value else {
        return Some(Vec::new());
    };
    let Some(Value::Array { items, .. }) = table.get("ignore").map(|entry| &entry.node.value) else {
        return Some(Vec::new());
    };
    let pattern = |item: &Node| match &item.value {
        Value::String(text) => Pattern::new(PatternKind::Path, text).ok(),
        _ => None,
    };
    Some(items.iter().filter_map(pattern).collect())
}

fn syntax(file: FileId, text: &str, error: &toml::de::Error) -> Finding {
    let span = error.span().unwrap_or(text.len()..text.len());
    let place = Place::new(file, span);
    Finding::new(
        Code::Syntax,
        place,
        format!("the file is not TOML: {}", text::safe(first_line(error))),
    )
    .label("the parser stopped here")
    .help("mend this first: nothing else in this file is checked until then")
}

fn first_line(error: &toml::de::Error) -> &str {
    error.message().lines().next().unwrap_or_default()
}

fn too_deep(file: FileId, text: &str) -> Option<Place> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.bytes().filter(|&byte| byte == b'.').count() > MAX_DOTS {
            return Some(Place::new(file, start..start + line.trim_end().len()));
        }
        start += line.len();
    }
    None
}

fn convert(
    file: FileId,
    text: &str,
    span: std::ops::Range<usize>,
    value: DeValue<'_>,
    findings: &mut Findings,
) -> (Place, Value) {
    let first = text.as_bytes().get(span.start).copied();
    let place = Place::new(file, span);
    let value = match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Boolean(value) => Value::Boolean(value),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Float(float) => Value::Float(float.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
        DeValue::Integer(integer) => {
            let number = i64::from_str_radix(integer.as_str(), integer.radix());
            if number.is_err() {
                findings.push(
                    Finding::new(Code::OutOfRange, place, "an integer has more than 64 bits").label("this number"),
                );
            }
            Value::Integer(number.unwrap_or_default())
        }
        DeValue::Array(array) => {
            let items: Vec<Node> = array
                .into_iter()
                .map(|item| {
                    let (place, value) = convert(file, text, item.span(), item.into_inner(), findings);
                    Node { place, value }
                })
                .collect();
            let tables = first == Some(b'[')
                && text[place.span.map_or(0, |span| span.start)..].starts_with("[[")
                && items
                    .iter()
                    .all(|item| matches!(&item.value, Value::Table(table) if table.kind == TableKind::Header))
                && !items.is_empty();
            Value::Array { items, tables }
        }
        DeValue::Table(table) => {
            let kind = match first {
                Some(b'[') => TableKind::Header,
                Some(b'{') => TableKind::Inline,
                _ => TableKind::Implied,
            };
            let entries = table
                .into_iter()
                .map(|(key, value)| {
                    let key_place = Place::new(file, key.span());
                    let (place, value) = convert(file, text, value.span(), value.into_inner(), findings);
                    Entry {
                        key: key.into_inner().into_owned(),
                        key_place,
                        node: Node { place, value },
                    }
                })
                .collect();
            Value::Table(RawTable { kind, entries })
        }
    };
    (place, value)
}

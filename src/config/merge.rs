//! Many files as one: tables are joined, nothing overrides. The same header or key twice is a finding with both places.

use super::node::{Entry, Node, RawTable, TableKind, Value};
use crate::diag::{Code, Finding, Findings};

/// Adds the second file's root table to the first's.
pub(super) fn merge(into: &mut Node, from: Node, findings: &mut Findings) {
    if let (Value::Table(into), Value::Table(from)) = (&mut into.value, from.value) {
        entries(into, from, &mut Vec::new(), findings);
    }
}

/// Keys that a doubled table has twice are told with the table.
fn drop_known(into: &RawTable, from: &mut RawTable) {
    from.entries.retain(|entry| {
        matches!(entry.node.value, Value::Table(_) | Value::Array { tables: true, .. })
            || into.get(&entry.key).is_none()
    });
}

fn entries(into: &mut RawTable, from: RawTable, path: &mut Vec<String>, findings: &mut Findings) {
    for entry in from.entries {
        match into.entries.iter_mut().find(|known| known.key == entry.key) {
            None => into.entries.push(entry),
            Some(known) => {
                path.push(entry.key.clone());
                join(known, entry, path, findings);
                path.pop();
            }
        }
    }
}

fn join(known: &mut Entry, new: Entry, path: &mut Vec<String>, findings: &mut Findings) {
    let (first, second) = (known.node.place, new.node.place);
    let (first_key, second_key) = (known.key_place, new.key_place);
    match (&mut known.node.value, new.node.value) {
        (Value::Table(into), Value::Table(mut from))
            if into.kind != TableKind::Inline && from.kind != TableKind::Inline =>
        {
            match (into.kind, from.kind) {
                (TableKind::Header, TableKind::Header) => {
                    findings.push(
                        Finding::new(
                            Code::DuplicateTable,
                            second,
                            format!("the table `[{}]` stands twice", path.join(".")),
                        )
                        .label("again here")
                        .also(first, "first here")
                        .help("keep the table in one place: nothing overrides, the order of files changes nothing"),
                    );
                    drop_known(into, &mut from);
                }
                (TableKind::Implied, TableKind::Header) => {
                    into.kind = TableKind::Header;
                    known.node.place = second;
                    known.key_place = second_key;
                }
                _ => {}
            }
            entries(into, from, path, findings);
        }
        (
            Value::Array { items, tables: true },
            Value::Array {
                items: more,
                tables: true,
            },
        ) => items.extend(more),
        _ => findings.push(
            Finding::new(
                Code::DuplicateKey,
                second_key,
                format!("`{}` is given twice", path.join(".")),
            )
            .label("again here")
            .also(first_key, "first here")
            .help("keep one of the two: nothing overrides"),
        ),
    }
}

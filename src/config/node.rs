//! What a TOML file says, before anybody asks what it means: every key and value with its place.

use crate::diag::Place;

#[derive(Clone, Debug)]
pub struct Node {
    /// Of a table: its header, its braces, or the key that implies it.
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// `tables`: made of `[[headers]]`.
    Array {
        items: Vec<Node>,
        tables: bool,
    },
    Boolean(bool),
    /// As written: a date, a time or both.
    Date(String),
    Float(f64),
    Integer(i64),
    String(String),
    Table(RawTable),
}

#[derive(Clone, Debug, Default)]
pub struct RawTable {
    pub kind: TableKind,
    /// As written; no key twice.
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TableKind {
    /// Has a `[header]` of its own.
    Header,
    /// Only implied, by longer headers or dotted keys.
    #[default]
    Implied,
    /// `{ … }`: nothing can be added from elsewhere.
    Inline,
}

impl RawTable {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Value {
    /// With its article, for people.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Array { .. } => "an array",
            Self::Boolean(_) => "a boolean",
            Self::Date(_) => "a date or time",
            Self::Float(_) => "a float",
            Self::Integer(_) => "an integer",
            Self::String(_) => "a string",
            Self::Table(_) => "a table",
        }
    }
}

/// Calls `visit` for the node and everything below it, with the keys that lead there.
pub(super) fn visit<'a>(node: &'a Node, path: &mut Vec<&'a str>, seen: &mut impl FnMut(&[&'a str], &'a Node)) {
    seen(path, node);
    match &node.value {
        Value::Array { items, .. } => {
            for item in items {
                visit(item, path, seen);
            }
        }
        Value::Table(table) => {
            for entry in &table.entries {
                path.push(&entry.key);
                visit(&entry.node, path, seen);
                path.pop();
            }
        }
        _ => {}
    }
}

//! What a key takes, as data.

use super::Reader;
use crate::config::node::Node;

/// A table of the grammar.
#[derive(Clone, Copy)]
pub struct TableDoc {
    /// The Rust type, which names the definition in the schema.
    pub name: &'static str,
    pub doc: &'static [&'static str],
    pub keys: fn() -> Vec<KeyDoc>,
}

pub struct KeyDoc {
    pub name: &'static str,
    pub doc: &'static [&'static str],
    pub required: bool,
    /// As it would be written, or empty.
    pub default: &'static str,
    pub kind: Kind,
}

#[derive(Clone)]
pub enum Kind {
    Any,
    Boolean,
    Choice(&'static [&'static str]),
    Date,
    /// Seconds.
    Duration {
        least: u64,
        most: u64,
    },
    Integer {
        least: i64,
        most: i64,
    },
    List(Box<Kind>),
    /// A table whose keys are names.
    Map {
        names: &'static str,
        item: Box<Kind>,
    },
    /// A string, integer or boolean.
    Scalar,
    Secret,
    /// A literal or a secret.
    Setting,
    /// Bytes.
    Size {
        least: u64,
        most: u64,
    },
    Table(TableDoc),
    /// `[[…]]`.
    Tables(TableDoc),
    Text(Format),
}

/// A text with a grammar of its own.
#[derive(Clone, Copy)]
pub struct Format {
    /// For people: "a URL".
    pub what: &'static str,
    /// For the schema, an ECMA 262 regular expression or empty; looser than the check, never stricter.
    pub pattern: &'static str,
}

/// A value that can be read from a node.
pub trait Shape: Sized {
    fn kind() -> Kind;

    /// `None` after a finding.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;
}

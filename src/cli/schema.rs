//! `mcpgw schema [config|test]`: JSON Schemas of the files, for editors, from the grammar that reads them.

use super::arguments::{Schema, SchemaKind};
use super::exit::{Exit, Outcome};
use super::output::Output;
use crate::config::grammar;

pub(super) fn run(arguments: &Schema, output: &Output) -> Outcome {
    output.data(text(arguments.kind))?;
    Ok(Exit::Fine)
}

/// Both kinds and the name under which each is committed.
pub(super) const FILES: [(SchemaKind, &str); 2] = [
    (SchemaKind::Config, "mcpgw.schema.json"),
    (SchemaKind::Test, "mcpgw-test.schema.json"),
];

pub(super) fn text(kind: SchemaKind) -> String {
    match kind {
        SchemaKind::Config => grammar::configuration_schema(),
        SchemaKind::Test => grammar::test_schema(),
    }
}

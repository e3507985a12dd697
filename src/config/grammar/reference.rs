//! The grammar as a page for people: `docs/configuration.md`.

use std::fmt::Write;

use super::leaf::{bytes, seconds};
use super::{Kind, Shape, TableDoc};
use crate::config::table::{Root, TestFile};

/// Markdown: one section a table, in the order of the grammar.
pub fn reference() -> String {
    let mut out = String::from(
        "# Configuration reference\n\nMade by `cargo run -- generate`; a test keeps it so. A configuration is a directory with `mcpgw.toml`, \
         read together with `servers/`, `endpoints/`, `roles/`, `pii/` and `users/`, or any one `.toml` file.\n",
    );
    if let Kind::Table(root) = Root::kind() {
        for key in (root.keys)() {
            section(key.name, &key.kind, &mut out);
        }
    }
    out.push_str("\n# Tests: `*.test.toml`\n");
    if let Kind::Table(root) = TestFile::kind() {
        for key in (root.keys)() {
            section(key.name, &key.kind, &mut out);
        }
    }
    out
}

fn section(path: &str, kind: &Kind, out: &mut String) {
    match kind {
        Kind::Table(doc) => table(&format!("[{path}]"), path, *doc, out),
        Kind::Tables(doc) => table(&format!("[[{path}]]"), path, *doc, out),
        Kind::Map { item, .. } => {
            if let Kind::Table(doc) = &**item {
                let path = format!("{path}.NAME");
                table(&format!("[{path}]"), &path, *doc, out);
            }
        }
        _ => {}
    }
}

fn table(header: &str, path: &str, doc: TableDoc, out: &mut String) {
    let keys = (doc.keys)();
    let words: Vec<&str> = doc.doc.iter().map(|line| line.trim()).collect();
    let _ = writeln!(
        out,
        "\n## `{header}`\n\n{}\n\n| key | takes | default | |\n|---|---|---|---|",
        words.join(" ")
    );
    for key in &keys {
        let words: Vec<&str> = key.doc.iter().map(|line| line.trim()).collect();
        let default = match (key.required, key.default) {
            (true, _) => "needed".to_owned(),
            (false, "") => String::new(),
            (false, default) => format!("`{default}`"),
        };
        let row = format!(
            "| `{}` | {} | {default} | {} |",
            key.name,
            takes(&key.kind),
            words.join(" ")
        );
        let _ = writeln!(out, "{row}");
    }
    for key in &keys {
        section(&format!("{path}.{}", key.name), &key.kind, out);
    }
}

fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Any => "any value".to_owned(),
        Kind::Boolean => "`true`, `false`".to_owned(),
        Kind::Choice(words) => words
            .iter()
            .map(|word| format!("`\"{word}\"`"))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::Date => "date".to_owned(),
        Kind::Duration { least, most } => format!("duration, {} to {}", seconds(*least), seconds(*most)),
        Kind::Integer { least, most } => format!("integer, {least} to {most}"),
        Kind::List(item) => format!("list of: {}", takes(item)),
        Kind::Map { item, .. } => match &**item {
            Kind::Table(_) => "tables by name".to_owned(),
            item => format!("by name: {}", takes(item)),
        },
        Kind::Scalar => "string, integer or boolean".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::Setting => "string or secret".to_owned(),
        Kind::Size { least, most } => format!("size, {} to {}", bytes(*least), bytes(*most)),
        Kind::Table(_) => "table".to_owned(),
        Kind::Tables(_) => "tables".to_owned(),
        Kind::Text(format) => format
            .what
            .trim_start_matches("a ")
            .trim_start_matches("an ")
            .to_owned(),
    }
}

//! The walk over merged nodes: findings about shape, and what must not be shown.

use std::path::{Path, PathBuf};

use super::{Given, Shape};
use crate::config::node::{Node, RawTable, Value, visit};
use crate::config::table::{Root, TestFile};
use crate::diag::{Code, Finding, Findings, Place, Sources};
use crate::text;

/// Reads tables; knows where it is, for titles.
pub struct Reader<'a> {
    sources: &'a mut Sources,
    findings: &'a mut Findings,
    /// By file: where relative paths start.
    roots: &'a [PathBuf],
    /// What the keys at the top are tables of, for titles.
    whole: &'static str,
    path: Vec<String>,
    has_relative_paths: bool,
}

impl<'a> Reader<'a> {
    pub fn new(sources: &'a mut Sources, findings: &'a mut Findings, roots: &'a [PathBuf]) -> Self {
        Self {
            sources,
            findings,
            roots,
            whole: "a configuration",
            path: Vec::new(),
            has_relative_paths: false,
        }
    }

    #[allow(clippy::missing_panics_doc, reason = "it cannot")]
    /// The whole configuration. Without one (which has its finding) the root is as an empty file's.
    pub fn root(&mut self, node: &Node) -> Root {
        Root::read(node, self).expect("load starts from a table and merging keeps it one")
    }

    #[allow(clippy::missing_panics_doc, reason = "it cannot")]
    /// One file of tests.
    pub fn tests(&mut self, node: &Node) -> TestFile {
        self.whole = "a test file";
        TestFile::read(node, self).expect("a file's root is a table")
    }

    /// Did what was read name a path that starts where its file's root lies?
    pub fn has_relative_paths(&self) -> bool {
        self.has_relative_paths
    }

    pub fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn enter(&mut self, key: &str) {
        self.path.push(key.to_owned());
    }

    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// Of the table or value that is being read, as a header would write it.
    pub(super) fn path(&self) -> String {
        let keys: Vec<String> = self.path.iter().filter(|key| !key.is_empty()).cloned().collect();
        dotted(&keys)
    }

    /// What is being read, for a title.
    pub(super) fn subject(&self) -> String {
        match self.path.as_slice() {
            [.., list, element] if element.is_empty() => format!("an element of `{}`", text::safe(list)),
            _ => format!("`{}`", self.key()),
        }
    }

    /// The key that is being read.
    pub(super) fn key(&self) -> String {
        self.path
            .last()
            .map(|key| text::safe(key).into_owned())
            .unwrap_or_default()
    }

    pub(super) fn hide(&mut self, place: Place) {
        self.sources.hide(place);
    }

    /// Hides every value in it that says anything.
    pub(super) fn hide_all(&mut self, node: &Node) {
        visit(node, &mut Vec::new(), &mut |_, node| {
            if !matches!(node.value, Value::Array { .. } | Value::Boolean(_) | Value::Table(_)) {
                self.sources.hide(node.place);
            }
        });
    }

    /// A path of the files, made absolute from the root of the file it stands in.
    pub(super) fn resolve(&mut self, place: Place, path: &str) -> PathBuf {
        self.has_relative_paths |= Path::new(path).is_relative();
        self.roots
            .get(place.file.index())
            .map_or_else(|| Path::new(path).to_owned(), |root| root.join(path))
    }

    pub(super) fn wrong_type<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let help = match (expected, &node.value) {
            ("a string", Value::Integer(number)) => format!("write it in quotes: `\"{number}\"`"),
            ("an array", Value::String(_)) => "write it in brackets: `[\"…\"]`".to_owned(),
            _ => format!("write {expected}"),
        };
        self.wrong_type_with(node, expected, help)
    }

    pub(super) fn wrong_type_with<T>(&mut self, node: &Node, expected: &str, help: String) -> Option<T> {
        let what = self.path();
        self.push(
            Finding::new(Code::WrongType, node.place, format!("`{what}` is not {expected}"))
                .label(format!("this is {}", node.value.type_name()))
                .help(help),
        );
        None
    }

    // What `table!` is made of.

    pub fn table<'n>(&mut self, node: &'n Node) -> Option<&'n RawTable> {
        match &node.value {
            Value::Table(table) => Some(table),
            _ => self.wrong_type(node, "a table"),
        }
    }

    pub fn key_of<T: Shape>(&mut self, node: &Node, table: &RawTable, key: &str, required: bool) -> Given<T> {
        let Some(entry) = table.get(key) else {
            if required {
                let what = self.path();
                self.push(
                    Finding::new(Code::MissingKey, node.place, format!("`[{what}]` has no `{key}`"))
                        .label("needed in this table")
                        .help(format!("add {}", example(key, &T::kind()))),
                );
            }
            return Given::absent();
        };
        self.enter(key);
        let value = T::read(&entry.node, self);
        self.leave();
        Given {
            key: Some(entry.key_place),
            place: Some(entry.node.place),
            value,
        }
    }

    pub fn unknown_keys(&mut self, node: &Node, table: &RawTable, known: &[&str]) {
        for entry in table
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            // Nobody knows what it is: it may be a misspelt `token`.
            self.hide_all(&entry.node);
            let key = text::safe(&entry.key);
            let is_table = self.path.is_empty() || matches!(entry.node.value, Value::Table(_));
            let (code, title) = match (self.path.is_empty(), is_table) {
                (true, _) => (Code::UnknownTable, format!("`{key}` is no table of {}", self.whole)),
                (_, true) => (Code::UnknownTable, format!("`[{}]` has no table `{key}`", self.path())),
                (_, false) => (Code::UnknownKey, format!("`[{}]` has no key `{key}`", self.path())),
            };
            let mut finding = Finding::new(code, entry.key_place, title).label("not known");
            finding = match similar(&entry.key, known.iter().copied()) {
                Some(near) => finding.help(format!("write `{near}`")),
                None => finding.help(format!("take it away; possible here are {}", text::list(known))),
            };
            let _ = node;
            self.push(finding);
        }
    }
}

/// Keys as a header writes them.
pub(super) fn dotted(path: &[String]) -> String {
    let parts: Vec<String> = path
        .iter()
        .map(|key| {
            let bare = !key.is_empty()
                && key
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if bare {
                key.clone()
            } else {
                format!("\"{}\"", text::safe(key))
            }
        })
        .collect();
    parts.join(".")
}

/// The known word that was probably meant.
pub fn similar<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_ascii_lowercase().replace('_', "-");
    known
        .map(|candidate| (strsim::damerau_levenshtein(&folded, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn example(key: &str, kind: &super::Kind) -> String {
    use super::Kind;
    match kind {
        Kind::Secret => format!("`{key} = {{ env = \"NAME\" }}`"),
        Kind::List(_) => format!("`{key} = [\"…\"]`"),
        Kind::Tables(_) | Kind::Table(_) | Kind::Map { .. } => format!("a table `{key}`"),
        Kind::Boolean => format!("`{key} = true`"),
        Kind::Choice(words) => format!("`{key} = \"{}\"`", words.first().unwrap_or(&"…")),
        _ => format!("`{key} = \"…\"`"),
    }
}

//! A [`Bundle`] in, one merged and typed configuration out.

use std::path::PathBuf;

use super::bundle::{Bundle, BundledFile, MAIN, Root};
use super::collect::{Collected, collect, shown};
use super::grammar::Reader;
use super::node::{Node, RawTable, TableKind, Value};
use super::table::Root as Tables;
use super::{merge, parse, secret};
use crate::diag::{Code, FileId, Finding, Findings, Place, Sources};

/// Bounds of what is read, and what is left out.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of one TOML file; 1 MiB.
    pub max_file: u64,
    /// Bytes of one file of the lock; 16 MiB.
    pub max_lock: u64,
    /// Files and directories looked at below one PATH; 20000.
    pub max_entries: usize,
    /// A state directory inside PATH, which is never read. `.mcpgw` is hidden and skipped anyway.
    pub state: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_file: 1 << 20,
            max_lock: 16 << 20,
            max_entries: 20_000,
            state: None,
        }
    }
}

/// All files of a configuration, read; whatever was wrong is among the findings.
#[derive(Debug)]
pub struct Loaded {
    pub bundle: Bundle,
    pub sources: Sources,
    pub tables: Tables,
    pub locks: Vec<LockFile>,
    pub findings: Findings,
    /// Files whose tables are missing because the file could not be read or parsed.
    pub broken: Vec<FileId>,
    /// Where the files lie decides what some path in them is.
    pub has_relative_paths: bool,
    /// Absolute or relative as PATH was given; what a watcher must watch. Empty for a Bundle that came from elsewhere.
    pub files: Vec<PathBuf>,
    pub directories: Vec<PathBuf>,
}

/// One `locked/SERVER.json`.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// The file's stem.
    pub server: String,
    pub file: FileId,
    pub bytes: bytes::Bytes,
}

/// Reads the configuration that the PATHs are together.
pub fn load(paths: &[PathBuf], options: &Options) -> Loaded {
    read(collect(paths, options), options)
}

/// Reads a configuration that is in memory.
pub fn read(collected: Collected, options: &Options) -> Loaded {
    let mut loader = Loader {
        options,
        sources: Sources::default(),
        roots: Vec::new(),
        findings: Findings::default(),
        root: empty(),
        locks: Vec::new(),
        broken: Vec::new(),
    };
    for root in &collected.bundle.roots {
        for file in root.files() {
            loader.file(root, file);
        }
    }
    for trouble in &collected.troubles {
        let file = loader.add(shown(&trouble.path), PathBuf::new());
        let finding = Finding::new(trouble.code, Place::whole(file), trouble.title.clone());
        loader.findings.push(finding.help(trouble.help.clone()));
        if trouble.breaks {
            loader.broken.push(file);
        }
    }
    loader.finish(collected)
}

struct Loader<'a> {
    options: &'a Options,
    sources: Sources,
    /// By file: where its relative paths start.
    roots: Vec<PathBuf>,
    findings: Findings,
    root: Node,
    locks: Vec<LockFile>,
    broken: Vec<FileId>,
}

impl Loader<'_> {
    fn file(&mut self, root: &Root, file: &BundledFile) {
        let name = shown(&root.directory().join(&file.name));
        let id = self.add(name, root.base().to_owned());
        let most = if file.is_lock() {
            self.options.max_lock
        } else {
            self.options.max_file
        };
        let held = if file.bytes.len() as u64 > most {
            let title = format!("the file is larger than {most} bytes");
            self.findings
                .push(Finding::new(Code::FileTooLarge, Place::whole(id), title).help("split it into several files"));
            false
        } else if file.is_lock() {
            let stem = file.name.trim_start_matches("locked/").trim_end_matches(".json");
            self.locks.push(LockFile {
                server: stem.to_owned(),
                file: id,
                bytes: file.bytes.clone(),
            });
            true
        } else {
            self.toml(id, file)
        };
        if !held && !file.is_lock() {
            self.broken.push(id);
        }
    }

    /// Reads one TOML file into the whole; false if it is none.
    fn toml(&mut self, id: FileId, file: &BundledFile) -> bool {
        let text = match std::str::from_utf8(&file.bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let line = memchr::memchr_iter(b'\n', &file.bytes[..at]).count() + 1;
                self.findings.push(
                    Finding::new(
                        Code::NotUtf8,
                        Place::whole(id),
                        format!("the file is not UTF-8 text: line {line}, byte {at}"),
                    )
                    .help("save the file as UTF-8"),
                );
                return false;
            }
        };
        self.sources.set_text(id, text);
        let Some(mut node) = parse::parse(id, &mut self.sources, &mut self.findings) else {
            return false;
        };
        secret::hide(&node, &mut self.sources);
        // In `mcpgw.toml` the entry stays, so that its shape is checked like any other.
        if file.name != MAIN {
            take_ignore(&mut node, &mut self.findings);
        }
        merge::merge(&mut self.root, node, &mut self.findings);
        true
    }

    fn add(&mut self, name: String, base: PathBuf) -> FileId {
        self.roots.push(base);
        self.sources.add(name, "")
    }

    fn finish(mut self, collected: Collected) -> Loaded {
        let mut reader = Reader::new(&mut self.sources, &mut self.findings, &self.roots);
        let tables = reader.root(&self.root);
        let has_relative_paths = reader.has_relative_paths();
        self.findings.sort(&self.sources);
        Loaded {
            bundle: collected.bundle,
            tables,
            sources: self.sources,
            locks: self.locks,
            findings: self.findings,
            broken: self.broken,
            has_relative_paths,
            files: collected.files,
            directories: collected.directories,
        }
    }
}

fn empty() -> Node {
    let mut sources = Sources::default();
    let file = sources.add("", "");
    let table = RawTable {
        kind: TableKind::Implied,
        entries: Vec::new(),
    };
    Node {
        place: Place::whole(file),
        value: Value::Table(table),
    }
}

/// `ignore` is for finding the files, which `mcpgw.toml` alone may do.
fn take_ignore(node: &mut Node, findings: &mut Findings) {
    let Value::Table(table) = &mut node.value else { return };
    if let Some(index) = table.entries.iter().position(|entry| entry.key == "ignore") {
        let entry = table.entries.remove(index);
        findings.push(
            Finding::new(Code::MisplacedIgnore, entry.key_place, "`ignore` does not count here")
                .label("not in this file")
                .help("write it at the top of `mcpgw.toml`"),
        );
    }
}

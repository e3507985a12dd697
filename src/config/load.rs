//! PATHs in, one merged and typed configuration out.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::grammar::Reader;
use super::node::{Node, RawTable, TableKind, Value};
use super::table::Root;
use super::walk::Walk;
use super::{merge, parse, secret, walk};
use crate::diag::{Code, FileId, Finding, Findings, Place, Sources};
use crate::name::{Pattern, PatternKind};

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
    pub sources: Sources,
    pub tables: Root,
    pub locks: Vec<LockFile>,
    pub findings: Findings,
    /// Files whose tables are missing because the file could not be read or parsed.
    pub broken: Vec<FileId>,
    /// SHA-256 over names and bytes of all files that were read, in hex.
    pub digest: String,
    /// Absolute or relative as PATH was given; what a watcher must watch.
    pub files: Vec<PathBuf>,
    pub directories: Vec<PathBuf>,
}

/// One `locked/SERVER.json`.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// The file's stem.
    pub server: String,
    pub file: FileId,
    pub bytes: Vec<u8>,
}

/// Reads the configuration that the PATHs are together.
pub fn load(paths: &[PathBuf], options: &Options) -> Loaded {
    let mut loader = Loader {
        options,
        sources: Sources::default(),
        roots: Vec::new(),
        findings: Findings::default(),
        digest: Sha256::new(),
        root: empty(),
        locks: Vec::new(),
        broken: Vec::new(),
        files: Vec::new(),
        directories: Vec::new(),
    };
    let mut seen = Vec::new();
    for path in paths {
        // The same PATH twice is one.
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if !seen.contains(&real) {
            seen.push(real);
            loader.path(path);
        }
    }
    loader.finish()
}

struct Loader<'a> {
    options: &'a Options,
    sources: Sources,
    /// By file: where its relative paths start.
    roots: Vec<PathBuf>,
    findings: Findings,
    digest: Sha256,
    root: Node,
    locks: Vec<LockFile>,
    broken: Vec<FileId>,
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl Loader<'_> {
    fn path(&mut self, path: &Path) {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.directory(path),
            Ok(_) if !is_configuration(path) => self.no_configuration(
                path,
                "is no configuration file",
                "give a directory with `mcpgw.toml`, or one `.toml` file that is not a `.test.toml`",
            ),
            Ok(_) => self.single(path),
            Err(error) => self.no_configuration(
                path,
                &format!("cannot be read: {}", reason(&error)),
                "give a directory with `mcpgw.toml`, or one `.toml` file",
            ),
        }
    }

    fn no_configuration(&mut self, path: &Path, what: &str, help: &str) {
        let name = shown(path);
        let file = self.add(path, path, "");
        self.findings
            .push(Finding::new(Code::NoConfiguration, Place::whole(file), format!("`{name}` {what}")).help(help));
    }

    fn single(&mut self, path: &Path) {
        let root = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        self.toml(&root, &name);
        self.directories.push(root.clone());
        let found = walk::locks(&root);
        self.lock_files(&root, &found.locks);
        self.directories.extend(found.directories);
    }

    fn directory(&mut self, root: &Path) {
        let main = Path::new("mcpgw.toml");
        let ignore = if root.join(main).exists() || root.join(main).is_symlink() {
            self.toml(root, main)
        } else {
            self.no_configuration(
                root,
                "has no `mcpgw.toml`",
                "make one, it may be empty, or name the directory that has it: `mcpgw validate PATH`",
            );
            Some(Vec::new())
        };
        let state: Vec<PathBuf> = self
            .options
            .state
            .iter()
            .filter_map(|path| std::fs::canonicalize(path).ok())
            .collect();
        let ignored = |path: &Path| {
            let text = path.to_string_lossy();
            path != main && ignore.iter().flatten().any(|pattern| pattern.is_match(&text))
        };
        let found = walk::walk(root, self.options.max_entries, ignored, &state);
        for file in &found.files {
            self.toml(root, file);
        }
        self.lock_files(root, &found.locks);
        // What a broken `mcpgw.toml` ignores is not known.
        let unread = if ignore.is_some() { found.unread.as_slice() } else { &[] };
        self.unread(root, unread);
        self.unlisted(root, &found);
        self.directories.extend(found.directories);
    }

    fn unread(&mut self, root: &Path, paths: &[PathBuf]) {
        for path in paths {
            let head = head(&root.join(path));
            let file = self.add(root, path, "");
            let help = match folder_of(&head) {
                Some(folder) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    format!(
                        "move it to `{folder}/{name}`, or write `ignore = [\"{}\"]` at the top of `mcpgw.toml`",
                        path.display()
                    )
                }
                None => format!(
                    "move it to `servers/`, `endpoints/`, `roles/`, `pii/` or `users/`, or write `ignore = [\"{}\"]` at the top of `mcpgw.toml`",
                    path.display()
                ),
            };
            let title = format!("`{}` is not read", path.display());
            self.findings
                .push(Finding::new(Code::UnreadFile, Place::whole(file), title).help(help));
        }
    }

    fn unlisted(&mut self, root: &Path, found: &Walk) {
        for (path, error) in &found.failed {
            let file = self.add(root, path, "");
            let title = format!("the directory cannot be listed: {}", reason(error));
            self.findings.push(
                Finding::new(Code::UnreadableFile, Place::whole(file), title)
                    .help("let the user that runs mcpgw read it, or `ignore` it in `mcpgw.toml`"),
            );
        }
        if found.truncated {
            let file = self.add(root, Path::new(""), "");
            let title = format!("the directory holds more than {} files", self.options.max_entries);
            self.findings.push(
                Finding::new(Code::TooManyFiles, Place::whole(file), title)
                    .help("keep the configuration in a directory of its own, or write `ignore = [\"big-folder\"]` at the top of `mcpgw.toml`"),
            );
        }
    }

    /// Reads one TOML file into the whole; returns what its `ignore` says, `None` if that cannot be known.
    fn toml(&mut self, root: &Path, below: &Path) -> Option<Vec<Pattern>> {
        let (file, bytes) = match self.read(root, below, self.options.max_file) {
            Ok(read) => read,
            Err(file) => {
                self.broken.push(file);
                return None;
            }
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = memchr::memchr_iter(b'\n', &error.as_bytes()[..at]).count() + 1;
                self.findings.push(
                    Finding::new(
                        Code::NotUtf8,
                        Place::whole(file),
                        format!("the file is not UTF-8 text: line {line}, byte {at}"),
                    )
                    .help("save the file as UTF-8"),
                );
                self.broken.push(file);
                return None;
            }
        };
        self.sources.set_text(file, text);
        let Some(mut node) = parse::parse(file, &mut self.sources, &mut self.findings) else {
            self.broken.push(file);
            return None;
        };
        secret::hide(&node, &mut self.sources);
        let ignore = take_ignore(&mut node, below == Path::new("mcpgw.toml"), &mut self.findings);
        merge::merge(&mut self.root, node, &mut self.findings);
        Some(ignore)
    }

    fn lock_files(&mut self, root: &Path, locks: &[PathBuf]) {
        for below in locks {
            if let Ok((file, bytes)) = self.read(root, below, self.options.max_lock) {
                let server = below.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                self.locks.push(LockFile { server, file, bytes });
            }
        }
    }

    /// Without the bytes where there is a finding in their place.
    fn read(&mut self, root: &Path, below: &Path, most: u64) -> Result<(FileId, Vec<u8>), FileId> {
        let path = root.join(below);
        let file = self.add(root, below, "");
        self.files.push(path.clone());
        let bytes = match read(&path, most) {
            Ok(bytes) => bytes,
            Err(error) => {
                let title = format!("the file cannot be read: {}", reason(&error));
                self.findings.push(
                    Finding::new(Code::UnreadableFile, Place::whole(file), title)
                        .help("make it a file that the user who runs mcpgw may read"),
                );
                return Err(file);
            }
        };
        if bytes.len() as u64 > most {
            let title = format!("the file is larger than {most} bytes");
            self.findings
                .push(Finding::new(Code::FileTooLarge, Place::whole(file), title).help("split it into several files"));
            return Err(file);
        }
        for part in [below.as_os_str().as_encoded_bytes(), &bytes] {
            self.digest.update((part.len() as u64).to_be_bytes());
            self.digest.update(part);
        }
        Ok((file, bytes))
    }

    fn add(&mut self, root: &Path, below: &Path, text: &str) -> FileId {
        let name = if below == root {
            shown(root)
        } else {
            shown(&root.join(below))
        };
        let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        self.roots.push(absolute);
        self.sources.add(name, text)
    }

    fn finish(mut self) -> Loaded {
        let mut reader = Reader::new(&mut self.sources, &mut self.findings, &self.roots);
        let tables = reader.root(&self.root);
        self.findings.sort(&self.sources);
        Loaded {
            tables,
            sources: self.sources,
            locks: self.locks,
            findings: self.findings,
            broken: self.broken,
            digest: hex(&self.digest.finalize()),
            files: self.files,
            directories: self.directories,
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

fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".toml") && !name.ends_with(".test.toml")
}

/// One byte more than allowed is read, to know that there is more. Pipes and devices are refused: they may never end.
fn read(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The words of the error without its number, which differs between systems.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// As given, without a leading `./`.
fn shown(path: &Path) -> String {
    let text = path.strip_prefix(".").unwrap_or(path).to_string_lossy();
    let text = text.trim_end_matches('/').to_owned();
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The first table header of a file that is not read, to say where it belongs.
fn head(path: &Path) -> String {
    let text = read(path, 64 << 10).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let header = text.lines().find_map(|line| line.trim().strip_prefix('['));
    let word = header.unwrap_or_default().trim_start_matches('[');
    word.split(['.', ']']).next().unwrap_or_default().trim().to_owned()
}

fn folder_of(table: &str) -> Option<&'static str> {
    Some(match table {
        "server" => "servers",
        "endpoint" => "endpoints",
        "role" => "roles",
        "pii" => "pii",
        "group" | "issuer" | "login" | "service" | "user" => "users",
        _ => return None,
    })
}

/// `ignore` is for finding the files, and gone before the tables are looked at.
fn take_ignore(node: &mut Node, main: bool, findings: &mut Findings) -> Vec<Pattern> {
    let Value::Table(table) = &mut node.value else {
        return Vec::new();
    };
    let Some(index) = table.entries.iter().position(|entry| entry.key == "ignore") else {
        return Vec::new();
    };
    if !main {
        let entry = table.entries.remove(index);
        findings.push(
            Finding::new(Code::MisplacedIgnore, entry.key_place, "`ignore` does not count here")
                .label("not in this file")
                .help("write it at the top of `mcpgw.toml`"),
        );
        return Vec::new();
    }
    // The entry stays, so that its shape is checked like any other.
    let Value::Array { items, .. } = &table.entries[index].node.value else {
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| match &item.value {
            // One that cannot be read gets its finding with the shape.
            Value::String(text) => Pattern::new(PatternKind::Path, text).ok(),
            _ => None,
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

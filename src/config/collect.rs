//! PATHs in, a [`Bundle`] out, with everything that kept a file out of it and what a watcher must watch.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::Options;
use super::bundle::{Bundle, BundledFile, MAIN, Root, RootKind, beside};
use super::parse;
use super::walk::{self, Walk};
use crate::diag::Code;
use crate::name::Pattern;

/// What was found at the PATHs.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    pub bundle: Bundle,
    pub(super) troubles: Vec<Trouble>,
    /// All files that were looked at, and all directories; absolute or relative as PATH was given.
    pub files: Vec<PathBuf>,
    pub directories: Vec<PathBuf>,
}

/// Why a file, or what a directory may hold, is not in the bundle: a finding about it.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) path: PathBuf,
    pub(super) code: Code,
    pub(super) title: String,
    pub(super) help: String,
    /// Tables may be missing because of it.
    pub(super) breaks: bool,
}

/// Nothing is wrong with files that are in memory already.
impl From<Bundle> for Collected {
    fn from(bundle: Bundle) -> Self {
        Self {
            bundle,
            ..Self::default()
        }
    }
}

impl Collected {
    /// Adds what was found at another PATH.
    pub fn join(&mut self, other: Self) {
        self.bundle.roots.extend(other.bundle.roots);
        self.bundle.public_files.extend(other.bundle.public_files);
        self.troubles.extend(other.troubles);
        self.files.extend(other.files);
        self.directories.extend(other.directories);
    }
}

/// Reads the files of all PATHs. The same PATH twice is one.
pub fn collect(paths: &[PathBuf], options: &Options) -> Collected {
    let mut collector = Collector::new(options);
    let mut seen = Vec::new();
    for path in paths {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if !seen.contains(&real) {
            seen.push(real);
            collector.path(path);
        }
    }
    collector.collected
}

/// Takes files of one PATH that are in memory, such as a git tree's, by their names below it, or below the directory
/// it lies in if it is a file. What a name is decides what becomes of it, as on disk; there are no links here.
pub fn collect_from(path: &Path, kind: RootKind, files: &BTreeMap<String, Bytes>, options: &Options) -> Collected {
    let mut collector = Collector::new(options);
    match kind {
        RootKind::Directory => collector.directory(path, &Origin::Memory(files)),
        RootKind::File => collector.single(path, &Origin::Memory(files)),
    }
    collector.collected
}

/// Where the files below one root are read.
enum Origin<'a> {
    Disk(PathBuf),
    Memory(&'a BTreeMap<String, Bytes>),
}

struct Collector<'a> {
    options: &'a Options,
    collected: Collected,
}

impl<'a> Collector<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            options,
            collected: Collected::default(),
        }
    }

    fn path(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.directory(path, &Origin::Disk(path.to_owned())),
            Ok(_) if walk::is_configuration(&name) => self.single(path, &Origin::Disk(beside(path))),
            Ok(_) => self.no_configuration(
                path,
                "is no configuration file",
                "give a directory with `mcpgw.toml`, or one `.toml` file that is not a `.test.toml`",
            ),
            Err(error) => self.no_configuration(
                path,
                &format!("cannot be read: {}", reason(&error)),
                "give a directory with `mcpgw.toml`, or one `.toml` file",
            ),
        }
    }

    fn no_configuration(&mut self, path: &Path, what: &str, help: &str) {
        let title = format!("`{}` {what}", shown(path));
        self.trouble(path.to_owned(), Code::NoConfiguration, title, help);
    }

    fn single(&mut self, path: &Path, origin: &Origin<'_>) {
        let root = beside(path);
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let found = origin.locks();
        let mut files: Vec<BundledFile> = self
            .read(&root, &name, self.options.max_file, origin)
            .into_iter()
            .collect();
        files.extend(self.read_all(&root, &found.locks, self.options.max_lock, origin));
        self.collected.directories.push(root.clone());
        self.collected.directories.extend(found.directories);
        self.root(path, &root, RootKind::File, files);
    }

    fn directory(&mut self, root: &Path, origin: &Origin<'_>) {
        let mut files = Vec::new();
        let ignore = if origin.has(MAIN) {
            files.extend(self.read(root, Path::new(MAIN), self.options.max_file, origin));
            files.first().and_then(|main| parse::ignored(&main.bytes))
        } else {
            self.no_configuration(
                root,
                "has no `mcpgw.toml`",
                "make one, it may be empty, or name the directory that has it: `mcpgw validate PATH`",
            );
            Some(Vec::new())
        };
        let found = origin.walk(self.options, |path| ignores(ignore.as_deref(), path));
        files.extend(self.read_all(root, &found.files, self.options.max_file, origin));
        files.extend(self.read_all(root, &found.locks, self.options.max_lock, origin));
        // What a broken `mcpgw.toml` ignores is not known.
        if ignore.is_some() {
            self.unread(root, &found.unread, origin);
        }
        self.unlisted(root, &found);
        self.collected.directories.extend(found.directories);
        self.root(root, root, RootKind::Directory, files);
    }

    fn root(&mut self, path: &Path, directory: &Path, kind: RootKind, files: Vec<BundledFile>) {
        let base = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        match Root::new(path.to_owned(), base, kind, files) {
            Ok(root) => self.collected.bundle.roots.push(root),
            Err(error) => {
                let help = "rename it, letters, digits, `-`, `_` and `.` are fine";
                self.trouble(path.to_owned(), Code::UnreadableFile, error.to_string(), help);
            }
        }
    }

    fn unread(&mut self, root: &Path, paths: &[PathBuf], origin: &Origin<'_>) {
        for path in paths {
            let shown = path.display();
            let folder = match folder_of(&origin.head(path)) {
                Some(folder) => format!("`{folder}/{}`", path.file_name().unwrap_or_default().to_string_lossy()),
                None => "`servers/`, `endpoints/`, `roles/`, `pii/` or `users/`".to_owned(),
            };
            let help = format!("move it to {folder}, or write `ignore = [\"{shown}\"]` at the top of `mcpgw.toml`");
            self.trouble(
                root.join(path),
                Code::UnreadFile,
                format!("`{shown}` is not read"),
                &help,
            );
        }
    }

    fn unlisted(&mut self, root: &Path, found: &Walk) {
        for (path, error) in &found.failed {
            let title = format!("the directory cannot be listed: {}", reason(error));
            let help = "let the user that runs mcpgw read it, or `ignore` it in `mcpgw.toml`";
            self.trouble(root.join(path), Code::UnreadableFile, title, help);
        }
        if found.truncated {
            let title = format!("the directory holds more than {} files", self.options.max_entries);
            let help = "keep the configuration in a directory of its own, or write `ignore = [\"big-folder\"]` at the top of `mcpgw.toml`";
            self.trouble(root.join(""), Code::TooManyFiles, title, help);
        }
    }

    fn read_all(&mut self, root: &Path, names: &[PathBuf], most: u64, origin: &Origin<'_>) -> Vec<BundledFile> {
        names
            .iter()
            .filter_map(|name| self.read(root, name, most, origin))
            .collect()
    }

    /// A file that is too large comes with one byte too many, which is a finding when it is read.
    fn read(&mut self, root: &Path, below: &Path, most: u64, origin: &Origin<'_>) -> Option<BundledFile> {
        self.collected.files.push(root.join(below));
        let name = below.to_string_lossy().into_owned();
        match origin.read(below, most) {
            Ok(bytes) => Some(BundledFile { name, bytes }),
            Err(error) => {
                let title = format!("the file cannot be read: {}", reason(&error));
                let help = "make it a file that the user who runs mcpgw may read";
                self.trouble(root.join(below), Code::UnreadableFile, title, help);
                None
            }
        }
    }

    fn trouble(&mut self, path: PathBuf, code: Code, title: String, help: &str) {
        self.collected.troubles.push(Trouble {
            path,
            code,
            title,
            help: help.to_owned(),
            breaks: code == Code::UnreadableFile,
        });
    }
}

impl Origin<'_> {
    fn has(&self, name: &str) -> bool {
        match self {
            // A dangling link is there, and cannot be read.
            Self::Disk(root) => root.join(name).symlink_metadata().is_ok(),
            Self::Memory(files) => files.contains_key(name),
        }
    }

    fn walk(&self, options: &Options, ignored: impl Fn(&Path) -> bool) -> Walk {
        match self {
            Self::Disk(root) => {
                let state = options.state.iter().filter_map(|path| std::fs::canonicalize(path).ok());
                walk::walk(root, options.max_entries, ignored, &state.collect::<Vec<_>>())
            }
            Self::Memory(files) => walk::sort(files.keys().map(PathBuf::from), ignored),
        }
    }

    /// Of a configuration that is one file.
    fn locks(&self) -> Walk {
        match self {
            Self::Disk(root) => walk::locks(root),
            Self::Memory(files) => {
                let locks = files.keys().filter(|name| walk::is_lock(name));
                walk::sort(locks.map(PathBuf::from), |_| false)
            }
        }
    }

    fn read(&self, below: &Path, most: u64) -> io::Result<Bytes> {
        match self {
            Self::Disk(root) => read(&root.join(below), most),
            Self::Memory(files) => files
                .get(&*below.to_string_lossy())
                .cloned()
                .ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }

    /// The first table header of a file that is not read, to say where it belongs.
    fn head(&self, below: &Path) -> String {
        let bytes = self.read(below, 64 << 10).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let header = text.lines().find_map(|line| line.trim().strip_prefix('['));
        let word = header.unwrap_or_default().trim_start_matches('[');
        word.split(['.', ']']).next().unwrap_or_default().trim().to_owned()
    }
}

pub(super) fn ignores(patterns: Option<&[Pattern]>, path: &Path) -> bool {
    let text = path.to_string_lossy();
    path != Path::new(MAIN) && patterns.into_iter().flatten().any(|pattern| pattern.is_match(&text))
}

/// One byte more than allowed is read, to know that there is more. Pipes and devices are refused: they may never end.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Bytes> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// The words of the error without its number, which differs between systems.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// As given, without a leading `./`.
pub(super) fn shown(path: &Path) -> String {
    let text = path.strip_prefix(".").unwrap_or(path).to_string_lossy();
    let text = text.trim_end_matches('/').to_owned();
    if text.is_empty() { ".".to_owned() } else { text }
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

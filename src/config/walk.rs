//! Which files belong to a configuration. Names and kinds only; nothing is read here but directories.
//!
//! Hidden names are skipped, so Kubernetes' `..data` is not descended into, while the symlinks to its files are
//! followed. A directory reached twice, by links, is visited once.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "`A.TOML` is another file, and not ours"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::bundle::{MAIN, RootKind};

/// Below the root, in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// `mcpgw.toml` is not among them.
    pub(super) files: Vec<PathBuf>,
    /// TOML files that lie where nothing is read.
    pub(super) unread: Vec<PathBuf>,
    pub(super) locks: Vec<PathBuf>,
    /// `*.test.toml`, wherever they lie.
    pub(super) tests: Vec<PathBuf>,
    /// All directories that were looked into, the root first.
    pub(super) directories: Vec<PathBuf>,
    /// What could not be listed.
    pub(super) failed: Vec<(PathBuf, std::io::Error)>,
    /// There is more than may be looked at.
    pub(super) truncated: bool,
}

const FOLDERS: [&str; 5] = ["servers", "endpoints", "roles", "pii", "users"];

/// Looks through a configuration directory; `ignored` says what of it does not count.
pub(super) fn walk(root: &Path, most: usize, ignored: impl Fn(&Path) -> bool, skip: &[PathBuf]) -> Walk {
    let mut walk = Walk::default();
    let mut seen = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    let mut entries = 0;
    while let Some(directory) = open.pop() {
        let path = root.join(&directory);
        if !fs::canonicalize(&path).is_ok_and(|real| !skip.contains(&real) && seen.insert(real)) {
            continue;
        }
        let mut names = match list(&path) {
            Ok(names) => names,
            Err(error) => {
                walk.failed.push((directory, error));
                continue;
            }
        };
        names.sort();
        walk.directories.push(path);
        for name in names {
            entries += 1;
            if entries > most {
                walk.truncated = true;
                return walk;
            }
            let below = directory.join(&name);
            if ignored(&below) {
                continue;
            }
            // Follows links: what counts is what is behind them. A dangling one named *.toml is read, and fails there.
            if fs::metadata(root.join(&below)).is_ok_and(|metadata| metadata.is_dir()) {
                open.push(below);
            } else {
                walk.sort_in(below);
            }
        }
    }
    walk.files.sort();
    walk.unread.sort();
    walk.locks.sort();
    walk.tests.sort();
    walk
}

/// Sorts names that are known already, as of a git tree; as `walk` does it.
pub(super) fn sort(names: impl IntoIterator<Item = PathBuf>, ignored: impl Fn(&Path) -> bool) -> Walk {
    let mut walk = Walk::default();
    for name in names {
        let hidden = name
            .components()
            .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
        if !hidden && !name.ancestors().any(&ignored) {
            walk.sort_in(name);
        }
    }
    walk
}

impl Walk {
    fn sort_in(&mut self, below: PathBuf) {
        match below.to_str().map(class) {
            Some(Class::Table) if below != Path::new(MAIN) => self.files.push(below),
            Some(Class::Unread) => self.unread.push(below),
            Some(Class::Lock) => self.locks.push(below),
            Some(Class::Test) => self.tests.push(below),
            Some(Class::Table | Class::Nothing) | None => {}
        }
    }
}

/// What a file in a configuration directory is, by its name below the root.
enum Class {
    Table,
    Lock,
    Test,
    /// A TOML file where nothing is read.
    Unread,
    Nothing,
}

fn class(name: &str) -> Class {
    if name == MAIN {
        return Class::Table;
    }
    if name.ends_with(".test.toml") {
        return Class::Test;
    }
    let (folder, rest) = name.split_once('/').unwrap_or(("", name));
    if name.ends_with(".toml") {
        return if FOLDERS.contains(&folder) {
            Class::Table
        } else {
            Class::Unread
        };
    }
    if name.ends_with(".json") && folder == "locked" && !rest.contains('/') {
        Class::Lock
    } else {
        Class::Nothing
    }
}

/// May a configuration of this kind read a file of this name? Then it also stays below the root.
pub(super) fn may_be_named(kind: RootKind, name: &str) -> bool {
    let is_plain = name
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']));
    let class = class(name);
    is_plain
        && match kind {
            RootKind::Directory => matches!(class, Class::Table | Class::Lock),
            RootKind::File => matches!(class, Class::Lock) || (!name.contains('/') && is_configuration(name)),
        }
}

/// Of the names that a configuration reads, those of the lock.
pub(super) fn is_lock(name: &str) -> bool {
    name.ends_with(".json")
}

/// May a file of this name be a configuration of its own?
pub(super) fn is_configuration(name: &str) -> bool {
    name.ends_with(".toml") && !name.ends_with(".test.toml")
}

/// The lock's files beside a configuration that is one file.
pub(super) fn locks(root: &Path) -> Walk {
    let mut walk = Walk::default();
    let Ok(mut names) = list(&root.join("locked")) else {
        return walk;
    };
    names.sort();
    walk.directories.push(root.join("locked"));
    walk.locks = names
        .iter()
        .filter(|name| name.ends_with(".json"))
        .map(|name| Path::new("locked").join(name))
        .collect();
    walk
}

/// The test files beside a configuration that is one file.
pub(super) fn tests(root: &Path) -> Vec<PathBuf> {
    let mut names = list(root).unwrap_or_default();
    names.retain(|name| name.ends_with(".test.toml"));
    names.sort();
    names.into_iter().map(PathBuf::from).collect()
}

/// Names that are not hidden. One that is not UTF-8 is shown as well as it can be, and then not found: a finding.
fn list(path: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

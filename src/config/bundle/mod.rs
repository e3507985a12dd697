//! A configuration as bytes in memory: what is validated, served, planned, sent to a gateway and kept in its store.
//!
//! Collected from disk or git, or read from JSON; whatever reads a configuration reads a Bundle. Names are below their
//! root, in the order in which they are read, and none leads out of it: writing a Bundle to a directory is safe.
//! It holds no secret: of what tables name, only public files travel along.

mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{collect, walk};
use crate::text::hex;

/// The name of a configuration directory's first file.
pub(super) const MAIN: &str = "mcpgw.toml";

/// Bytes of one certificate or key set.
const MAX_PUBLIC_FILE: u64 = 1 << 20;

/// The files that several PATHs are together. As JSON it has a `format-version`, 1.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "wire::Bundle", into = "wire::Bundle")]
pub struct Bundle {
    /// In the order of the PATHs.
    pub roots: Vec<Root>,
    /// Public files that tables name (`ca`, `tls.cert`, `jwks.file`), by absolute path.
    pub public_files: BTreeMap<PathBuf, Bytes>,
}

/// The files of one PATH.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Root {
    /// As given: places that people read begin with it.
    path: PathBuf,
    /// Where relative paths of the files start; absolute.
    base: PathBuf,
    kind: RootKind,
    files: Vec<BundledFile>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootKind {
    /// With `mcpgw.toml`, unless that is missing.
    Directory,
    /// One file, and the lock beside it.
    File,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundledFile {
    /// Below the root, with `/`: `servers/github.toml`, `locked/github.json`.
    pub name: String,
    pub bytes: Bytes,
}

/// Why some names and bytes are no Bundle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoBundle(String);

impl Bundle {
    /// SHA-256 over names and bytes of all files, in hex. Where the files lie does not count, nor do public files.
    pub fn digest(&self) -> String {
        digest(self.files())
    }

    /// Of the files without the lock.
    pub fn digest_of_tables(&self) -> String {
        digest(self.files().filter(|file| !file.is_lock()))
    }

    /// Of the lock alone.
    pub fn digest_of_lock(&self) -> String {
        digest(self.files().filter(|file| file.is_lock()))
    }

    /// Reads public files that tables name into the bundle, in place of those it has; says why one cannot be.
    pub fn attach(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> BTreeMap<PathBuf, String> {
        self.public_files.clear();
        let mut failed = BTreeMap::new();
        for path in paths {
            match collect::read(&path, MAX_PUBLIC_FILE) {
                Ok(bytes) if bytes.len() as u64 > MAX_PUBLIC_FILE => {
                    failed.insert(path, format!("it is larger than {MAX_PUBLIC_FILE} bytes"));
                }
                Ok(bytes) => {
                    self.public_files.insert(path, bytes);
                }
                Err(error) => {
                    failed.insert(path, error.to_string());
                }
            }
        }
        failed
    }

    /// The same files, with relative paths starting where those of `other` do, PATH by PATH: what two checkouts of one
    /// configuration say is then the same. As it is where the two have not as many PATHs.
    #[must_use]
    pub fn rebased(&self, other: &Self) -> Self {
        let mut rebased = self.clone();
        if self.roots.len() != other.roots.len() {
            return rebased;
        }
        for (root, other) in rebased.roots.iter_mut().zip(&other.roots) {
            root.base.clone_from(&other.base);
        }
        let moved = |path: &PathBuf| {
            let found = self.roots.iter().zip(&other.roots).find_map(|(root, other)| {
                let below = path.strip_prefix(&root.base).ok()?;
                Some(other.base.join(below))
            });
            found.unwrap_or_else(|| path.clone())
        };
        let public_files = self.public_files.iter();
        rebased.public_files = public_files.map(|(path, bytes)| (moved(path), bytes.clone())).collect();
        rebased
    }

    pub fn files(&self) -> impl Iterator<Item = &BundledFile> {
        self.roots.iter().flat_map(|root| &root.files)
    }

    /// The PATHs as given.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(Root::path)
    }
}

impl Root {
    /// Sorts the files into reading order: `mcpgw.toml`, then tables by name, then the lock by name.
    pub fn new(path: PathBuf, base: PathBuf, kind: RootKind, mut files: Vec<BundledFile>) -> Result<Self, NoBundle> {
        files.sort_by(|a, b| a.rank().cmp(&b.rank()));
        let wrong = |file: &BundledFile, why: &str| {
            Err(NoBundle(format!("the file `{}` {why}", crate::text::safe(&file.name))))
        };
        for (index, file) in files.iter().enumerate() {
            if !walk::may_be_named(kind, &file.name) {
                return wrong(file, "is none that a configuration reads");
            }
            if files[..index].last().is_some_and(|before| before.name == file.name) {
                return wrong(file, "is there twice");
            }
        }
        if kind == RootKind::File && files.iter().filter(|file| !file.is_lock()).count() > 1 {
            return Err(NoBundle("a configuration that is one file has several".to_owned()));
        }
        Ok(Self {
            path,
            base,
            kind,
            files,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn base(&self) -> &Path {
        &self.base
    }

    pub fn kind(&self) -> RootKind {
        self.kind
    }

    pub fn files(&self) -> &[BundledFile] {
        &self.files
    }

    /// What names are below of: PATH, or where the file PATH lies.
    pub(super) fn directory(&self) -> PathBuf {
        match self.kind {
            RootKind::Directory => self.path.clone(),
            RootKind::File => beside(&self.path),
        }
    }
}

/// The directory of a file that is a configuration.
pub(super) fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl BundledFile {
    pub fn is_lock(&self) -> bool {
        walk::is_lock(&self.name)
    }

    fn rank(&self) -> (bool, bool, &str) {
        (self.is_lock(), self.name != MAIN, &self.name)
    }
}

fn digest<'a>(files: impl Iterator<Item = &'a BundledFile>) -> String {
    let mut digest = Sha256::new();
    for file in files {
        for part in [file.name.as_bytes(), &file.bytes] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    hex(&digest.finalize())
}

impl fmt::Display for NoBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoBundle {}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &'static [u8]) -> BundledFile {
        BundledFile {
            name: name.to_owned(),
            bytes: Bytes::from_static(bytes),
        }
    }

    fn root(kind: RootKind, names: &[&str]) -> Result<Root, NoBundle> {
        let files = names.iter().map(|name| file(name, b"")).collect();
        Root::new("gateway".into(), "/srv/gateway".into(), kind, files)
    }

    #[test]
    fn files_stand_in_reading_order() {
        let root = root(
            RootKind::Directory,
            &["locked/a.json", "servers/b.toml", "mcpgw.toml", "endpoints/z.toml"],
        );
        let root = root.unwrap();
        let names: Vec<&str> = root.files().iter().map(|file| file.name.as_str()).collect();
        assert_eq!(
            names,
            ["mcpgw.toml", "endpoints/z.toml", "servers/b.toml", "locked/a.json"]
        );
    }

    #[test]
    fn no_name_leads_elsewhere() {
        for name in [
            "",
            "/etc/mcpgw.toml",
            "../mcpgw.toml",
            "servers/../../a.toml",
            "servers//a.toml",
            "servers/./a.toml",
            "servers/.hidden.toml",
            "servers/a.test.toml",
            "servers/a\\b\0.toml",
            "other/a.toml",
            "a.toml",
            "locked/deep/a.json",
            "locked/a.toml",
            "servers/a.json",
            "mcpgw.toml/",
        ] {
            assert!(root(RootKind::Directory, &[name]).is_err(), "{name}");
        }
        for name in [
            "servers/a.toml",
            "../one.toml",
            "one.test.toml",
            "one.json",
            ".one.toml",
        ] {
            assert!(root(RootKind::File, &[name]).is_err(), "{name}");
        }
        assert!(root(RootKind::File, &["one.toml", "locked/a.json"]).is_ok());
        assert!(root(RootKind::File, &["one.toml", "two.toml"]).is_err());
        assert!(root(RootKind::Directory, &["mcpgw.toml", "mcpgw.toml"]).is_err());
    }

    #[test]
    fn it_comes_back_from_json_as_it_was() {
        let files = vec![file("mcpgw.toml", b"# \xff"), file("servers/a.toml", "ä".as_bytes())];
        let bundle = Bundle {
            roots: vec![Root::new("g".into(), "/srv/g".into(), RootKind::Directory, files).unwrap()],
            public_files: BTreeMap::from([("/srv/g/ca.pem".into(), Bytes::from_static(b"PEM"))]),
        };
        let json = serde_json::to_value(&bundle).unwrap();
        assert_eq!(json["format-version"], 1);
        assert_eq!(json["roots"][0]["files"][0]["base64"], "IyD/");
        assert_eq!(json["roots"][0]["files"][1]["text"], "ä");
        assert_eq!(serde_json::from_value::<Bundle>(json.clone()).unwrap(), bundle);

        let mut newer = json.clone();
        newer["format-version"] = 2.into();
        assert!(serde_json::from_value::<Bundle>(newer).is_err());
        let mut stray = json;
        stray["roots"][0]["files"][1]["name"] = "../a.toml".into();
        let error = serde_json::from_value::<Bundle>(stray).unwrap_err();
        assert!(error.to_string().contains("`../a.toml`"), "{error}");
    }
}

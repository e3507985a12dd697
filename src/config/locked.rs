//! Where the lock of a server stands, or would stand, and how it is written: whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::bundle::{Root, beside};
use super::collect::shown;
use super::{Bundle, BundledFile};

/// `locked/SERVER.json` of one server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LockPlace {
    /// Absolute.
    pub path: PathBuf,
    /// As people know it: below PATH as given.
    pub shown: String,
    /// What it holds; `None` where there is no file.
    pub bytes: Option<Bytes>,
}

impl Bundle {
    /// The lock of a server: the file that is there, else the one that belongs beside `origin`, the file (as places
    /// name it) in which the server's table stands.
    pub fn lock_place(&self, server: &str, origin: &str) -> Option<LockPlace> {
        let name = format!("locked/{server}.json");
        let place = |root: &Root, bytes| LockPlace {
            path: root.base().join(&name),
            shown: shown(&root.directory().join(&name)),
            bytes,
        };
        let of = |root: &Root| {
            let file = root.files().iter().find(|file| file.name == name);
            file.map(|file| place(root, Some(file.bytes.clone())))
        };
        if let Some(found) = self.roots.iter().find_map(of) {
            return Some(found);
        }
        let holds = |root: &&Root| {
            let is_origin = |file: &BundledFile| shown(&root.directory().join(&file.name)) == origin;
            root.files().iter().any(is_origin)
        };
        let root = self.roots.iter().find(holds).or(self.roots.last());
        root.map(|root| place(root, None))
    }

    /// Locks of servers that are not `known`, as people know them.
    pub fn stray_locks(&self, known: impl Fn(&str) -> bool) -> Vec<String> {
        let strays = self.roots.iter().flat_map(|root| {
            let of_nobody = |file: &&BundledFile| {
                let stem = file
                    .name
                    .strip_prefix("locked/")
                    .and_then(|name| name.strip_suffix(".json"));
                stem.is_some_and(|server| !known(server))
            };
            let files = root.files().iter().filter(of_nobody);
            files.map(|file| shown(&root.directory().join(&file.name)))
        });
        strays.collect()
    }
}

/// Writes a file so that after a crash at any moment it is the old one or the new one. What a link points to is written,
/// not the link. The directory is made where it is not there.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(name) = path.file_name() else {
        return Err(io::Error::other("it is no file"));
    };
    let directory = beside(&path);
    fs::create_dir_all(&directory)?;
    // Hidden, so that no configuration reads it; of this process, so that two do not write into one.
    let new = directory.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(&directory)?.sync_all()
    })();
    if written.is_err() {
        // It may not have come into being.
        let _absent = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Options, collect};

    fn home(files: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for file in files {
            write_whole(&home.path().join(file), "").unwrap();
        }
        home
    }

    #[test]
    fn a_lock_stands_beside_its_server_unless_there_is_one() {
        let (base, prod) = (
            home(&["mcpgw.toml", "locked/a.json"]),
            home(&["mcpgw.toml", "servers/b.toml"]),
        );
        let paths = [base.path().to_owned(), prod.path().to_owned()];
        let bundle = collect(&paths, &Options::default()).bundle;
        let origin = shown(&prod.path().join("servers/b.toml"));
        let path = |server: &str| bundle.lock_place(server, &origin).unwrap();
        assert_eq!(path("a").path, base.path().join("locked/a.json"));
        assert_eq!(path("a").bytes, Some(Bytes::new()));
        assert_eq!(path("b").path, prod.path().join("locked/b.json"));
        assert_eq!(path("b").bytes, None);
        assert_eq!(bundle.stray_locks(|server| server == "a"), [""; 0]);
        assert_eq!(
            bundle.stray_locks(|_| false),
            [shown(&base.path().join("locked/a.json"))]
        );
    }

    #[test]
    fn what_is_written_replaces_the_old_file_and_leaves_nothing_else() {
        let home = home(&["locked/a.json"]);
        let path = home.path().join("locked/a.json");
        let link = home.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write_whole(&link, "{}\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let names: Vec<_> = fs::read_dir(home.path().join("locked")).unwrap().collect();
        assert_eq!(names.len(), 1);
        let under_a_file = path.join("below.json");
        assert!(write_whole(&under_a_file, "").is_err());
    }
}

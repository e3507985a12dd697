//! Sealed records as files under the state directory, one each, written aside and renamed.
//!
//! One gateway holds the state directory, so a lock in this process orders its changes. What was being written when
//! the process was killed lies aside and is removed at the next start.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use crate::store::shelf::{Named, Shelf};
use crate::store::vault::MAX_SEALED;
use crate::store::{StoreError, cannot, durable};

/// Below the state directory.
const RECORDS: &str = "records";
/// Of a file that is not whole yet; never a name.
const ASIDE: &str = ".new";

#[derive(Clone, Debug)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// How many files a folder has, once it was counted. Held while a file is changed.
    counts: Mutex<HashMap<&'static str, usize>>,
}

impl Folder {
    /// Of this state directory. Nothing is made before the first record.
    pub fn of(state: &Path) -> Self {
        Self(Arc::new(Inner {
            root: state.join(RECORDS),
            counts: Mutex::default(),
        }))
    }

    fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let inner = Arc::clone(&self.0);
        Box::pin(durable::blocking(move || work(&inner)))
    }
}

impl Shelf for Folder {
    fn find(&self, folder: &'static str, name: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let name = name.to_owned();
        self.aside(move |inner| read(&inner.path(folder, &name)))
    }

    fn list(&self, folder: &'static str) -> BoxFuture<'_, Result<Vec<Named>, StoreError>> {
        self.aside(move |inner| {
            let mut found = Vec::new();
            for name in inner.names(folder)? {
                // It may have gone since the directory was read.
                if let Some(bytes) = read(&inner.path(folder, &name))? {
                    found.push((name, bytes));
                }
            }
            Ok(found)
        })
    }

    fn swap(
        &self,
        folder: &'static str,
        name: &str,
        old: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        limit: usize,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let name = name.to_owned();
        self.aside(move |inner| inner.swap(folder, &name, old.as_deref(), new.as_deref(), limit))
    }
}

impl Inner {
    fn swap(
        &self,
        folder: &'static str,
        name: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        limit: usize,
    ) -> Result<bool, StoreError> {
        let mut counts = self.lock();
        let path = self.path(folder, name);
        if read(&path)?.as_deref() != old {
            return Ok(false);
        }
        let mut count = match counts.get(folder) {
            Some(count) => *count,
            None => self.begin(folder)?,
        };
        if old.is_none() && new.is_some() && count >= limit {
            return Err(StoreError::full(folder, limit));
        }
        match new {
            Some(bytes) => durable::write(&path, ASIDE, &[bytes]).map_err(|error| cannot("write", &path, &error))?,
            None if old.is_some() => durable::remove(&path).map_err(|error| cannot("remove", &path, &error))?,
            None => {}
        }
        count = count + usize::from(new.is_some()) - usize::from(old.is_some());
        counts.insert(folder, count);
        Ok(true)
    }

    /// Makes the folder, removes what a killed process left aside, and counts the rest.
    fn begin(&self, folder: &'static str) -> Result<usize, StoreError> {
        let path = self.root.join(folder);
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(&path)
            .and_then(|()| durable::sync(&path))
            .and_then(|()| durable::sync(&self.root))
            .map_err(|error| cannot("make", &path, &error))?;
        if let Some(state) = self.root.parent() {
            durable::sync(state).map_err(|error| cannot("make", &path, &error))?;
        }
        let left = path.join(ASIDE);
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot("remove", &left, &error)),
            _ => {}
        }
        Ok(self.names(folder)?.len())
    }

    fn names(&self, folder: &'static str) -> Result<Vec<String>, StoreError> {
        let path = self.root.join(folder);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| cannot("read", &path, &error))?.file_name();
            let name = name.to_str().filter(|name| !name.starts_with('.'));
            names.extend(name.map(str::to_owned));
        }
        Ok(names)
    }

    fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.root.join(folder).join(name)
    }

    /// Counts are written whole, after the file: a poisoned lock guards nothing broken.
    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_SEALED as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot("read", path, &error))?;
    Ok(Some(bytes))
}

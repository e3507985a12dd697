//! Generations as files, one each: a line of [`Head`], a line of files. Named by number, written aside and renamed.
//!
//! A gateway alone appends, since it holds the state directory; anybody who may read it can read along.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::store::{Generations, Head, KEPT, Kept, New, StoreError, cannot, durable};

/// Below the state directory.
const FOLDER: &str = "generations";
const EXTENSION: &str = "jsonl";
/// Bytes of one head: names have bounds.
const MAX_HEAD: u64 = 64 << 10;
/// Bytes of one generation.
const MAX: u64 = 256 << 20;

#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// Of this state directory, which may have none yet. Changes nothing.
    pub fn of(state: &Path) -> Self {
        Self {
            folder: state.join(FOLDER),
        }
    }

    /// All that are kept, oldest first.
    pub fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let numbers = self.numbers()?;
        numbers
            .into_iter()
            .filter_map(|number| self.head(number).transpose())
            .collect()
    }

    /// `None`: it is not kept.
    pub fn kept(&self, generation: u64) -> Result<Option<Kept>, StoreError> {
        let path = self.path(generation);
        let Some(mut lines) = open(&path)? else { return Ok(None) };
        let head = read_head(&path, generation, &mut lines)?;
        let mut text = String::new();
        lines
            .take(MAX)
            .read_to_string(&mut text)
            .map_err(|error| cannot("read", &path, &error))?;
        let files = text
            .strip_suffix('\n')
            .and_then(|text| RawValue::from_string(text.to_owned()).ok())
            .ok_or_else(|| damaged(&path))?;
        Ok(Some(Kept { head, files }))
    }

    /// The newest one.
    pub fn latest(&self) -> Result<Option<Kept>, StoreError> {
        match self.numbers()?.last() {
            Some(&newest) => self.kept(newest),
            None => Ok(None),
        }
    }

    /// Durable when it returns: the bytes, then the name, then the directory.
    fn add(&self, after: u64, new: New) -> Result<Head, StoreError> {
        let folder = &self.folder;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| cannot("make", folder, &error))?;
        let numbers = self.numbers()?;
        let newest = numbers.last().copied().unwrap_or(0);
        if newest > after {
            return Err(StoreError(format!(
                "the store has moved to generation {newest}, and this one would follow generation {after}"
            )));
        }
        let head = Head {
            generation: after + 1,
            digest: new.digest,
            at: Timestamp::now().to_string(),
            by: new.by,
            how: new.how,
        };
        let line = serde_json::to_string(&head).map_err(|error| StoreError(error.to_string()))?;
        let path = self.path(head.generation);
        let parts = [line.as_bytes(), b"\n", new.files.get().as_bytes(), b"\n"];
        durable::write(&path, ".new", &parts).map_err(|error| cannot("write", &path, &error))?;
        let over = (numbers.len() + 1).saturating_sub(KEPT);
        for old in &numbers[..over] {
            if let Err(error) = fs::remove_file(self.path(*old)) {
                tracing::warn!(generation = old, %error, "an old generation cannot be removed");
            }
        }
        Ok(head)
    }

    fn head(&self, number: u64) -> Result<Option<Head>, StoreError> {
        let path = self.path(number);
        // It may have gone since the directory was read.
        let Some(mut lines) = open(&path)? else { return Ok(None) };
        read_head(&path, number, &mut lines).map(Some)
    }

    /// In order.
    fn numbers(&self) -> Result<Vec<u64>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cannot("read", &self.folder, &error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| cannot("read", &self.folder, &error))?.file_name();
            let number = Path::new(&name)
                .extension()
                .filter(|extension| *extension == EXTENSION)
                .and_then(|_| Path::new(&name).file_stem()?.to_str()?.parse::<u64>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number}.{EXTENSION}"))
    }
}

impl Generations for Files {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Head>, StoreError>> {
        aside(self, Files::heads)
    }

    fn find(&self, generation: u64) -> BoxFuture<'_, Result<Option<Kept>, StoreError>> {
        aside(self, move |files| files.kept(generation))
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<Kept>, StoreError>> {
        aside(self, Files::latest)
    }

    fn append(&self, after: u64, new: New) -> BoxFuture<'_, Result<Head, StoreError>> {
        aside(self, move |files| files.add(after, new))
    }
}

fn aside<T: Send + 'static>(
    files: &Files,
    work: impl FnOnce(&Files) -> Result<T, StoreError> + Send + 'static,
) -> BoxFuture<'static, Result<T, StoreError>> {
    let files = files.clone();
    Box::pin(durable::blocking(move || work(&files)))
}

fn open(path: &Path) -> Result<Option<BufReader<File>>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

fn read_head(path: &Path, number: u64, lines: &mut BufReader<File>) -> Result<Head, StoreError> {
    let mut line = String::new();
    lines
        .by_ref()
        .take(MAX_HEAD)
        .read_line(&mut line)
        .map_err(|error| cannot("read", path, &error))?;
    serde_json::from_str(&line)
        .ok()
        .filter(|head: &Head| head.generation == number)
        .ok_or_else(|| damaged(path))
}

fn damaged(path: &Path) -> StoreError {
    StoreError(format!(
        "{} is damaged: it is no generation as the gateway writes them",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::replicas::tests::new;

    #[test]
    fn half_a_generation_is_none_and_a_damaged_one_is_told() {
        let home = tempfile::tempdir().unwrap();
        let store = Files::of(home.path());
        store.add(0, new("a")).unwrap();
        fs::write(home.path().join("generations/.new"), "{\"genera").unwrap();
        assert_eq!(store.latest().unwrap().unwrap().head.generation, 1);
        let path = home.path().join("generations/1.jsonl");
        let whole = fs::read_to_string(&path).unwrap();
        for length in [0, 10, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let error = store.latest().unwrap_err().to_string();
            assert!(error.contains("1.jsonl is damaged"), "{error}");
        }
    }

    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        Files::of(home.path()).add(0, new("a")).unwrap();
        for (below, mode) in [("generations", 0o700), ("generations/1.jsonl", 0o600)] {
            let found = fs::metadata(home.path().join(below)).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{below}");
        }
    }
}

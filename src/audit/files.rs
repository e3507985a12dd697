//! The files of a log: the one that is written to, and those that were put aside, which carry the number of their last line.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Digits of the number, so that names sort as the files do.
const DIGITS: usize = 12;

/// `audit.jsonl` is put aside as `audit.jsonl.000000004711`.
pub(super) fn aside(file: &Path, last: u64) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(format!(".{last:0DIGITS$}"));
    PathBuf::from(name)
}

/// What takes the file's place.
pub(super) fn next(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".next");
    PathBuf::from(name)
}

/// What was put aside, oldest first, with the number of each one's last line.
pub(super) fn put_aside(file: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|other| other.as_encoded_bytes().strip_prefix(name.as_encoded_bytes()))
            .and_then(|rest| std::str::from_utf8(rest.strip_prefix(b".")?).ok())
            .filter(|digits| digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok());
        found.extend(number.map(|number| (number, path)));
    }
    found.sort();
    Ok(found)
}

/// All files that are there, oldest first, the one that is written to last.
pub(super) fn all(file: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = put_aside(file)?.into_iter().map(|(_, path)| path).collect();
    if file.try_exists()? {
        files.push(file.to_owned());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_the_order_of_their_lines() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("audit.jsonl");
        let names = [
            aside(&file, 1_000_000_000_000),
            aside(&file, 9),
            aside(&file, 10),
            file.clone(),
        ];
        for path in names
            .iter()
            .chain(&[home.path().join("audit.jsonl.9"), home.path().join("audit.jsonl.old")])
        {
            fs::write(path, "").unwrap();
        }
        assert_eq!(
            all(&file).unwrap(),
            [&names[1], &names[2], &names[0], &names[3]].map(Clone::clone)
        );
    }
}

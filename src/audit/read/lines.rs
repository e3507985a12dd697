//! The lines of all files of a log, in order, and those that are still to come.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::files;

/// Longer ones are no lines of a log, in bytes.
const MAX_LINE: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Lines {
    log: PathBuf,
    files: VecDeque<PathBuf>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    path: Arc<Path>,
    reader: BufReader<File>,
    /// Lines that were read.
    count: u64,
    /// The piece of a line whose end has not been written yet.
    piece: Vec<u8>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) file: Arc<Path>,
    /// From 1.
    pub(super) number: u64,
}

#[derive(Debug)]
pub(super) struct RawLine {
    pub(super) place: Place,
    /// Without its line break.
    pub(super) bytes: Vec<u8>,
    /// Has it a line break?
    pub(super) is_ended: bool,
}

impl Lines {
    /// All files that are there now.
    pub(super) fn open(log: &Path) -> io::Result<Self> {
        Ok(Self {
            log: log.to_owned(),
            files: files::all(log)?.into(),
            current: None,
        })
    }

    /// `None` at the end of the last file. A piece of a line there comes as a line that is not ended.
    pub(super) fn next(&mut self) -> io::Result<Option<RawLine>> {
        loop {
            let Some(current) = &mut self.current else {
                let Some(path) = self.files.pop_front() else {
                    return Ok(None);
                };
                self.current = Some(Current::open(&path)?);
                continue;
            };
            match current.next()? {
                Some(line) => return Ok(Some(line)),
                None if current.piece.is_empty() => self.current = None,
                None => {
                    let line = current.give(false);
                    self.current = None;
                    return Ok(Some(line));
                }
            }
        }
    }

    /// Like [`Lines::next`], but `None` means: nothing more for now. Follows the log into the files that come.
    pub(super) fn next_so_far(&mut self) -> io::Result<Option<RawLine>> {
        loop {
            let Some(current) = &mut self.current else {
                let Some(path) = self.files.pop_front() else {
                    if !self.log.try_exists()? {
                        return Ok(None);
                    }
                    self.files.push_back(self.log.clone());
                    continue;
                };
                self.current = Some(Current::open(&path)?);
                continue;
            };
            // Asked first: what was put aside before the read came back empty has no more lines.
            let is_over = !self.files.is_empty() || current.was_put_aside(&self.log)?;
            if let Some(line) = current.next()? {
                return Ok(Some(line));
            }
            if !is_over {
                return Ok(None);
            }
            if self.files.is_empty() {
                self.files = current.later(&self.log)?;
            }
            self.current = None;
        }
    }
}

impl Current {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        Ok(Self {
            path: path.into(),
            reader: BufReader::with_capacity(256 << 10, file),
            count: 0,
            piece: Vec::new(),
        })
    }

    fn next(&mut self) -> io::Result<Option<RawLine>> {
        let room = MAX_LINE.saturating_sub(self.piece.len() as u64);
        (&mut self.reader).take(room).read_until(b'\n', &mut self.piece)?;
        if self.piece.last() == Some(&b'\n') {
            self.piece.pop();
            return Ok(Some(self.give(true)));
        }
        Ok((self.piece.len() as u64 >= MAX_LINE).then(|| self.give(false)))
    }

    fn give(&mut self, is_ended: bool) -> RawLine {
        self.count += 1;
        RawLine {
            place: Place {
                file: Arc::clone(&self.path),
                number: self.count,
            },
            bytes: std::mem::take(&mut self.piece),
            is_ended,
        }
    }

    fn id(&self) -> io::Result<(u64, u64)> {
        let own = self.reader.get_ref().metadata()?;
        Ok((own.dev(), own.ino()))
    }

    fn was_put_aside(&self, log: &Path) -> io::Result<bool> {
        let own = self.id()?;
        Ok(fs::metadata(log).is_ok_and(|there| (there.dev(), there.ino()) != own))
    }

    /// The files after this one, which may bear another name by now.
    fn later(&self, log: &Path) -> io::Result<VecDeque<PathBuf>> {
        let own = self.id()?;
        let mut all: VecDeque<PathBuf> = files::all(log)?.into();
        let is_own = |path: &PathBuf| fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == own);
        if let Some(at) = all.iter().position(is_own) {
            all.drain(..=at);
        }
        Ok(all)
    }
}

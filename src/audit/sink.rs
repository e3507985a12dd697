//! What lines are written to: a file, which is put aside when it is full, or stdout.
//!
//! Either all lines of a batch stand there, or none: what a failed `write` has left is cut off before the next one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::chain::{Chain, text};
use super::files;
use super::head::{self, Head};
use super::line::Line;
use super::read::Members;
use super::tail::{self, Torn};
use super::{Settings, Target};

pub(super) struct Sink {
    out: Out,
    chain: Chain,
    /// Lines on their way, and the end of the chain with them.
    batch: Vec<u8>,
    next: Chain,
    rotate: u64,
    retain: Duration,
    state: PathBuf,
    /// Written since the last `fsync`.
    dirty: bool,
}

enum Out {
    File {
        file: File,
        path: PathBuf,
        /// Of its whole lines, in bytes.
        length: u64,
        /// More than them may stand there.
        torn: bool,
    },
    Stdout,
}

/// What the log was like when it was opened.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) torn: Option<Torn>,
    /// Lines up to this one have been there, and are not.
    pub(super) missing: Option<u64>,
}

/// A file that was put aside, and may not be on the disk yet.
pub(super) struct Aside(File);

/// What makes what was written survive a lost power line.
pub(super) struct Sync {
    file: File,
    state: PathBuf,
    head: Head,
}

impl Sink {
    /// `None`: nothing is to be recorded.
    pub(super) fn open(settings: &Settings, state: &Path) -> io::Result<Option<(Self, Found)>> {
        let (out, chain, found) = match &settings.target {
            Target::None => {
                keep_place(state, "")?;
                return Ok(None);
            }
            Target::Stdout => {
                keep_place(state, "-")?;
                (Out::Stdout, Chain::START, Found::default())
            }
            Target::File(path) => open(path, state)?,
        };
        let sink = Self {
            out,
            next: chain.clone(),
            chain,
            batch: Vec::new(),
            rotate: settings.rotate,
            retain: settings.retain,
            state: state.to_owned(),
            dirty: false,
        };
        Ok(Some((sink, found)))
    }

    pub(super) fn limit(&mut self, rotate: u64, retain: Duration) {
        (self.rotate, self.retain) = (rotate, retain);
    }

    /// Adds a line to the batch.
    pub(super) fn push(&mut self, line: &Line) {
        self.next.seal(line, &mut self.batch);
    }

    /// In bytes, of the batch.
    pub(super) fn waiting(&self) -> usize {
        self.batch.len()
    }

    /// Writes the batch with one `write`, as a rule. When it fails, nothing of the batch was written.
    pub(super) fn write(&mut self) -> io::Result<()> {
        let written = self.out.write(&self.batch);
        if written.is_ok() {
            self.chain.clone_from(&self.next);
            self.dirty = true;
        } else {
            self.next.clone_from(&self.chain);
        }
        self.batch.clear();
        self.batch.shrink_to(1 << 20);
        written
    }

    pub(super) fn is_full(&self) -> bool {
        matches!(&self.out, Out::File { length, .. } if *length >= self.rotate)
    }

    /// Can a write wait for whoever reads it?
    pub(super) fn is_pipe(&self) -> bool {
        matches!(self.out, Out::Stdout)
    }

    /// Puts the file aside and goes on in a new one. When it fails, the old one goes on.
    pub(super) fn rotate(&mut self) -> io::Result<Option<Aside>> {
        let Out::File { file, path, length, .. } = &mut self.out else {
            return Ok(None);
        };
        let fresh = files::next(path);
        let next = options().open(&fresh)?;
        lock(&next, path)?;
        next.set_len(0)?;
        fs::rename(&*path, files::aside(path, self.chain.seq))?;
        fs::rename(&fresh, &*path)?;
        *length = 0;
        Ok(Some(Aside(std::mem::replace(file, next))))
    }

    /// The file, and how long what was put aside stays; `None`: it is no file.
    pub(super) fn place(&self) -> Option<(PathBuf, Duration)> {
        match &self.out {
            Out::File { path, .. } => Some((path.clone(), self.retain)),
            Out::Stdout => None,
        }
    }

    /// `None`: all is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<Option<Sync>> {
        let Out::File { file, path, .. } = &self.out else {
            return Ok(None);
        };
        if !std::mem::take(&mut self.dirty) {
            return Ok(None);
        }
        Ok(Some(Sync {
            file: file.try_clone()?,
            state: self.state.clone(),
            head: Head {
                file: path.clone(),
                seq: self.chain.seq,
                hash: text(&self.chain.hash),
            },
        }))
    }

    /// Somebody has moved or deleted the file: a new one takes its place, and the chain goes on in it. Returns where.
    pub(super) fn reopen_if_gone(&mut self) -> io::Result<Option<PathBuf>> {
        let Out::File {
            file,
            path,
            length,
            torn,
        } = &mut self.out
        else {
            return Ok(None);
        };
        let own = file.metadata()?;
        if fs::metadata(&*path).is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
            return Ok(None);
        }
        let fresh = options().create_new(true).open(&*path)?;
        lock(&fresh, path)?;
        (*file, *length, *torn) = (fresh, 0, false);
        Ok(Some(path.clone()))
    }
}

/// Files put aside whose last line is older than `retain`, oldest first, each with the number of that line.
pub(super) fn expired(log: &Path, retain: Duration, now: Timestamp) -> Vec<(u64, PathBuf)> {
    let old = |file: &Path| {
        let age = last_time(file).and_then(|time| Duration::try_from(now.duration_since(time)).ok());
        age.is_some_and(|age| age > retain)
    };
    let files = files::put_aside(log).unwrap_or_default();
    // In their order: a chain with a hole in the middle would be broken.
    files.into_iter().take_while(|(_, file)| old(file)).collect()
}

impl Aside {
    /// Blocks until the disk has all of it.
    pub(super) fn sync(self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Sync {
    /// Blocks until the disk has it.
    pub(super) fn run(self) -> io::Result<()> {
        self.file.sync_data()?;
        head::keep(&self.state, &self.head)
    }
}

impl Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Self::File { file, length, torn, .. } => {
                if std::mem::replace(torn, true) {
                    file.set_len(*length)?;
                }
                file.write_all(bytes)?;
                *length += bytes.len() as u64;
                *torn = false;
                Ok(())
            }
        }
    }
}

fn open(path: &Path, state: &Path) -> io::Result<(Out, Chain, Found)> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut file = options().read(true).open(path)?;
    lock(&file, path)?;
    let tail = tail::read(&mut file)?;
    let known = head::head(state)?.filter(|head| head.file == path);
    let chain = match tail.chain {
        Some(chain) => chain,
        None => before(path)?,
    };
    let mut length = tail.length;
    if tail.torn.as_ref().is_some_and(|torn| !torn.is_ended) {
        file.write_all(b"\n")?;
        length += 1;
    }
    let found = Found {
        torn: tail.torn,
        missing: known.map(|head| head.seq).filter(|seq| *seq > chain.seq),
    };
    let out = Out::File {
        file,
        path: path.to_owned(),
        length,
        torn: false,
    };
    Ok((out, chain, found))
}

/// The end of the newest file that was put aside: the process ended before there was a new one.
fn before(path: &Path) -> io::Result<Chain> {
    match files::put_aside(path)?.pop() {
        None => Ok(Chain::START),
        Some((_, newest)) => Ok(tail::read(&mut File::open(newest)?)?.chain.unwrap_or(Chain::START)),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options
}

/// Two gateways that write one file would break its chain.
fn lock(file: &File, path: &Path) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::Error(error) => error,
        TryLockError::WouldBlock => io::Error::other(format!("another gateway writes {}", path.display())),
    })
}

fn keep_place(state: &Path, place: &str) -> io::Result<()> {
    let head = Head {
        file: PathBuf::from(place),
        seq: 0,
        hash: text(&Chain::START.hash),
    };
    head::keep(state, &head)
}

/// Of the last line, as it says itself: what copies files changes their times.
fn last_time(file: &Path) -> Option<Timestamp> {
    let mut file = File::open(file).ok()?;
    let line = tail::last_line(&mut file).ok()??;
    Members::read(&line)?.text("time")?.parse().ok()
}

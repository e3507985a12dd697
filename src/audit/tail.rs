//! Where a log that is there already ends, and what of it is torn.
//!
//! A process that is killed in the middle of a `write` leaves a piece of a line. It stays where it is; the first line of
//! the next start says how long it is and what its digest is.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use super::chain::{Chain, Link, hash, text};

/// More than any batch of lines, in bytes: what is torn is no longer than one.
const MAX_TORN: u64 = 16 << 20;

#[derive(Debug, Eq, PartialEq)]
pub(super) struct Tail {
    /// `None`: the file has no whole line.
    pub(super) chain: Option<Chain>,
    pub(super) torn: Option<Torn>,
    /// In bytes.
    pub(super) length: u64,
}

/// Bytes after the last whole line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Torn {
    /// Without a line break at the end.
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) is_ended: bool,
}

pub(super) fn read(file: &mut File) -> io::Result<Tail> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(MAX_TORN);
    let bytes = end(file, start)?;
    let (chain, rest) = match last(&bytes) {
        Some((chain, line)) => (Some(chain), &bytes[line.end + 1..]),
        None if start == 0 => (None, &bytes[..]),
        None => {
            return Err(io::Error::other(format!(
                "its last {MAX_TORN} bytes hold no line of an audit log: move it away"
            )));
        }
    };
    Ok(Tail {
        chain,
        torn: (!rest.is_empty()).then(|| Torn::of(rest)),
        length,
    })
}

/// The last line that holds, without its line break.
pub(super) fn last_line(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let bytes = end(file, file.metadata()?.len().saturating_sub(MAX_TORN))?;
    Ok(last(&bytes).map(|(_, line)| bytes[line].to_vec()))
}

fn end(file: &mut File, start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(MAX_TORN).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last line that holds, and where it stands, without its line break.
fn last(bytes: &[u8]) -> Option<(Chain, Range<usize>)> {
    let mut end = bytes.len();
    while let Some(line_end) = memchr::memrchr(b'\n', &bytes[..end]) {
        let start = memchr::memrchr(b'\n', &bytes[..line_end]).map_or(0, |before| before + 1);
        if let Some(link) = Link::read(&bytes[start..line_end]).filter(|link| link.holds) {
            return Some((link.chain(), start..line_end));
        }
        end = line_end;
    }
    None
}

impl Torn {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let piece = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Self {
            bytes: piece.len() as u64,
            sha256: text(&hash(piece)),
            is_ended: piece.len() < bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::audit::line::Line;

    fn tail(bytes: &[u8]) -> Tail {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        read(&mut file).unwrap()
    }

    #[test]
    fn the_end_is_found_wherever_the_last_line_is_torn() {
        let (mut chain, mut log) = (Chain::START, Vec::new());
        chain.seal(&Line::new("start", jiff::Timestamp::UNIX_EPOCH), &mut log);
        let (first, end) = (chain.clone(), log.len());
        chain.seal(&Line::new("call", jiff::Timestamp::UNIX_EPOCH), &mut log);
        for cut in end..log.len() {
            let tail = tail(&log[..cut]);
            assert_eq!(tail.chain.as_ref(), Some(&first), "{cut}");
            assert_eq!(tail.torn.map_or(0, |torn| torn.bytes), (cut - end) as u64);
        }
        assert_eq!(tail(&log).chain, Some(chain));
        assert_eq!(tail(b"").chain, None);
        assert!(
            tail(b"no log\n")
                .torn
                .is_some_and(|torn| torn.is_ended && torn.bytes == 6)
        );
    }
}

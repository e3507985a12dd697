//! The chain: each line carries its number, the hash of the line before, and its own, of all that stands before it.
//!
//! `{"seq":N,"prev":"HASH",…,"hash":"HASH"}`, where the hash is the SHA-256 of the line up to `,"hash"`, in hexadecimal
//! digits. The first line of a log has number 1 and 64 zeros for what was before.

use sha2::{Digest as _, Sha256};

use super::line::{Line, put_number};

/// In hexadecimal digits.
pub(super) const HASH: usize = 64;
/// `,"hash":"` and what follows.
const TAIL: usize = 9 + HASH + 2;

/// The end of a chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Chain {
    /// Of the last line; 0 before the first.
    pub(super) seq: u64,
    pub(super) hash: [u8; HASH],
}

/// What chains a line that was read, and whether it is as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) prev: [u8; HASH],
    pub(super) hash: [u8; HASH],
    /// Is `hash` the one of the line?
    pub(super) holds: bool,
}

impl Chain {
    pub(super) const START: Self = Self {
        seq: 0,
        hash: [b'0'; HASH],
    };

    /// Puts the next line at the end of `out`, with its line break.
    pub(super) fn seal(&mut self, line: &Line, out: &mut Vec<u8>) {
        let start = out.len();
        self.seq += 1;
        out.extend_from_slice(b"{\"seq\":");
        put_number(out, self.seq);
        out.extend_from_slice(b",\"prev\":\"");
        out.extend_from_slice(&self.hash);
        out.extend_from_slice(b"\",");
        out.extend_from_slice(line.members());
        self.hash = hash(&out[start..]);
        out.extend_from_slice(b",\"hash\":\"");
        out.extend_from_slice(&self.hash);
        out.extend_from_slice(b"\"}\n");
    }

    /// Is this the next line?
    pub(super) fn precedes(&self, link: &Link) -> bool {
        link.holds && link.seq == self.seq + 1 && link.prev == self.hash
    }
}

impl Link {
    /// Reads a line without its line break; `None`: it is none of the log's.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"seq\":")?;
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let seq = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let prev = rest[digits..].strip_prefix(b",\"prev\":\"")?.first_chunk()?;
        let (sealed, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
        let own = tail.strip_prefix(b",\"hash\":\"")?.strip_suffix(b"\"}")?;
        let own: &[u8; HASH] = own.try_into().ok()?;
        Some(Self {
            seq,
            prev: *prev,
            hash: *own,
            holds: hash(sealed) == *own,
        })
    }

    pub(super) fn chain(&self) -> Chain {
        Chain {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

pub(super) fn hash(bytes: &[u8]) -> [u8; HASH] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; HASH];
    for (pair, byte) in text.chunks_exact_mut(2).zip(Sha256::digest(bytes)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

pub(super) fn text(hash: &[u8; HASH]) -> String {
    String::from_utf8_lossy(hash).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64) -> Line {
        Line::new("call", jiff::Timestamp::UNIX_EPOCH).number("n", number)
    }

    #[test]
    fn lines_follow_one_another_and_are_json() {
        let (mut chain, mut out) = (Chain::START, Vec::new());
        for number in 0..3 {
            chain.seal(&line(number), &mut out);
        }
        let mut at = Chain::START;
        for text in out.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n') {
            let link = Link::read(text).unwrap();
            assert!(at.precedes(&link));
            at = link.chain();
            let value: serde_json::Value = serde_json::from_slice(text).unwrap();
            assert_eq!(value["seq"], link.seq);
        }
        assert_eq!(at, chain);
    }

    #[test]
    fn whatever_byte_is_changed_the_line_is_no_longer_the_next() {
        let mut out = Vec::new();
        Chain::START.clone().seal(&line(1), &mut out);
        let whole = out.strip_suffix(b"\n").unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[at] ^= 1;
            assert!(
                Link::read(&changed).is_none_or(|link| !Chain::START.precedes(&link)),
                "{at}"
            );
        }
        assert!(Chain::START.precedes(&Link::read(whole).unwrap()));
    }

    #[test]
    fn what_is_no_line_is_none() {
        for text in [
            "",
            "{}",
            "{\"seq\":1",
            "{\"seq\":,\"prev\":\"\"}",
            "{\"seq\":99999999999999999999,",
        ] {
            assert_eq!(Link::read(text.as_bytes()), None, "{text}");
        }
    }
}

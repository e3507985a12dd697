//! Splits a stream into lines, each bounded; of one that is too long only the beginning is kept.

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What is kept of a line that is too long: enough to see whose answer it was.
const BEGINNING: usize = 4_096;
const CHUNK: usize = 16 * 1024;

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Line {
    Whole(Bytes),
    TooLong { beginning: Bytes },
}

#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    buffer: BytesMut,
    /// How much of `buffer` is known to hold no line end.
    searched: usize,
    most: usize,
    /// In the middle of a line that is too long.
    skipping: Option<Bytes>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R, most: usize) -> Self {
        Self {
            reader,
            buffer: BytesMut::new(),
            searched: 0,
            most: most.max(BEGINNING),
            skipping: None,
        }
    }

    /// Without the line end. `None` at the end of the stream; a last line without an end counts.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[self.searched..]) {
                let mut line = self.buffer.split_to(self.searched + found + 1).freeze();
                self.searched = 0;
                line.truncate(line.len() - 1);
                if line.last() == Some(&b'\r') {
                    line.truncate(line.len() - 1);
                }
                return Some(self.finish(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > self.most {
                let line = self.buffer.split().freeze();
                self.searched = 0;
                self.skipping
                    .get_or_insert_with(|| Bytes::copy_from_slice(&line[..BEGINNING]));
            }
            self.buffer.reserve(CHUNK);
            if !matches!(self.reader.read_buf(&mut self.buffer).await, Ok(1..)) {
                let rest = self.buffer.split().freeze();
                self.searched = 0;
                return (!rest.is_empty() || self.skipping.is_some()).then(|| self.finish(rest));
            }
        }
    }

    fn finish(&mut self, line: Bytes) -> Line {
        match self.skipping.take() {
            Some(beginning) => Line::TooLong { beginning },
            None if line.len() > self.most => Line::TooLong {
                beginning: Bytes::copy_from_slice(&line[..BEGINNING]),
            },
            None => Line::Whole(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn lines_come_without_their_ends() {
        let mut lines = Lines::new(&b"one\r\n\ntwo\nlast"[..], 100);
        for expected in ["one", "", "two", "last"] {
            assert_eq!(lines.next().await, Some(whole(expected)));
        }
        assert_eq!(lines.next().await, None);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_and_the_next_one_read() {
        let text = format!("{{\"id\":1{}\nnext\n", "x".repeat(50_000));
        let mut lines = Lines::new(text.as_bytes(), BEGINNING);
        let Some(Line::TooLong { beginning }) = lines.next().await else {
            panic!("not too long")
        };
        assert!(beginning.starts_with(b"{\"id\":1x") && beginning.len() == BEGINNING);
        assert_eq!(lines.next().await, Some(whole("next")));
        assert_eq!(lines.next().await, None);
    }
}

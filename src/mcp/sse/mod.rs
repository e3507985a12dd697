//! Server-sent events (WHATWG HTML §9.2), read as they come in and written.
//!
//! Chunks in, events out. An event whose data is one line in one chunk is a slice of that chunk; only what spans chunks
//! is copied, once. Memory is bounded by the largest event allowed.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// In front of data that has no line break, where the caller frames an event himself to save a copy.
pub const OPEN: &[u8] = b"event: message\ndata: ";
/// Behind such data.
pub const CLOSE: &[u8] = b"\n\n";

/// One event as it was sent. `data` is empty in an event that only primes `id` or `retry`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Event {
    pub data: Bytes,
    pub id: Option<Bytes>,
    /// Milliseconds.
    pub retry: Option<u64>,
    pub event: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SseError {
    TooLarge,
}

/// A reader of one stream. An event cut off by the stream's end is no event (WHATWG: it is discarded).
#[derive(Debug)]
pub struct Parser {
    max_event: usize,
    /// Fed and not read yet.
    input: Bytes,
    /// The beginning of a line whose end has not come in.
    partial: BytesMut,
    event: Event,
    first_data: Option<Bytes>,
    /// Data beyond its first line.
    more_data: BytesMut,
    /// Bytes kept for the event so far.
    size: usize,
    after_cr: bool,
    first_line: bool,
    failed: bool,
}

impl Parser {
    /// `max_event`: the bytes that the fields of one event, or one line, may have.
    pub fn new(max_event: usize) -> Self {
        Self {
            max_event,
            input: Bytes::new(),
            partial: BytesMut::new(),
            event: Event::default(),
            first_data: None,
            more_data: BytesMut::new(),
            size: 0,
            after_cr: false,
            first_line: true,
            failed: false,
        }
    }

    /// Takes the next chunk. Read all events with `next` before: a chunk that is left costs a copy.
    pub fn feed(&mut self, chunk: Bytes) {
        if self.input.is_empty() {
            self.input = chunk;
        } else {
            self.input = [std::mem::take(&mut self.input), chunk].concat().into();
        }
    }

    fn line(&mut self) -> Option<Result<Bytes, SseError>> {
        if self.after_cr && !self.input.is_empty() {
            self.after_cr = false;
            if self.input[0] == b'\n' {
                self.input.advance(1);
            }
        }
        let end = memchr2(b'\r', b'\n', &self.input);
        if self.partial.len() + end.unwrap_or(self.input.len()) > self.max_event.saturating_add(LONGEST_NAME) {
            return Some(Err(SseError::TooLarge));
        }
        let Some(end) = end else {
            self.partial.extend_from_slice(&std::mem::take(&mut self.input));
            return None;
        };
        self.after_cr = self.input[end] == b'\r';
        let mut line = self.input.split_to(end);
        self.input.advance(1);
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(&line);
            line = self.partial.split().freeze();
        }
        if std::mem::take(&mut self.first_line) && line.starts_with(b"\xEF\xBB\xBF") {
            line.advance(3);
        }
        Some(Ok(line))
    }

    fn field(&mut self, line: &Bytes) -> Result<(), SseError> {
        let (name, value) = match memchr(b':', line) {
            Some(colon) => {
                let value = line.slice(colon + 1..);
                let space = usize::from(value.starts_with(b" "));
                (line.slice(..colon), value.slice(space..))
            }
            None => (line.clone(), Bytes::new()),
        };
        match &name[..] {
            b"data" => self.size += value.len() + usize::from(self.first_data.is_some()),
            b"id" | b"event" => self.size += value.len(),
            b"retry" => {}
            _ => return Ok(()), // a comment, or a field of the future
        }
        if self.size > self.max_event {
            return Err(SseError::TooLarge);
        }
        match &name[..] {
            b"data" if self.first_data.is_none() => self.first_data = Some(value),
            b"data" => {
                self.more_data.extend_from_slice(b"\n");
                self.more_data.extend_from_slice(&value);
            }
            b"id" if !value.contains(&0) => self.event.id = Some(value),
            b"event" => self.event.event = Some(value),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.event.retry = std::str::from_utf8(&value).ok().and_then(|digits| digits.parse().ok());
            }
            _ => {}
        }
        Ok(())
    }

    /// The blank line: hands out what was gathered, if it says anything.
    fn dispatch(&mut self) -> Option<Event> {
        let mut event = std::mem::take(&mut self.event);
        let first = self.first_data.take();
        let more = self.more_data.split();
        self.size = 0;
        let says = first.is_some() || event.id.is_some() || event.retry.is_some();
        event.data = first.unwrap_or_default();
        if !more.is_empty() {
            event.data = [&event.data[..], &more].concat().into();
        }
        says.then_some(event)
    }
}

/// Ends for now where more input is needed; after an error it ends for good.
impl Iterator for Parser {
    type Item = Result<Event, SseError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let read = match self.line()? {
                Ok(line) if line.is_empty() => Ok(self.dispatch()),
                Ok(line) => self.field(&line).map(|()| None),
                Err(error) => Err(error),
            };
            self.failed = read.is_err();
            if let Some(item) = read.transpose() {
                return Some(item);
            }
        }
        None
    }
}

/// Adds a `message` event; each line of `data` becomes a line of its own.
pub fn write(out: &mut BytesMut, mut data: &[u8]) {
    out.reserve(OPEN.len() + data.len() + CLOSE.len());
    out.extend_from_slice(OPEN);
    while let Some(end) = memchr2(b'\r', b'\n', data) {
        out.extend_from_slice(&data[..end]);
        out.extend_from_slice(b"\ndata: ");
        data = &data[end + if data[end..].starts_with(b"\r\n") { 2 } else { 1 }..];
    }
    out.extend_from_slice(data);
    out.extend_from_slice(CLOSE);
}

/// Adds a comment, which keeps an idle connection open.
pub fn comment(out: &mut BytesMut) {
    out.extend_from_slice(b":\n\n");
}

/// `event: ` and `data: ` in front of a value of the full size.
const LONGEST_NAME: usize = 7;

impl fmt::Display for SseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("an event is larger than allowed"),
        }
    }
}

impl std::error::Error for SseError {}

#[cfg(test)]
mod tests;

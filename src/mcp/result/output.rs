//! What leaves the editor: slices of the chunks as they are, with what was decided cut out and put in.

use bytes::{Buf, Bytes, BytesMut};

use crate::mcp::json::Problem;

/// Bytes that may wait for a decision: a separator and a key. No real one comes near it.
const MAX_HELD: usize = 4096;

#[derive(Clone, Debug, Default)]
pub(super) struct Output {
    mode: Mode,
    /// In the chunk at hand: where the bytes begin that have neither left nor been dropped.
    from: usize,
    /// In the chunk at hand: where the held bytes begin.
    held_from: usize,
    /// Held bytes of earlier chunks.
    carried: BytesMut,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Mode {
    #[default]
    Pass,
    Hold,
    Drop,
}

impl Output {
    /// Holds back what comes from `at` on.
    pub(super) fn hold(&mut self, at: usize) {
        if self.mode == Mode::Drop {
            self.from = at;
        }
        self.mode = Mode::Hold;
        self.held_from = at;
    }

    /// How many bytes before `at` are held.
    pub(super) fn held(&self, at: usize) -> Result<usize, Problem> {
        let held = self.carried.len() + (at - self.held_from);
        if held > MAX_HELD {
            Err(Problem::TooLong)
        } else {
            Ok(held)
        }
    }

    /// Lets go of what is held, but for its first `without` bytes.
    pub(super) fn keep(&mut self, without: usize, chunk: &Bytes, out: &mut Vec<Bytes>) {
        let carried = self.carried.len();
        self.carried.advance(without.min(carried));
        if without > carried {
            self.pass(self.held_from, chunk, out);
            self.from = self.held_from + without - carried;
        }
        if !self.carried.is_empty() {
            out.push(self.carried.split().freeze());
        }
        self.mode = Mode::Pass;
    }

    /// Drops what is held, and what comes until the next call of `hold` or `resume`.
    pub(super) fn discard(&mut self, chunk: &Bytes, out: &mut Vec<Bytes>) {
        self.pass(self.held_from, chunk, out);
        self.carried.clear();
        self.mode = Mode::Drop;
    }

    /// Puts `text` in place of what comes from `at` until `resume`.
    pub(super) fn replace(&mut self, at: usize, text: Bytes, chunk: &Bytes, out: &mut Vec<Bytes>) {
        self.insert(at, text, chunk, out);
        self.mode = Mode::Drop;
    }

    pub(super) fn insert(&mut self, at: usize, text: Bytes, chunk: &Bytes, out: &mut Vec<Bytes>) {
        self.pass(at, chunk, out);
        if !text.is_empty() {
            out.push(text);
        }
    }

    /// Ends dropping.
    pub(super) fn resume(&mut self, at: usize) {
        if self.mode == Mode::Drop {
            self.mode = Mode::Pass;
            self.from = at;
        }
    }

    /// The chunk ends.
    pub(super) fn end_chunk(&mut self, chunk: &Bytes, out: &mut Vec<Bytes>) -> Result<(), Problem> {
        match self.mode {
            Mode::Pass => self.pass(chunk.len(), chunk, out),
            Mode::Hold => {
                self.held(chunk.len())?;
                self.pass(self.held_from, chunk, out);
                self.carried.extend_from_slice(&chunk[self.held_from..]);
            }
            Mode::Drop => {}
        }
        self.from = 0;
        self.held_from = 0;
        Ok(())
    }

    fn pass(&mut self, to: usize, chunk: &Bytes, out: &mut Vec<Bytes>) {
        if self.from < to {
            out.push(chunk.slice(self.from..to));
            self.from = to;
        }
    }
}

//! The redactor of plain text: whole, or piece by piece; both give the same.
//!
//! A stream holds one window of text. What is let go of it was judged with all that detectors may look at, so it does not
//! matter where the pieces end.

use crate::pii::counts::Counts;
use crate::pii::custom::MAX_VALUE;
use crate::pii::detect::{AROUND, Found, Sense, quote};
use crate::pii::fold::{View, may_fold, unfinished};
use crate::pii::kind::Kind;
use crate::pii::rules::{Cursor, Rules};
use crate::pii::scan::Places;
use crate::pii::token::Tokens;

/// What is read before a window is judged; larger is no faster.
const WINDOW: usize = 32 * 1024;

/// Where redacted text goes to, and what was found on the way.
pub(super) struct Sink<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) counts: &'a mut Counts,
    /// Of whoever gets the text, where values go out as tokens.
    pub(super) tokens: Option<&'a Tokens>,
}

impl Sink<'_> {
    /// What stands for `value`, as it reads.
    pub(super) fn hide(&mut self, rules: &Rules, kind: Kind, value: &[u8], is_number: bool) {
        let token = self
            .tokens
            .and_then(|tokens| tokens.token(&rules.label(kind), value, is_number));
        let Some(token) = token else {
            return self.mask(rules, kind);
        };
        self.counts.add(kind);
        self.out.extend_from_slice(token.as_bytes());
    }

    /// What stands for a value of which nothing is kept.
    pub(super) fn mask(&mut self, rules: &Rules, kind: Kind) {
        self.counts.add(kind);
        if self.tokens.is_some() {
            self.counts.add_masked();
        }
        self.out.extend_from_slice(rules.placeholder(kind).as_bytes());
    }
}

/// A text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Raw, from what detectors may still look back at.
    held: Vec<u8>,
    /// How much of `held` is handed out already.
    sent: usize,
    /// `held` begins among backslashes that are no escape.
    in_run: bool,
    cursor: Cursor,
}

/// Redacts one whole text.
pub(super) fn whole(rules: &Rules, raw: &[u8], hint: Sense, sink: &mut Sink<'_>) {
    let view = View::new(raw, false);
    let mut sent = 0;
    rules.search(&view.text, true, &mut Cursor::new(hint), |found| {
        write(rules, raw, &view, found, &mut sent, sink);
    });
    sink.out.extend_from_slice(&raw[sent..]);
}

/// Hands out start, end and type of each value in a whole text.
pub(super) fn find(rules: &Rules, raw: &[u8], mut each: impl FnMut(usize, usize, Kind)) {
    let view = View::new(raw, false);
    rules.search(&view.text, true, &mut Cursor::default(), |found| {
        each(view.raw(found.start), view.raw(found.end), found.kind);
    });
}

/// The text as it reads: without the escapes that it shows.
pub(super) fn read(raw: &[u8]) -> Vec<u8> {
    View::new(raw, false).text.into_owned()
}

/// Whether there is nothing in `raw` that would have to be looked at.
pub(super) fn is_clean(rules: &Rules, raw: &[u8]) -> bool {
    !rules.joins() && !may_fold(raw) && Places::new(raw, 0).next().is_none()
}

impl Stream {
    pub(super) fn new(hint: Sense) -> Self {
        Self {
            cursor: Cursor::new(hint),
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, rules: &Rules, mut piece: &[u8], sink: &mut Sink<'_>) {
        let window = WINDOW + if rules.joins() { 4 * MAX_VALUE } else { 0 };
        while !piece.is_empty() {
            let room = (window + 2 * AROUND).saturating_sub(self.held.len()).max(1);
            let (now, rest) = piece.split_at(room.min(piece.len()));
            self.held.extend_from_slice(now);
            piece = rest;
            if now.len() == room {
                self.judge(rules, false, sink);
            }
        }
    }

    pub(super) fn finish(mut self, rules: &Rules, sink: &mut Sink<'_>) {
        self.judge(rules, true, sink);
    }

    fn judge(&mut self, rules: &Rules, last: bool, sink: &mut Sink<'_>) {
        let waits = if last { 0 } else { unfinished(&self.held) };
        let raw = &self.held[..self.held.len() - waits];
        let view = View::new(raw, self.in_run);
        let mut sent = self.sent;
        let done = rules.search(&view.text, last, &mut self.cursor, |found| {
            write(rules, raw, &view, found, &mut sent, sink);
        });
        let done_raw = view.raw(done).max(sent);
        sink.out.extend_from_slice(&raw[sent..done_raw]);
        self.sent = done_raw;
        // What may still be looked back at stays.
        let low = view.cut(done.saturating_sub(AROUND));
        let low_raw = view.raw(low);
        if low_raw > 0 {
            self.in_run = raw[low_raw - 1] == b'\\';
        }
        self.cursor.shift(low);
        self.held.drain(..low_raw);
        self.sent -= low_raw;
    }
}

fn write(rules: &Rules, raw: &[u8], view: &View<'_>, found: Found, sent: &mut usize, sink: &mut Sink<'_>) {
    let (start, end) = (view.raw(found.start), view.raw(found.end));
    sink.out.extend_from_slice(&raw[*sent..start]);
    let digits = view.text[found.start..found.end].iter().all(u8::is_ascii_digit);
    let bare = digits && !matches!(found.kind, Kind::Email | Kind::Ip);
    let quote = bare
        .then(|| quote(&view.text, found.start, found.end))
        .flatten()
        .map_or(&b""[..], |quote| &raw[view.raw(quote.start)..view.raw(quote.end)]);
    sink.out.extend_from_slice(quote);
    sink.hide(rules, found.kind, &view.text[found.start..found.end], false);
    sink.out.extend_from_slice(quote);
    *sent = end;
}

//! Splices: what changes in a body is put between slices of the bytes it came in.
//!
//! Edits are collected in any order and applied once. Commas come out right however insertions and removals in one
//! object meet, because they are settled at the end, when all are known.

use bytes::{BufMut, Bytes, BytesMut};

use crate::mcp::json::{Member, Span};

/// Bodies up to this length are put together into one piece: copying them costs less than writing them in parts.
const ONE_PIECE: usize = 16 * 1024;

/// Changes to one body. All spans are of that body.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    edits: Vec<Edit>,
    removed: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Edit {
    span: Span,
    text: Bytes,
    /// A new member right behind an opening brace, which needs a comma where another member follows.
    is_member: bool,
}

impl Edits {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.removed.is_empty()
    }

    pub fn replace(&mut self, span: Span, text: impl Into<Bytes>) {
        self.edits.push(Edit {
            span,
            text: text.into(),
            is_member: false,
        });
    }

    pub fn insert(&mut self, at: usize, text: impl Into<Bytes>) {
        self.replace(Span { start: at, end: at }, text);
    }

    /// Takes members out of their objects; what else is edited inside them goes with them.
    pub fn remove_members(&mut self, members: &[Member]) {
        self.removed.extend_from_slice(members);
    }

    /// Puts `"key":value` at the front of `object`; several come out in the order given.
    pub fn insert_member(&mut self, object: Span, text: impl Into<Bytes>) {
        let at = object.start + 1;
        self.edits.push(Edit {
            span: Span { start: at, end: at },
            text: text.into(),
            is_member: true,
        });
    }

    pub fn apply(mut self, body: &Bytes) -> Pieces {
        if self.is_empty() {
            return Pieces::from(body.clone());
        }
        let removals = removals(body, &mut self.removed);
        self.edits.extend(removals.iter().map(|span| Edit {
            span: *span,
            text: Bytes::new(),
            is_member: false,
        }));
        // Insertions before what is replaced at the same place; the wider of two replacements wins.
        self.edits
            .sort_by_key(|edit| (edit.span.start, !edit.span.is_empty(), usize::MAX - edit.span.end));
        // An edit makes at most three: what stands before it, its text, a comma.
        let mut pieces = Pieces::with_capacity(3 * self.edits.len() + 1);
        let mut at = 0;
        let mut edits = self.edits.into_iter().peekable();
        while let Some(edit) = edits.next() {
            if edit.span.start < at {
                debug_assert!(edit.span.end <= at, "two edits overlap");
                continue;
            }
            pieces.push(body.slice(at.min(body.len())..edit.span.start.min(body.len())));
            pieces.push(edit.text);
            at = edit.span.end;
            if edit.is_member {
                let again = edits
                    .peek()
                    .is_some_and(|next| next.is_member && next.span == edit.span);
                if again || !closes(body, at, &removals) {
                    pieces.push(Bytes::from_static(b","));
                }
            }
        }
        pieces.push(body.slice(at.min(body.len())..));
        if pieces.len <= ONE_PIECE {
            Pieces::from(pieces.into_bytes())
        } else {
            pieces
        }
    }
}

/// What to cut so that `members` are gone and the commas of those that stay are right.
fn removals(body: &[u8], members: &mut Vec<Member>) -> Vec<Span> {
    members.sort_by_key(|member| member.key.start);
    members.dedup();
    let mut cuts: Vec<Span> = Vec::new();
    let mut rest = members.as_slice();
    while let Some((first, mut others)) = rest.split_first() {
        // A run: members that follow each other with nothing kept between them.
        let mut end = first.value.end;
        while let Some((next, further)) = others.split_first()
            && (next.key.start < end || behind_comma(body, end) == Some(next.key.start))
        {
            end = end.max(next.value.end);
            others = further;
        }
        rest = others;
        cuts.push(match behind_comma(body, end) {
            Some(next) => Span {
                start: first.key.start,
                end: next,
            },
            None => Span {
                start: before_comma(body, first.key.start).unwrap_or(first.key.start),
                end,
            },
        });
    }
    cuts
}

/// Where the next member starts, if a comma follows.
fn behind_comma(body: &[u8], at: usize) -> Option<usize> {
    let comma = skip_space(body, at);
    (body.get(comma) == Some(&b',')).then(|| skip_space(body, comma + 1))
}

/// Where the comma in front of a member stands, if there is one.
fn before_comma(body: &[u8], key: usize) -> Option<usize> {
    let comma = body.get(..key)?.iter().rposition(|byte| !is_space(*byte))?;
    (body[comma] == b',').then_some(comma)
}

/// Whether nothing but cut members stands between `at` and the closing brace.
fn closes(body: &[u8], at: usize, removals: &[Span]) -> bool {
    let mut at = skip_space(body, at);
    if let Ok(cut) = removals.binary_search_by_key(&at, |cut| cut.start) {
        at = skip_space(body, removals[cut].end);
    }
    body.get(at) == Some(&b'}')
}

fn skip_space(body: &[u8], at: usize) -> usize {
    at + body
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| is_space(**byte))
        .count()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// A body in parts, to be written one after the other.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    list: Vec<Bytes>,
    len: usize,
}

impl Pieces {
    fn with_capacity(parts: usize) -> Self {
        Self {
            list: Vec::with_capacity(parts),
            len: 0,
        }
    }

    /// The length of all parts together, in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, piece: impl Into<Bytes>) {
        let piece = piece.into();
        if !piece.is_empty() {
            self.len += piece.len();
            self.list.push(piece);
        }
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Bytes> {
        self.list.iter()
    }

    /// All in one; a single part is not copied.
    pub fn into_bytes(mut self) -> Bytes {
        if self.list.len() <= 1 {
            return self.list.pop().unwrap_or_default();
        }
        let mut whole = BytesMut::with_capacity(self.len);
        self.list.iter().for_each(|piece| whole.put_slice(piece));
        whole.freeze()
    }
}

impl From<Bytes> for Pieces {
    fn from(piece: Bytes) -> Self {
        let mut pieces = Self::default();
        pieces.push(piece);
        pieces
    }
}

impl From<Vec<u8>> for Pieces {
    fn from(piece: Vec<u8>) -> Self {
        Self::from(Bytes::from(piece))
    }
}

impl From<String> for Pieces {
    fn from(piece: String) -> Self {
        Self::from(Bytes::from(piece))
    }
}

impl<'a> IntoIterator for &'a Pieces {
    type IntoIter = std::slice::Iter<'a, Bytes>;
    type Item = &'a Bytes;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Pieces {
    type IntoIter = std::vec::IntoIter<Bytes>;
    type Item = Bytes;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

#[cfg(test)]
mod tests;

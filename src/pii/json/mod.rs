//! The redactor of a JSON message: raw bytes in pieces, raw bytes out; both the pieces' ends and the white space are the sender's.
//!
//! Strings, object keys and numbers are searched, each on its own and with what its key says of it. What is redacted stays JSON:
//! a number becomes a string. A text that is no JSON is redacted as text from where it stops being it: nothing passes unseen.

mod blob;
mod number;
mod place;

use crate::pii::detect::{Sense, of_name};
use crate::pii::json::number::Number;
use crate::pii::json::place::{Place, Treatment, is_text};
use crate::pii::rules::Rules;
use crate::pii::text::{self, Sink, Stream};

/// Arrays and objects that may stand inside each other; deeper ones are read as text.
const MAX_DEPTH: usize = 128;
/// The longest key that says something of its value.
const MAX_NAME: usize = 256;

/// A message that comes in pieces.
#[derive(Debug)]
pub(super) struct Json {
    /// Where the outermost value stands.
    place: Place,
    open: Vec<Frame>,
    state: State,
}

/// An open object or array.
#[derive(Clone, Copy, Debug)]
struct Frame {
    object: bool,
    place: Place,
    /// What its own key says of all that is in it.
    sense: Sense,
    /// Of an object: what its member that comes next is, and is said to be.
    next: Next,
    /// What `"name": "ssn"` says of the `value` beside it.
    label: Sense,
    kind: Declared,
}

/// What is known of a member before its value.
#[derive(Clone, Copy, Debug)]
struct Next {
    place: Place,
    treatment: Treatment,
    sense: Sense,
    names: bool,
    declares: bool,
    /// A key comes next, not a value.
    key: bool,
}

/// What a block or a resource says that it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Declared {
    #[default]
    Nothing,
    Text,
    Binary,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Between,
    /// Inside of a string.
    Inside(Inside),
    Number(Number),
    /// No JSON from here on.
    Text(Box<Stream>),
}

/// A string whose end has not come yet.
#[derive(Debug)]
struct Inside {
    /// A backslash was the last byte.
    escaped: bool,
    content: Content,
    /// Its beginning, up to [`MAX_NAME`] and one more byte.
    name: Vec<u8>,
    next: Next,
}

#[derive(Debug)]
enum Content {
    Text(Box<Stream>),
    Keep,
    Blob(Vec<u8>),
}

impl Default for Json {
    fn default() -> Self {
        Self {
            place: Place::Message,
            open: Vec::new(),
            state: State::default(),
        }
    }
}

impl Json {
    /// Not a message but an item of a list of tools or prompts.
    pub(super) fn listed() -> Self {
        Self::at(Place::Listed)
    }

    /// The same, of resources or templates.
    pub(super) fn addressed() -> Self {
        Self::at(Place::Addressed)
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, rules: &Rules, mut piece: &[u8], sink: &mut Sink<'_>) {
        while !piece.is_empty() {
            let used = match &mut self.state {
                State::Between => self.between(rules, piece, sink),
                State::Inside(_) => self.inside(rules, piece, sink),
                State::Number(_) => self.number(rules, piece, sink),
                State::Text(stream) => {
                    stream.push(rules, piece, sink);
                    piece.len()
                }
            };
            piece = &piece[used..];
        }
    }

    pub(super) fn finish(mut self, rules: &Rules, sink: &mut Sink<'_>) {
        match std::mem::take(&mut self.state) {
            State::Between => {}
            State::Number(number) => number.finish(rules, self.next().sense, sink),
            State::Text(stream) => stream.finish(rules, sink),
            // A body that was cut short.
            State::Inside(inside) => match inside.content {
                Content::Text(stream) => stream.finish(rules, sink),
                Content::Blob(raw) => blob::write(rules, &raw, sink),
                Content::Keep => {}
            },
        }
    }

    /// One structural byte, or the beginning of a value; how many bytes were used.
    fn between(&mut self, rules: &Rules, piece: &[u8], sink: &mut Sink<'_>) -> usize {
        let byte = piece[0];
        match byte {
            b'"' => return self.string(rules, piece, sink),
            b'{' | b'[' if self.open.len() < MAX_DEPTH => {
                let next = self.next();
                self.open.push(Frame::new(byte == b'{', next));
            }
            b'}' | b']' if self.open.last().is_some_and(|frame| frame.object == (byte == b'}')) => {
                self.open.pop();
            }
            b',' => {
                if let Some(frame) = self.open.last_mut() {
                    frame.next.key = frame.object;
                }
            }
            b':' => {
                if let Some(frame) = self.open.last_mut() {
                    frame.next.key = false;
                }
            }
            b'-' | b'0'..=b'9' => {
                self.state = State::Number(Number::default());
                return 0;
            }
            b' ' | b'\n' | b'\r' | b'\t' | b'a'..=b'z' => {
                let same = piece
                    .iter()
                    .take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'a'..=b'z'))
                    .count();
                sink.out.extend_from_slice(&piece[..same]);
                return same;
            }
            _ => {
                self.state = State::Text(Box::default());
                return 0;
            }
        }
        sink.out.push(byte);
        1
    }

    /// A string that begins with `piece`.
    fn string(&mut self, rules: &Rules, piece: &[u8], sink: &mut Sink<'_>) -> usize {
        sink.out.push(b'"');
        let next = self.next();
        if let Some(length) = length(&piece[1..]) {
            let raw = &piece[1..=length];
            match self.treat(next) {
                Treatment::Keep | Treatment::Media => sink.out.extend_from_slice(raw),
                Treatment::Blob if raw.len() > blob::MAX => blob::withhold(sink),
                Treatment::Blob => blob::write(rules, raw, sink),
                Treatment::Text => text::whole(rules, raw, next.sense, sink),
            }
            sink.out.push(b'"');
            self.after_string(next, raw);
            return length + 2;
        }
        let content = match self.treat(next) {
            Treatment::Keep | Treatment::Media => Content::Keep,
            Treatment::Blob => Content::Blob(Vec::new()),
            Treatment::Text => Content::Text(Box::new(Stream::new(next.sense))),
        };
        self.state = State::Inside(Inside {
            escaped: false,
            content,
            name: Vec::new(),
            next,
        });
        1
    }

    /// More of a string, perhaps to its end.
    fn inside(&mut self, rules: &Rules, piece: &[u8], sink: &mut Sink<'_>) -> usize {
        let State::Inside(inside) = &mut self.state else {
            return 0;
        };
        let skip = usize::from(inside.escaped);
        let end = length(&piece[skip..]).map(|length| length + skip);
        let raw = &piece[..end.unwrap_or(piece.len())];
        inside.escaped = end.is_none() && ends_escaped(&piece[skip..]);
        let room = (MAX_NAME + 1).saturating_sub(inside.name.len());
        inside.name.extend_from_slice(&raw[..room.min(raw.len())]);
        match &mut inside.content {
            Content::Keep => sink.out.extend_from_slice(raw),
            Content::Text(stream) => stream.push(rules, raw, sink),
            Content::Blob(held) => {
                // One byte too many says that it is too long.
                let room = (blob::MAX + 1).saturating_sub(held.len());
                held.extend_from_slice(&raw[..room.min(raw.len())]);
            }
        }
        let Some(end) = end else { return piece.len() };
        if let State::Inside(inside) = std::mem::take(&mut self.state) {
            match inside.content {
                Content::Keep => {}
                Content::Text(stream) => stream.finish(rules, sink),
                Content::Blob(held) if held.len() > blob::MAX => blob::withhold(sink),
                Content::Blob(held) => blob::write(rules, &held, sink),
            }
            sink.out.push(b'"');
            self.after_string(inside.next, &inside.name);
        }
        end + 1
    }

    /// What a string has said: a key of the value behind it, a value of those beside it. `raw` is its beginning.
    fn after_string(&mut self, next: Next, raw: &[u8]) {
        let Some(frame) = self.open.last_mut() else { return };
        let raw = if raw.len() > MAX_NAME { b"" } else { raw };
        if next.key {
            frame.next = Next::member(frame, raw);
            return;
        }
        if next.names {
            frame.label = of_name(raw);
        }
        if next.declares {
            frame.kind = declared(frame.place, raw, frame.kind);
        }
    }

    fn treat(&self, next: Next) -> Treatment {
        let declared = self.open.last().map_or(Declared::Nothing, |frame| frame.kind);
        match next.treatment {
            Treatment::Media if declared != Declared::Binary => Treatment::Text,
            Treatment::Blob if declared == Declared::Binary => Treatment::Keep,
            other => other,
        }
    }

    fn next(&self) -> Next {
        self.open.last().map_or(
            Next {
                place: self.place,
                treatment: Treatment::Text,
                sense: Sense::Open,
                names: false,
                declares: false,
                key: false,
            },
            |frame| frame.next,
        )
    }

    /// More of a number, perhaps to its end.
    fn number(&mut self, rules: &Rules, piece: &[u8], sink: &mut Sink<'_>) -> usize {
        let sense = self.next().sense;
        let State::Number(mut number) = std::mem::take(&mut self.state) else {
            return 0;
        };
        let used = number.push(rules, sense, piece, sink);
        if used == piece.len() {
            self.state = State::Number(number);
            return used;
        }
        let goes_on = number::is_part(piece[used]);
        if let Some(text) = number.end(goes_on, rules, sense, sink) {
            let mut stream = Box::new(Stream::default());
            stream.push(rules, &text, sink);
            self.state = State::Text(stream);
        }
        used
    }
}

impl Frame {
    fn new(object: bool, next: Next) -> Self {
        Self {
            object,
            place: next.place,
            sense: next.sense,
            next: Next {
                // The elements of an array are what the array is.
                key: object,
                treatment: if object { Treatment::Text } else { next.treatment },
                names: false,
                declares: false,
                ..next
            },
            label: Sense::Open,
            kind: Declared::Nothing,
        }
    }
}

impl Next {
    /// The value of the key `name` in an object.
    fn member(frame: &Frame, name: &[u8]) -> Self {
        let sense = match of_name(name) {
            Sense::Open if frame.label != Sense::Open => frame.label,
            Sense::Open => frame.sense,
            sense => sense,
        };
        Self {
            place: frame.place.of(name),
            treatment: frame.place.treatment(name),
            sense,
            names: matches!(
                name,
                b"name" | b"field" | b"key" | b"label" | b"type" | b"column" | b"attribute" | b"property"
            ),
            declares: matches!(name, b"type" | b"mimeType") && matches!(frame.place, Place::Content | Place::Resource),
            key: false,
        }
    }
}

fn declared(place: Place, value: &[u8], before: Declared) -> Declared {
    match (place, value) {
        (Place::Resource, mime) if is_text(&unescaped(mime)) => Declared::Text,
        (Place::Content, b"image" | b"audio") | (Place::Resource, _) => Declared::Binary,
        _ => before,
    }
}

/// `text\/plain`.
fn unescaped(mime: &[u8]) -> Vec<u8> {
    mime.iter().copied().filter(|byte| *byte != b'\\').collect()
}

/// How long the string is whose content begins `bytes`; `None` if its end has not come.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Whether `bytes`, which begin outside of an escape, end inside of one.
fn ends_escaped(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

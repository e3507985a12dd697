//! The pull scanner: walks a whole text once, skipping values at the speed of a byte search.

use memchr::memchr2;

use crate::mcp::json::{JsonError, MAX_DEPTH, Problem, Span};

/// A place in a text. Its callers descend into the few objects they read and skip every other value.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of a text whose UTF-8 is checked here, once for all.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(Self { bytes, at: 0 }),
            Err(error) => Err(JsonError::new(error.valid_up_to(), Problem::Utf8)),
        }
    }

    /// At the start of one value of a checked text.
    pub(crate) fn within(bytes: &'a [u8], value: Span) -> Self {
        let end = value.end.min(bytes.len());
        Self {
            bytes: &bytes[..end],
            at: value.start.min(end),
        }
    }

    /// The next byte that is not white space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Walks the object that starts here; `member` gets each key's span and must consume the value behind it.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Span) -> Result<(), JsonError>,
    ) -> Result<Span, JsonError> {
        if !self.take(b'{') {
            return Err(self.fail(Problem::NotAnObject));
        }
        let start = self.at - 1;
        let mut first = true;
        while let Some(key) = self.key(first)? {
            member(self, key)?;
            first = false;
        }
        Ok(Span { start, end: self.at })
    }

    /// Goes into a container that stands inside `outside` others.
    pub(crate) fn open(&mut self, bracket: u8, outside: u32) -> Result<(), JsonError> {
        if outside >= MAX_DEPTH {
            return Err(self.fail(Problem::TooDeep));
        }
        if self.take(bracket) {
            Ok(())
        } else {
            Err(self.fail(Problem::Character))
        }
    }

    /// Inside an object: the next key, with the colon behind it consumed, or `None` with the closing bracket consumed.
    pub(crate) fn key(&mut self, first: bool) -> Result<Option<Span>, JsonError> {
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                Ok(None)
            }
            Some(b',') if !first => {
                self.at += 1;
                self.key_and_colon().map(Some)
            }
            Some(_) if first => self.key_and_colon().map(Some),
            _ => Err(self.fail(Problem::Comma)),
        }
    }

    /// Inside an array: whether an element follows; else the closing bracket is consumed.
    pub(crate) fn element(&mut self, first: bool) -> Result<bool, JsonError> {
        match self.peek() {
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(self.fail(Problem::Comma)),
        }
    }

    /// Skips one value that stands inside `outside` containers.
    pub(crate) fn value(&mut self, outside: u32) -> Result<Span, JsonError> {
        self.peek();
        let start = self.at;
        let mut objects = 0_u128; // one bit per open container, the innermost lowest: set for an object
        let mut depth = 0;
        'value: loop {
            let Some(byte) = self.peek() else {
                return Err(self.fail(Problem::End));
            };
            match byte {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    if depth + outside >= MAX_DEPTH {
                        return Err(self.fail(Problem::TooDeep));
                    }
                    self.at += 1;
                    depth += 1;
                    objects = objects << 1 | u128::from(byte == b'{');
                    match self.peek() {
                        Some(b'}') if byte == b'{' => {}
                        Some(b']') if byte == b'[' => {}
                        _ if byte == b'{' => {
                            self.key_and_colon()?;
                            continue 'value;
                        }
                        _ => continue 'value,
                    }
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => return Err(self.fail(Problem::Character)),
            }
            while depth > 0 {
                let in_object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if in_object {
                            self.key_and_colon()?;
                        }
                        continue 'value;
                    }
                    Some(b'}') if in_object => {}
                    Some(b']') if !in_object => {}
                    _ => return Err(self.fail(Problem::Comma)),
                }
                self.at += 1;
                depth -= 1;
                objects >>= 1;
            }
            return Ok(Span { start, end: self.at });
        }
    }

    /// Only white space may be left.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.peek().map_or(Ok(()), |_| Err(self.fail(Problem::Trailing)))
    }

    fn key_and_colon(&mut self) -> Result<Span, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.fail(Problem::Key));
        }
        let key = self.string()?;
        if !self.take(b':') {
            return Err(self.fail(Problem::Colon));
        }
        Ok(key)
    }

    fn string(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        self.at += 1;
        loop {
            self.at += plain(&self.bytes[self.at..]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Span { start, end: self.at });
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.fail(Problem::Control)),
                None => return Err(self.fail(Problem::End)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.fail(Problem::Escape));
                }
                self.at += 6;
            }
            _ => return Err(self.fail(Problem::Escape)),
        }
        Ok(())
    }

    /// RFC 8259 §6: `-`, then `0` or digits without a leading zero, then fraction and exponent.
    fn number(&mut self) -> Result<(), JsonError> {
        self.at += usize::from(self.bytes.get(self.at) == Some(&b'-'));
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.fail(Problem::Number))
        } else {
            Ok(())
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.fail(Problem::Character));
        }
        self.at += word.len();
        Ok(())
    }

    pub(crate) fn fail(&self, problem: Problem) -> JsonError {
        let problem = if self.at >= self.bytes.len() {
            Problem::End
        } else {
            problem
        };
        JsonError::new(self.at, problem)
    }
}

/// How many bytes at the front are a string's plain text: no quote, no backslash, no control character.
pub(crate) fn plain(text: &[u8]) -> usize {
    // Most strings end within a word: keys, names, numbers in quotes.
    let Some(word) = text.first_chunk() else {
        return text.iter().take_while(|byte| !is_special(**byte)).count();
    };
    if let Some(index) = first_special(*word) {
        return index;
    }
    // Two searches over the same bytes, each in vector instructions, cost less than one that looks for all three.
    let end = memchr2(b'"', b'\\', &text[WORD..]).map_or(text.len(), |index| WORD + index);
    WORD + before_control(&text[WORD..end])
}

/// How many bytes at the front are no control characters.
fn before_control(text: &[u8]) -> usize {
    let mut at = 0;
    // No early exit inside a block: so it becomes vector instructions.
    while let Some(block) = text[at..].first_chunk::<BLOCK>() {
        if block.iter().copied().fold(u8::MAX, u8::min) < b' ' {
            break;
        }
        at += BLOCK;
    }
    while let Some(word) = text[at..].first_chunk() {
        match first_special(*word) {
            Some(index) => return at + index,
            None => at += WORD,
        }
    }
    at + text[at..].iter().take_while(|byte| **byte >= b' ').count()
}

const WORD: usize = 8;
const BLOCK: usize = 128;

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The same test on eight bytes at once. A borrow can mark a byte wrongly, but only above one that is marked rightly,
/// and the lowest mark is all that counts.
fn first_special(word: [u8; WORD]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(word);
    let below = |word: u64, limit: u8| word.wrapping_sub(LOW * u64::from(limit)) & !word & HIGH;
    let equals = |byte: u8| below(word ^ (LOW * u64::from(byte)), 1);
    let marks = below(word, b' ') | equals(b'"') | equals(b'\\');
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

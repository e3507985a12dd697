//! The push lexer: the same grammar as `json::scan`, for text that arrives in chunks cut anywhere.
//!
//! It remembers where it is in the grammar and one bit per open container, nothing of the text. What happens in the two
//! outermost containers is told as tokens; what is further in is only checked.

use crate::mcp::json::scan::plain;
use crate::mcp::json::{MAX_DEPTH, Problem};

/// How many containers may stand around something that is told.
const TOLD: u32 = 2;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Containers around it.
    pub(super) depth: u32,
    /// Its place in the chunk at hand.
    pub(super) at: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TokenKind {
    /// At the opening quote.
    KeyStart,
    /// Behind the closing quote.
    KeyEnd,
    /// At the first byte of a value.
    Value(u8),
    /// Behind the last byte of a string, number or word.
    ValueEnd,
    /// Behind a comma.
    Comma,
    /// At the closing bracket of a container, which is itself the value that ends one byte further.
    Close,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Value,
    ElementOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    After,
    Text { key: bool },
    Escape { key: bool },
    Hex { key: bool, left: u8 },
    Number(Number),
    Word(&'static [u8]),
}

/// What of a number was read last.
#[derive(Clone, Copy, Debug)]
enum Number {
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

#[derive(Clone, Debug)]
pub(super) struct Lexer {
    state: State,
    depth: u32,
    /// One bit per open container, the innermost lowest: set for an object.
    objects: u128,
}

impl Lexer {
    pub(super) fn new() -> Self {
        Self {
            state: State::Value,
            depth: 0,
            objects: 0,
        }
    }

    /// Whether one whole value was read.
    pub(super) fn is_done(&self) -> bool {
        self.depth == 0 && matches!(self.state, State::After)
    }

    /// Reads on from `at` to the next token that is told, or to the end of the chunk.
    pub(super) fn next(&mut self, chunk: &[u8], at: &mut usize) -> Result<Option<Token>, Problem> {
        while let Some(&byte) = chunk.get(*at) {
            let told = match self.state {
                State::Text { key } => {
                    *at += plain(&chunk[*at..]);
                    self.text(key, chunk.get(*at), at)?
                }
                State::Escape { key } => {
                    self.state = match byte {
                        b'u' => State::Hex { key, left: 4 },
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::Text { key },
                        _ => return Err(Problem::Escape),
                    };
                    *at += 1;
                    None
                }
                State::Hex { key, left } => {
                    if !byte.is_ascii_hexdigit() {
                        return Err(Problem::Escape);
                    }
                    self.state = if left > 1 {
                        State::Hex { key, left: left - 1 }
                    } else {
                        State::Text { key }
                    };
                    *at += 1;
                    None
                }
                State::Number(number) => match number.followed_by(byte)? {
                    Some(number) => {
                        self.state = State::Number(number);
                        *at += 1;
                        None
                    }
                    None => self.value_end(*at),
                },
                State::Word(rest) => {
                    if rest.first() != Some(&byte) {
                        return Err(Problem::Character);
                    }
                    *at += 1;
                    self.state = State::Word(&rest[1..]);
                    if rest.len() == 1 { self.value_end(*at) } else { None }
                }
                _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => {
                    *at += 1;
                    None
                }
                state => {
                    *at += 1;
                    self.structure(state, byte, *at - 1)?
                }
            };
            if told.is_some() {
                return Ok(told);
            }
        }
        Ok(None)
    }

    /// No more will come: a number at the outermost level ends only here.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        if let State::Number(number) = self.state
            && self.depth == 0
            && number.followed_by(b' ')?.is_none()
        {
            self.state = State::After;
        }
        if self.is_done() { Ok(()) } else { Err(Problem::End) }
    }

    fn text(&mut self, key: bool, special: Option<&u8>, at: &mut usize) -> Result<Option<Token>, Problem> {
        let Some(special) = special else { return Ok(None) };
        *at += 1;
        match special {
            b'"' if key => {
                self.state = State::Colon;
                Ok(self.tell(TokenKind::KeyEnd, *at))
            }
            b'"' => Ok(self.value_end(*at)),
            b'\\' => {
                self.state = State::Escape { key };
                Ok(None)
            }
            _ => Err(Problem::Control),
        }
    }

    /// A byte between the texts, numbers and words.
    fn structure(&mut self, state: State, byte: u8, at: usize) -> Result<Option<Token>, Problem> {
        match (state, byte) {
            (State::Key | State::KeyOrEnd, b'"') => {
                self.state = State::Text { key: true };
                Ok(self.tell(TokenKind::KeyStart, at))
            }
            (State::Colon, b':') => {
                self.state = State::Value;
                Ok(None)
            }
            (State::After, b',') if self.depth > 0 => {
                self.state = if self.objects & 1 == 1 {
                    State::Key
                } else {
                    State::Value
                };
                Ok(self.tell(TokenKind::Comma, at + 1))
            }
            (State::KeyOrEnd, b'}') | (State::ElementOrEnd, b']') => Ok(self.close(at)),
            (State::After, b'}') if self.depth > 0 && self.objects & 1 == 1 => Ok(self.close(at)),
            (State::After, b']') if self.depth > 0 && self.objects & 1 == 0 => Ok(self.close(at)),
            (State::Value | State::ElementOrEnd, _) => self.value(byte, at),
            (State::Key | State::KeyOrEnd, _) => Err(Problem::Key),
            (State::Colon, _) => Err(Problem::Colon),
            (State::After, _) if self.depth == 0 => Err(Problem::Trailing),
            _ => Err(Problem::Comma),
        }
    }

    fn value(&mut self, byte: u8, at: usize) -> Result<Option<Token>, Problem> {
        let told = self.tell(TokenKind::Value(byte), at);
        self.state = match byte {
            b'"' => State::Text { key: false },
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Digits),
            b't' => State::Word(b"rue"),
            b'f' => State::Word(b"alse"),
            b'n' => State::Word(b"ull"),
            b'{' | b'[' if self.depth == MAX_DEPTH => return Err(Problem::TooDeep),
            b'{' | b'[' => {
                self.depth += 1;
                self.objects = self.objects << 1 | u128::from(byte == b'{');
                if byte == b'{' {
                    State::KeyOrEnd
                } else {
                    State::ElementOrEnd
                }
            }
            _ => return Err(Problem::Character),
        };
        Ok(told)
    }

    fn value_end(&mut self, at: usize) -> Option<Token> {
        self.state = State::After;
        self.tell(TokenKind::ValueEnd, at)
    }

    fn close(&mut self, at: usize) -> Option<Token> {
        self.state = State::After;
        self.depth -= 1;
        self.objects >>= 1;
        self.tell(TokenKind::Close, at)
    }

    fn tell(&self, kind: TokenKind, at: usize) -> Option<Token> {
        (self.depth <= TOLD).then_some(Token {
            kind,
            depth: self.depth,
            at,
        })
    }
}

impl Number {
    /// RFC 8259 §6: what the number has become with `byte`, or `None` where it was whole before.
    fn followed_by(self, byte: u8) -> Result<Option<Self>, Problem> {
        match (self, byte) {
            (Self::Minus, b'0') => Ok(Some(Self::Zero)),
            (Self::Minus | Self::Digits, b'0'..=b'9') => Ok(Some(Self::Digits)),
            (Self::Zero | Self::Digits, b'.') => Ok(Some(Self::Point)),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Ok(Some(Self::Fraction)),
            (Self::Zero | Self::Digits | Self::Fraction, b'e' | b'E') => Ok(Some(Self::E)),
            (Self::E, b'+' | b'-') => Ok(Some(Self::Sign)),
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Ok(Some(Self::Exponent)),
            (Self::Minus | Self::Point | Self::E | Self::Sign, _) => Err(Problem::Number),
            (Self::Zero | Self::Digits | Self::Fraction | Self::Exponent, _) => Ok(None),
        }
    }
}

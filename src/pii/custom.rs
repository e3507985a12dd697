//! Types of a table's own: a regular expression, matched in linear time, and optionally a check digit.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

use crate::name::PiiName;
use crate::pii::detect::is_luhn;
use crate::snapshot::PiiCustom;

/// The longest value, in bytes. Twice that is searched at a time, so that a stream need not be held.
pub(super) const MAX_VALUE: usize = 4096;
const WINDOW: usize = 2 * MAX_VALUE;
/// What `\b` and its like see before a match.
const BEHIND: usize = 16;

/// What a compiled pattern may cost in memory, in bytes; `compile` refuses larger ones in the files.
const SIZE: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct Custom {
    regex: Regex,
    luhn: bool,
}

/// A pattern that does not compile, which `validate` would have said.
#[derive(Clone, Debug)]
pub struct PatternError {
    name: PiiName,
    source: regex::Error,
}

/// How far one pattern has come in one text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CustomAt(usize);

impl CustomAt {
    pub(super) fn shift(&mut self, count: usize) {
        self.0 -= count;
    }
}

impl Custom {
    pub(super) fn new(name: &PiiName, custom: &PiiCustom) -> Result<Self, PatternError> {
        let regex = RegexBuilder::new(&custom.pattern).size_limit(SIZE).build();
        Ok(Self {
            regex: regex.map_err(|source| PatternError {
                name: name.clone(),
                source,
            })?,
            luhn: custom.luhn,
        })
    }

    /// Goes on in `window` and hands out start and end of what matches; nothing will start before the offset that
    /// comes back.
    pub(super) fn search(
        &self,
        window: &[u8],
        last: bool,
        at: &mut CustomAt,
        mut found: impl FnMut(usize, usize),
    ) -> usize {
        let at = &mut at.0;
        while *at < window.len() {
            let end = window.len().min(*at + WINDOW);
            let whole = last && end == window.len();
            if !whole && end - *at < WINDOW {
                break;
            }
            let low = at.saturating_sub(BEHIND);
            match self.regex.find_at(&window[low..end], *at - low) {
                Some(value) if whole || low + value.end() < end || low + value.start() == *at => {
                    let (start, stop) = (low + value.start(), low + value.end());
                    if stop > start && (!self.luhn || holds_luhn(&window[start..stop])) {
                        found(start, stop);
                    }
                    *at = stop.max(start + 1);
                }
                // It may go on: look again from where it starts.
                Some(value) => *at = low + value.start(),
                None if whole => *at = window.len(),
                None => *at = end - MAX_VALUE,
            }
        }
        *at
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pattern of the type `{}` cannot be compiled", self.name)
    }
}

impl std::error::Error for PatternError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn holds_luhn(value: &[u8]) -> bool {
    let digits = || value.iter().copied().filter(u8::is_ascii_digit);
    digits().count() > 1 && is_luhn(digits())
}

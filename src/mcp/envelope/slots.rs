//! The keys of one object that are read, and what was found for each.

use crate::mcp::envelope::Reason;
use crate::mcp::json::{Span, string};

pub(super) struct Slots<const N: usize> {
    names: &'static [&'static str; N],
    pub(super) values: [Option<Span>; N],
}

impl<const N: usize> Slots<N> {
    pub(super) fn new(names: &'static [&'static str; N]) -> Self {
        Self {
            names,
            values: [None; N],
        }
    }

    /// The place of `key` among the names, if it is one; an error where its value could be read differently by
    /// somebody else.
    pub(super) fn find(&self, body: &[u8], key: Span) -> Result<Option<usize>, Reason> {
        // The usual key is a name as it stands; only others need their escapes decoded.
        let raw = key.of(body);
        let plain = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
        let slot = match self.names.iter().position(|name| name.as_bytes() == plain) {
            Some(slot) => Some(slot),
            None => self.find_decoded(&string(body, key).ok_or(Reason::Key)?)?,
        };
        match slot {
            Some(slot) if self.values[slot].is_some() => Err(Reason::Duplicate(self.names[slot])),
            slot => Ok(slot),
        }
    }

    fn find_decoded(&self, key: &str) -> Result<Option<usize>, Reason> {
        match self.names.iter().position(|name| is_lookalike(name, key)) {
            Some(slot) if self.names[slot] != key => Err(Reason::Lookalike(self.names[slot])),
            slot => Ok(slot),
        }
    }

    pub(super) fn is(&self, slot: Option<usize>, name: &str) -> bool {
        slot.is_some_and(|slot| self.names[slot] == name)
    }

    pub(super) fn fill(&mut self, slot: Option<usize>, value: Span) {
        if let Some(slot) = slot {
            self.values[slot] = Some(value);
        }
    }
}

/// Whether a reader that ignores case takes `key` for `name`. Go's `encoding/json` does, by Unicode's simple folding, in
/// which two letters outside ASCII stand for ASCII ones.
fn is_lookalike(name: &str, key: &str) -> bool {
    if key.is_ascii() {
        return key.eq_ignore_ascii_case(name);
    }
    let fold = |character| match character {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

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

    /// The name that `key` is, if it is one; an error where its value could be read differently by somebody else.
    pub(super) fn find(&self, body: &[u8], key: Span) -> Result<Option<&'static str>, Reason> {
        let key = string(body, key).ok_or(Reason::Key)?;
        if let Some(slot) = self.names.iter().position(|name| *name == key) {
            let name = self.names[slot];
            return if self.values[slot].is_some() {
                Err(Reason::Duplicate(name))
            } else {
                Ok(Some(name))
            };
        }
        match self.names.iter().find(|name| is_lookalike(name, &key)) {
            Some(name) => Err(Reason::Lookalike(name)),
            None => Ok(None),
        }
    }

    pub(super) fn fill(&mut self, name: Option<&'static str>, value: Span) {
        if let Some(slot) = self.names.iter().position(|known| Some(*known) == name) {
            self.values[slot] = Some(value);
        }
    }
}

/// Whether a reader that ignores case takes `key` for `name`. Go's `encoding/json` does, by Unicode's simple folding, in
/// which two letters outside ASCII stand for ASCII ones.
fn is_lookalike(name: &str, key: &str) -> bool {
    let fold = |character| match character {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

//! Values that a server was given, known again in what it says: glued to other letters, side by side, or where no word says what they are.
//!
//! They are found as they are, in any case of ASCII letters, with the slash escaped as some writers of JSON do, and with letters beyond ASCII
//! escaped as in URLs. What else a text makes of them, the view of it has undone before.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// Shorter values are not looked for, in bytes: they stand in any text.
const MIN: usize = 4;
/// What one request may be given, in values. A token that would be one more stays one: what goes to a server is known when it comes back.
const MAX: usize = 4096;

/// Values that were put back, with the labels of their tokens.
#[derive(Default)]
pub struct Given(BTreeSet<(Box<str>, Box<str>)>);

/// The same, made for the search.
pub struct Literals {
    automaton: AhoCorasick,
    /// Which label, for each pattern of the automaton.
    of: Vec<usize>,
    labels: Vec<Box<str>>,
    /// The longest pattern, in bytes.
    longest: usize,
}

impl Given {
    /// False where there is no room for it.
    pub(super) fn add(&mut self, label: &str, text: &str) -> bool {
        if text.len() < MIN {
            return true;
        }
        let value = (label.into(), text.into());
        if self.0.len() >= MAX && !self.0.contains(&value) {
            return false;
        }
        self.0.insert(value);
        true
    }

    /// Whether that has brought anything new.
    pub(super) fn extend(&mut self, other: Self) -> bool {
        let before = self.0.len();
        self.0.extend(other.0);
        self.0.len() > before
    }

    /// `None`: there is none, or, which the bounds of a value and of all rule out, no search can be made of them.
    pub(super) fn literals(&self) -> Option<Literals> {
        let mut patterns = Vec::new();
        let mut of = Vec::new();
        let mut labels: Vec<Box<str>> = Vec::new();
        for (label, text) in &self.0 {
            // The values of a label stand together.
            if labels.last() != Some(label) {
                labels.push(label.clone());
            }
            for form in forms(text) {
                patterns.push(form);
                of.push(labels.len() - 1);
            }
        }
        let longest = patterns.iter().map(String::len).max()?;
        // Made for one exchange, it must be made quickly.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(patterns)
            .ok()?;
        Some(Literals {
            automaton,
            of,
            labels,
            longest,
        })
    }
}

impl Literals {
    pub(in crate::pii) fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(AsRef::as_ref)
    }

    /// Goes on in `window`, where all that ends up to `at` is handed out, and hands out start, end and number of the label of what follows;
    /// overlapping ones too. Nothing will start before the offset that comes back.
    pub(in crate::pii) fn search(
        &self,
        window: &[u8],
        last: bool,
        at: &mut usize,
        mut found: impl FnMut(usize, usize, usize),
    ) -> usize {
        let low = at.saturating_sub(self.longest - 1);
        for value in self.automaton.find_overlapping_iter(&window[low..]) {
            if low + value.end() > *at {
                found(
                    low + value.start(),
                    low + value.end(),
                    self.of[value.pattern().as_usize()],
                );
            }
        }
        *at = window.len();
        if last {
            window.len()
        } else {
            (window.len() + 1).saturating_sub(self.longest)
        }
    }
}

/// As a value may be written: with escapes only of letters beyond ASCII, since the view of a text has undone those of signs.
fn forms(text: &str) -> BTreeSet<String> {
    // RFC 3986 section 2.1 takes digits of either case; the search does too.
    let mut escaped = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        if byte.is_ascii() {
            escaped.push(char::from(byte));
        } else {
            let _infallible = write!(escaped, "%{byte:02X}");
        }
    }
    // Of a form (WHATWG URL, application/x-www-form-urlencoded), where a blank is a plus.
    let form = escaped.replace(' ', "+");
    [text.to_owned(), text.replace('/', "\\/"), escaped, form].into()
}

/// Values never show.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}

/// Values never show.
impl fmt::Debug for Literals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Literals(..)")
    }
}

//! What one direction of a `[pii.*]` table redacts, compiled; and the search for it in a window of a text.

use std::sync::Arc;

use crate::pii::Direction;
use crate::pii::custom::{self, Custom, CustomAt, PatternError};
use crate::pii::detect::{self, AROUND, Found, Past, Sense};
use crate::pii::keep::Keep;
use crate::pii::kind::{Kind, Kinds};
use crate::pii::scan::Places;
use crate::pii::token::Literals;
use crate::snapshot::Pii;

#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    kinds: Kinds,
    keep: Arc<Keep>,
    /// By their [`Kind::Custom`] number; without a pattern where this direction does not look for it.
    custom: Arc<[Own]>,
    /// Of one exchange or session.
    literals: Option<Known>,
}

/// Values that are looked for as they are, and the types that their labels name here; `None`: the table has it no more.
#[derive(Clone, Debug)]
struct Known {
    literals: Arc<Literals>,
    kinds: Vec<Option<Kind>>,
}

/// A type of the table's own.
#[derive(Clone, Debug)]
struct Own {
    name: String,
    placeholder: String,
    pattern: Option<Custom>,
}

/// How far a search has come in one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// What is said of the whole text by its name.
    pub(super) hint: Sense,
    at: usize,
    past: Past,
    custom: Vec<CustomAt>,
    /// Up to where literals have ended.
    literal: usize,
    /// Found, and not yet known whether something overlaps its end.
    open: Vec<Found>,
}

impl Rules {
    pub(super) fn new(table: &Pii, direction: Direction) -> Result<Self, PatternError> {
        let wanted = match direction {
            Direction::Request => &table.requests,
            Direction::Response => &table.responses,
        };
        let wants = |name: &str| wanted.iter().any(|wanted| wanted == name || wanted == "all");
        let mut rules = Self::default();
        for kind in Kind::BUILT_IN {
            if wants(kind.name()) {
                rules.kinds.insert(kind);
            }
        }
        let mut own = Vec::with_capacity(table.custom.len());
        for (name, custom) in &table.custom {
            let pattern = wants(name.as_str()).then(|| Custom::new(name, custom)).transpose()?;
            own.push(Own {
                name: name.to_string(),
                placeholder: custom.placeholder.clone(),
                pattern,
            });
        }
        rules.custom = own.into();
        let mut keep = Keep::default();
        for (name, values) in &table.keep {
            if let Some(kind) = rules.kind(name) {
                for value in values {
                    keep.insert(kind, value);
                }
            }
        }
        rules.keep = Arc::new(keep);
        Ok(rules)
    }

    pub(super) fn strict() -> Self {
        let mut rules = Self::default();
        for kind in Kind::BUILT_IN {
            rules.kinds.insert(kind);
        }
        rules
    }

    /// The same, and these values wherever they stand.
    pub(super) fn knowing(&self, literals: Arc<Literals>) -> Self {
        let customs = (0..).zip(&*self.custom).map(|(number, _)| Kind::Custom(number));
        let all: Vec<Kind> = Kind::BUILT_IN.into_iter().chain(customs).collect();
        let of = |label: &str| all.iter().copied().find(|kind| self.label(*kind) == label);
        let kinds = literals.labels().map(of).collect();
        Self {
            literals: Some(Known { literals, kinds }),
            ..self.clone()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && !self.joins()
    }

    /// Is more looked for than the built-in types, so that a place says nothing and values may overlap?
    pub(super) fn joins(&self) -> bool {
        self.has_custom() || self.literals.is_some()
    }

    /// The type of some value that is looked for as it is.
    pub(super) fn literal(&self) -> Option<Kind> {
        self.literals.as_ref()?.kinds.iter().find_map(|kind| *kind)
    }

    pub(super) fn has_custom(&self) -> bool {
        self.custom.iter().any(|own| own.pattern.is_some())
    }

    pub(super) fn placeholder(&self, kind: Kind) -> &str {
        self.own(kind).map_or(kind.placeholder(), |own| &own.placeholder)
    }

    pub(super) fn name(&self, kind: Kind) -> &str {
        self.own(kind).map_or(kind.name(), |own| &own.name)
    }

    /// `CREDIT_CARD`: what tokens of a type begin with.
    pub(super) fn label(&self, kind: Kind) -> String {
        self.name(kind).to_ascii_uppercase().replace('-', "_")
    }

    fn own(&self, kind: Kind) -> Option<&Own> {
        match kind {
            Kind::Custom(number) => self.custom.get(usize::from(number)),
            _ => None,
        }
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        let own = || self.custom.iter().position(|own| own.name == name);
        Kind::BUILT_IN
            .into_iter()
            .find(|kind| kind.name() == name)
            .or_else(|| Some(Kind::Custom(u16::try_from(own()?).ok()?)))
    }

    /// Goes on in `window`, whose start is the text's or stands at least [`AROUND`] bytes before what is not judged yet. What
    /// is found is handed out in order; up to the offset that comes back the window is done with.
    pub(super) fn search(&self, window: &[u8], last: bool, cursor: &mut Cursor, mut found: impl FnMut(Found)) -> usize {
        let horizon = if last {
            window.len()
        } else {
            window.len().saturating_sub(AROUND)
        };
        let joins = self.joins();
        if !self.kinds.is_empty() {
            for place in Places::new(window, cursor.at) {
                if place >= horizon {
                    break;
                }
                if place < cursor.past.floor() {
                    continue;
                }
                if let Some(value) = detect::judge(window, place, &cursor.past, cursor.hint, self.kinds, &self.keep) {
                    cursor.past.push(value.start, value.end, value.kind);
                    if joins { cursor.open.push(value) } else { found(value) }
                }
            }
        }
        cursor.at = horizon.max(cursor.at);
        let done = if last {
            window.len()
        } else {
            horizon.saturating_sub(AROUND).max(cursor.past.floor())
        };
        if joins {
            self.merge(window, last, done, cursor, found)
        } else {
            done
        }
    }

    /// Joins the built-in and the custom types and the literals: of two that overlap, the first gives its name and both are hidden.
    fn merge(
        &self,
        window: &[u8],
        last: bool,
        mut done: usize,
        cursor: &mut Cursor,
        mut found: impl FnMut(Found),
    ) -> usize {
        cursor.custom.resize(self.custom.len(), CustomAt::default());
        for ((number, own), at) in (0..).zip(&*self.custom).zip(&mut cursor.custom) {
            let Some(custom) = &own.pattern else { continue };
            let kind = Kind::Custom(number);
            let sure = custom.search(window, last, at, |start, end| {
                if !self.keep.holds(kind, &window[start..end]) {
                    cursor.open.push(Found { start, end, kind });
                }
            });
            done = done.min(sure);
        }
        if let Some(Known { literals, kinds }) = &self.literals {
            let sure = literals.search(window, last, &mut cursor.literal, |start, end, label| {
                if let Some(kind) = kinds[label].filter(|kind| !self.keep.holds(*kind, &window[start..end])) {
                    cursor.open.push(Found { start, end, kind });
                }
            });
            done = done.min(sure);
        }
        cursor
            .open
            .sort_by_key(|found| (found.start, std::cmp::Reverse(found.end)));
        let mut joined: Vec<Found> = Vec::with_capacity(cursor.open.len());
        for value in cursor.open.drain(..) {
            match joined.last_mut() {
                Some(before) if value.end <= before.end => {}
                // A chain of them has no end that would be waited for.
                Some(before) if value.start < before.end && value.end - before.start > custom::MAX_VALUE => {
                    let rest = Found {
                        start: before.end,
                        end: value.end,
                        kind: before.kind,
                    };
                    joined.push(rest);
                }
                Some(before) if value.start < before.end => before.end = value.end,
                _ => joined.push(value),
            }
        }
        for value in joined {
            if last || value.end <= done {
                found(value);
            } else {
                done = done.min(value.start);
                cursor.open.push(value);
            }
        }
        done
    }
}

impl Cursor {
    pub(super) fn new(hint: Sense) -> Self {
        Self {
            hint,
            ..Self::default()
        }
    }

    /// After `count` bytes at the front of the window were let go.
    pub(super) fn shift(&mut self, count: usize) {
        self.at -= count;
        self.past.shift(count);
        for at in &mut self.custom {
            at.shift(count);
        }
        self.literal = self.literal.saturating_sub(count);
        for value in &mut self.open {
            value.start -= count;
            value.end -= count;
        }
    }
}

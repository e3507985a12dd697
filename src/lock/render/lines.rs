//! A difference as lines: what every rendering for people is made of.

use std::collections::BTreeSet;

use super::super::diff::{Change, Field, What};
use super::super::write::{Compact, Pretty, write_string};
use super::super::{Diff, Lock};
use super::text::{Row, Word, rows};
use crate::mcp::Json;
use crate::text::{count, safe};

/// Characters of a value that stands beside its place rather than below it.
const SHORT: usize = 60;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sign {
    Came,
    Changed,
    Gone,
    None,
}

/// One line, safe to print.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Line {
    pub(super) sign: Sign,
    /// In steps to the right.
    pub(super) depth: usize,
    pub(super) words: Vec<Word>,
}

/// Everything that differs.
pub(super) fn of_diff(diff: &Diff) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some((before, after)) = &diff.protocol {
        let text = format!("protocol {} -> {}", safe(before), safe(after));
        lines.push(Line::new(Sign::Changed, 0, text));
    }
    diff.changes.iter().for_each(|change| of_change(change, &mut lines));
    lines
}

/// What a server without a lock lists: by name, since all of it is to be read in the file.
pub(super) fn of_new(live: &Lock) -> Vec<Line> {
    let tools = live.tools.keys().map(|name| ("tool", name));
    let prompts = live.prompts.keys().map(|name| ("prompt", name));
    let templates = live.templates.keys().map(|name| ("template", name));
    let all = tools.chain(prompts).chain(templates);
    all.map(|(kind, name)| Line::new(Sign::Came, 0, format!("{kind} {}", safe(name))))
        .collect()
}

fn of_change(change: &Change, lines: &mut Vec<Line>) {
    let title = format!("{} {}", change.kind, safe(&change.name));
    match &change.what {
        What::Changed(fields) => {
            lines.push(Line::new(Sign::Changed, 0, title));
            for field in fields {
                of_field(field, lines);
            }
        }
        What::Gone => lines.push(Line::new(Sign::Gone, 0, format!("{title}: not listed any more"))),
        What::New(fields) => {
            lines.push(Line::new(Sign::Came, 0, format!("{title}: new")));
            for field in fields {
                of_field(field, lines);
            }
        }
        What::Renamed { from } => {
            let text = format!("{title}: renamed, it was {}", safe(from));
            lines.push(Line::new(Sign::Changed, 0, text));
        }
    }
}

fn of_field(field: &Field, lines: &mut Vec<Line>) {
    lines.push(Line::new(Sign::None, 1, field.words.to_owned()));
    let mut place = Place {
        pointer: String::new(),
        lines,
    };
    place.compare(field.before.as_ref(), field.after.as_ref());
}

/// Where in a field it is being compared, as a JSON pointer.
struct Place<'a> {
    pointer: String,
    lines: &'a mut Vec<Line>,
}

impl Place<'_> {
    fn compare(&mut self, before: Option<&Json>, after: Option<&Json>) {
        match (before, after) {
            (Some(before), Some(after)) if before == after => {}
            (Some(Json::Object(before)), Some(Json::Object(after))) => {
                let keys: BTreeSet<&Box<str>> = before.keys().chain(after.keys()).collect();
                for key in keys {
                    self.within(key, |place| place.compare(before.get(key), after.get(key)));
                }
            }
            (Some(Json::Array(before)), Some(Json::Array(after))) => self.arrays(before, after),
            (Some(Json::String(before)), Some(Json::String(after))) => self.texts(before, after),
            (None, Some(Json::String(after))) if self.pointer.is_empty() => self.texts("", after),
            (Some(Json::String(before)), None) if self.pointer.is_empty() => self.texts(before, ""),
            (before, after) => {
                self.value(Sign::Gone, before);
                self.value(Sign::Came, after);
            }
        }
    }

    /// What both begin and end with is the same; elements between are compared one by one where there are as many.
    fn arrays(&mut self, before: &[Json], after: &[Json]) {
        let start = before
            .iter()
            .zip(after)
            .take_while(|(before, after)| before == after)
            .count();
        let (before, after) = (&before[start..], &after[start..]);
        let end = before
            .iter()
            .rev()
            .zip(after.iter().rev())
            .take_while(|(before, after)| before == after)
            .count();
        let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
        if before.len() == after.len() {
            for (at, (before, after)) in before.iter().zip(after).enumerate() {
                self.within(&(start + at).to_string(), |place| {
                    place.compare(Some(before), Some(after));
                });
            }
            return;
        }
        for (sign, elements) in [(Sign::Gone, before), (Sign::Came, after)] {
            for (at, element) in elements.iter().enumerate() {
                self.within(&(start + at).to_string(), |place| place.value(sign, Some(element)));
            }
        }
    }

    fn texts(&mut self, before: &str, after: &str) {
        let depth = if self.pointer.is_empty() {
            2
        } else {
            if before.len().max(after.len()) <= SHORT {
                self.value(Sign::Gone, Some(&Json::String(before.into())));
                self.value(Sign::Came, Some(&Json::String(after.into())));
                return;
            }
            self.lines.push(Line::new(Sign::None, 2, self.shown()));
            3
        };
        let lines = rows(before, after).into_iter().map(|row| match row {
            Row::Came(words) => Line {
                sign: Sign::Came,
                depth,
                words,
            },
            Row::Gone(words) => Line {
                sign: Sign::Gone,
                depth,
                words,
            },
            Row::Kept(text) => Line::new(Sign::None, depth, text),
            Row::Skipped(pieces) => Line::new(Sign::None, depth, format!("… {} unchanged", count(pieces, "sentence"))),
        });
        self.lines.extend(lines);
    }

    fn value(&mut self, sign: Sign, json: Option<&Json>) {
        let Some(json) = json else { return };
        let label = if self.pointer.is_empty() {
            String::new()
        } else {
            format!("{}: ", self.shown())
        };
        let compact = Compact(json).to_string();
        if compact.chars().count() <= SHORT {
            self.lines.push(Line::new(sign, 2, format!("{label}{compact}")));
            return;
        }
        let pretty = Pretty(json).to_string();
        let lines = pretty.lines().enumerate();
        self.lines.extend(lines.map(|(at, line)| {
            let label = if at == 0 { &*label } else { "" };
            Line::new(sign, 2, format!("{label}{line}"))
        }));
    }

    fn within(&mut self, key: &str, compare: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        compare(self);
        self.pointer.truncate(length);
    }

    /// A pointer with anything in it that could be taken for something else stands in quotes.
    fn shown(&self) -> String {
        struct Quoted<'a>(&'a str);
        impl std::fmt::Display for Quoted<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write_string(f, self.0)
            }
        }
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "/_-$.~".contains(letter);
        if self.pointer.chars().all(plain) {
            self.pointer.clone()
        } else {
            Quoted(&self.pointer).to_string()
        }
    }
}

impl Line {
    fn new(sign: Sign, depth: usize, text: String) -> Self {
        Self {
            sign,
            depth,
            words: vec![Word { text, differs: false }],
        }
    }
}

impl Sign {
    pub(super) fn letter(self) -> char {
        match self {
            Self::Came => '+',
            Self::Changed => '~',
            Self::Gone => '-',
            Self::None => ' ',
        }
    }
}

//! The files that findings speak about: names, texts, and what in them no finding may show.

use std::ops::Range;
use std::sync::Arc;

use crate::text;

/// One file of [`Sources`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId(usize);

impl FileId {
    /// In the order of [`Sources::add`], from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Bytes of a file's text, from `start` up to but not `end`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

/// Where something stands; without a span it is about the whole file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    pub file: FileId,
    pub span: Option<Span>,
}

impl Place {
    pub fn new(file: FileId, span: impl Into<Span>) -> Self {
        Self {
            file,
            span: Some(span.into()),
        }
    }

    pub fn whole(file: FileId) -> Self {
        Self { file, span: None }
    }
}

/// For people: both count from 1, the column by characters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug)]
pub struct Source {
    /// As shown to people: the PATH as given, and the file below it.
    pub name: String,
    pub text: Arc<str>,
    hidden: Vec<Span>,
}

#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        self.0.push(Source {
            name: name.into(),
            text: text.into(),
            hidden: Vec::new(),
        });
        FileId(self.0.len() - 1)
    }

    /// The text of a file that was added before it was read.
    pub fn set_text(&mut self, file: FileId, text: impl Into<Arc<str>>) {
        self.0[file.0].text = text.into();
    }

    /// From now on no rendering shows these bytes.
    pub fn hide(&mut self, place: Place) {
        if let Some(span) = place.span {
            self.0[place.file.0].hidden.push(span);
        }
    }

    pub fn get(&self, file: FileId) -> &Source {
        &self.0[file.0]
    }

    pub fn name(&self, file: FileId) -> &str {
        &self.0[file.0].name
    }

    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.0.iter().enumerate().map(|(index, source)| (FileId(index), source))
    }

    /// `None` for a place without span.
    pub fn position(&self, place: Place) -> Option<Position> {
        Some(self.get(place.file).position(place.span?.start))
    }

    /// `file:line:column`, or the file alone.
    pub fn display(&self, place: Place) -> String {
        let name = self.name(place.file);
        match self.position(place) {
            Some(Position { line, column }) => format!("{name}:{line}:{column}"),
            None => name.to_owned(),
        }
    }
}

impl Source {
    /// Of a byte offset; one past the end is fine, one inside a character counts as its start.
    pub fn position(&self, offset: usize) -> Position {
        let before = &self.text[..text::floor(&self.text, offset)];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line,
            column: before[start..].chars().count() + 1,
        }
    }

    /// Sorted, joined where they overlap.
    pub(super) fn hidden(&self) -> Vec<Span> {
        let mut spans = self.hidden.clone();
        spans.sort();
        let mut joined: Vec<Span> = Vec::new();
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "x = 1\nä = \"ö\"\n");
        let text = sources.get(file).text.clone();
        let quote = text.find('"').unwrap();
        assert_eq!(sources.display(Place::new(file, quote..quote + 1)), "a.toml:2:5");
        assert_eq!(sources.display(Place::new(file, text.len()..text.len())), "a.toml:3:1");
        assert_eq!(sources.display(Place::whole(file)), "a.toml");
    }
}

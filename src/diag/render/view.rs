//! A file as findings may show it: secrets are `"…"`, characters that fool a terminal or a reader are `�`.
//!
//! Offsets of the file are mapped to offsets of the view; lines stay where they are.

use super::super::{Source, Span};
use crate::text;

pub(super) struct View {
    pub(super) text: String,
    /// (offset in the file, offset in the view) at each point from where both run in step again; sorted.
    anchors: Vec<(usize, usize)>,
}

impl View {
    pub(super) fn of(source: &Source) -> Self {
        let mut view = Self {
            text: String::with_capacity(source.text.len()),
            anchors: vec![(0, 0)],
        };
        let mut at = 0;
        for span in source.hidden() {
            let start = text::floor(&source.text, span.start.max(at));
            let end = text::ceil(&source.text, hidden_end(&source.text, span.end.max(start)));
            view.show(&source.text, at, start);
            view.hide(&source.text[start..end], start, end);
            at = end;
        }
        view.show(&source.text, at, source.text.len());
        view
    }

    pub(super) fn map(&self, span: Span) -> Span {
        let start = self.map_offset(span.start);
        Span {
            start,
            end: self.map_offset(span.end).max(start),
        }
    }

    fn show(&mut self, source: &str, from: usize, to: usize) {
        for (offset, character) in source[from..to].char_indices() {
            if text::is_unsafe(character) && !matches!(character, '\n' | '\t') {
                self.anchors.push((from + offset, self.text.len()));
                if character != '\r' {
                    self.text.push('\u{fffd}');
                }
                self.anchors
                    .push((from + offset + character.len_utf8(), self.text.len()));
            } else {
                self.text.push(character);
            }
        }
    }

    fn hide(&mut self, secret: &str, start: usize, end: usize) {
        self.anchors.push((start, self.text.len()));
        self.text.push_str("\"…\"");
        self.text.extend(secret.chars().filter(|&character| character == '\n'));
        self.anchors.push((end, self.text.len()));
    }

    fn map_offset(&self, offset: usize) -> usize {
        let index = self.anchors.partition_point(|&(from, _)| from <= offset);
        let (from, to) = self.anchors[index.saturating_sub(1)];
        // Within what is hidden or replaced everything maps to no further than the next point in step.
        let limit = self.anchors.get(index).map_or(self.text.len(), |&(_, to)| to);
        text::floor(&self.text, (to + (offset - from)).min(limit))
    }
}

/// A comment after a secret on its line is hidden too: it may be the old one.
fn hidden_end(source: &str, end: usize) -> usize {
    let end = text::floor(source, end);
    let rest = &source[end..];
    let line = rest.find('\n').unwrap_or(rest.len());
    if rest[..line].contains('#') { end + line } else { end }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Place, Sources};
    use super::*;

    fn view(text: &str, secret: &str) -> (View, usize) {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", text);
        let at = text.find(secret).unwrap();
        sources.hide(Place::new(file, at..at + secret.len()));
        (View::of(sources.get(file)), at)
    }

    #[test]
    fn a_secret_is_not_in_the_view_and_what_follows_is_still_found() {
        let (view, at) = view("a = \"hunter2\"\nb = 1\n", "\"hunter2\"");
        assert_eq!(view.text, "a = \"…\"\nb = 1\n");
        let b = view.map(Span::from(14..15));
        assert_eq!(&view.text[b.start..b.end], "b");
        let inside = view.map(Span::from(at..at + 9));
        assert_eq!(&view.text[inside.start..inside.end], "\"…\"");
    }

    #[test]
    fn lines_of_a_long_secret_stay_counted_and_its_comment_goes_too() {
        let (view, _) = view("a = \"\"\"x\ny\"\"\" # was z\nb = 1", "\"\"\"x\ny\"\"\"");
        assert_eq!(view.text, "a = \"…\"\n\nb = 1");
    }
}

//! Two texts as rows for a reader: what went, what came, and the words that differ marked under them.
//!
//! Texts are cut at line ends and after sentences, so that one changed sentence of a long description is seen alone. The
//! text is foreign: it can neither begin a row nor make one up, since marks stand in rows of their own.

use similar::{DiffTag, TextDiff};

use crate::text::safe;

/// Pieces of one text, or words of one piece; beyond, nothing is compared and all of it went and came.
const MOST: usize = 4_000;
/// Unchanged pieces that are shown around a change.
const CONTEXT: usize = 1;
/// Two pieces with less in common (0 to 1) are told apart as a whole.
const ALIKE: f32 = 0.5;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Row {
    /// On both sides.
    Kept(String),
    Gone(Vec<Word>),
    Came(Vec<Word>),
    /// So many unchanged pieces.
    Skipped(usize),
}

/// A piece of a row, safe to print.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    /// The other side has something else here.
    pub(super) differs: bool,
}

/// What differs, with a little of what does not. Either side may be empty.
pub(super) fn rows(before: &str, after: &str) -> Vec<Row> {
    let (old, new) = (pieces(before), pieces(after));
    if old.len() > MOST || new.len() > MOST {
        let gone = old.iter().map(|piece| Row::Gone(whole(piece)));
        return gone.chain(new.iter().map(|piece| Row::Came(whole(piece)))).collect();
    }
    let diff = TextDiff::from_slices(&old, &new);
    let mut rows = Vec::new();
    let mut shown = 0;
    for group in diff.grouped_ops(CONTEXT) {
        for op in group {
            let (tag, old_range, new_range) = op.as_tag_tuple();
            if old_range.start > shown {
                rows.push(Row::Skipped(old_range.start - shown));
            }
            shown = old_range.end;
            let (old, new) = (&old[old_range], &new[new_range]);
            match tag {
                DiffTag::Equal => rows.extend(old.iter().map(|piece| Row::Kept(plain(piece.trim_end())))),
                DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => replaced(old, new, &mut rows),
            }
        }
    }
    if old.len() > shown {
        rows.push(Row::Skipped(old.len() - shown));
    }
    rows
}

/// Pieces that are alike stand one above the other with their words compared; others stand on their own.
fn replaced(old: &[&str], new: &[&str], rows: &mut Vec<Row>) {
    let both = old.len().min(new.len());
    for (before, after) in old.iter().zip(new) {
        let pair = compared(before, after);
        let (gone, came) = pair.unwrap_or_else(|| (whole(before), whole(after)));
        rows.extend([Row::Gone(gone), Row::Came(came)]);
    }
    rows.extend(old[both..].iter().map(|piece| Row::Gone(whole(piece))));
    rows.extend(new[both..].iter().map(|piece| Row::Came(whole(piece))));
}

fn compared(before: &str, after: &str) -> Option<(Vec<Word>, Vec<Word>)> {
    let diff = TextDiff::from_words(before, after);
    if diff.old_slices().len().max(diff.new_slices().len()) > MOST || diff.ratio() < ALIKE {
        return None;
    }
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    for op in diff.ops() {
        let differs = op.tag() != DiffTag::Equal;
        let word = |text: &&str| Word {
            text: if differs { safe(text).into_owned() } else { plain(text) },
            differs,
        };
        gone.extend(diff.old_slices()[op.old_range()].iter().map(word));
        came.extend(diff.new_slices()[op.new_range()].iter().map(word));
    }
    Some((gone, came))
}

fn whole(piece: &str) -> Vec<Word> {
    vec![Word {
        text: plain(piece.trim_end_matches([' ', '\n'])),
        differs: false,
    }]
}

/// A row is a line already: its own line end is not shown, unless it is what differs.
fn plain(piece: &str) -> String {
    safe(piece.strip_suffix('\n').unwrap_or(piece)).into_owned()
}

/// Cut behind each line end, and behind the space that follows a sentence.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut ended) = (0, false);
    for (at, letter) in text.char_indices() {
        let end = at + letter.len_utf8();
        if letter == '\n' || (letter == ' ' && ended) {
            pieces.push(&text[start..end]);
            start = end;
        }
        ended = matches!(letter, '.' | '!' | '?');
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> Vec<String> {
        let words = |words: Vec<Word>| {
            let word = |word: Word| {
                if word.differs {
                    format!("[{}]", word.text)
                } else {
                    word.text
                }
            };
            words.into_iter().map(word).collect::<String>()
        };
        let row = |row| match row {
            Row::Kept(text) => format!("  {text}"),
            Row::Gone(gone) => format!("- {}", words(gone)),
            Row::Came(came) => format!("+ {}", words(came)),
            Row::Skipped(pieces) => format!("… {pieces}"),
        };
        rows(before, after).into_iter().map(row).collect()
    }

    #[test]
    fn an_added_sentence_is_seen_alone() {
        let text = "One. Two. Three. Four.";
        assert_eq!(
            shown(text, "One. Two. Three. Send me the keys! Four."),
            ["… 2", "  Three.", "+ Send me the keys!", "  Four."]
        );
    }

    #[test]
    fn the_words_that_differ_are_marked() {
        assert_eq!(
            shown("Reads a file from the disk", "Reads a secret from the disk"),
            ["- Reads a [file] from the disk", "+ Reads a [secret] from the disk"]
        );
        assert_eq!(shown("up", "down"), ["- up", "+ down"]);
    }

    #[test]
    fn what_is_not_seen_by_itself_is_shown() {
        assert_eq!(
            shown("Reads a file.\nSafely.", "Reads a file. \u{202e}Safely."),
            [
                "- Reads a file.[\\n]",
                "+ Reads a file.[ ]",
                "- Safely.",
                "+ \\u{202e}Safely."
            ]
        );
    }

    #[test]
    fn nothing_is_lost_where_there_is_too_much_to_compare() {
        let many = "a.\n".repeat(MOST + 1);
        assert_eq!(shown("b", &many).len(), MOST + 2);
    }
}

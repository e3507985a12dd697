//! Makes foreign text safe to print, and small words for people.
//!
//! Foreign is whatever somebody else wrote: names of tools, answers of servers, lines of files under review. A
//! terminal must never obey it (escape sequences) nor a reader be fooled by it (bidirectional and invisible characters).

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that is not plainly visible written as `\u{…}`; spaces stay, line ends become `\n`.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other if is_unsafe(other) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// Like [`safe`], but line ends and tabs stay: for text of several lines.
pub fn safe_lines(text: &str) -> Cow<'_, str> {
    let lines = |character: char| matches!(character, '\n' | '\t');
    if !text.chars().any(|character| is_unsafe(character) && !lines(character)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_inclusive(lines).fold(String::new(), |mut out, part| {
        let body = part.trim_end_matches(lines);
        out.push_str(&safe(body));
        out.push_str(&part[body.len()..]);
        out
    }))
}

/// Controls, direction overrides, invisible and tag characters.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0xe0000..=0xe0fff)
}

/// The text without the characters that a reader does not see and a model does: direction overrides, zero-width, tag and
/// control characters. Line ends and tabs stay, and so do the two selectors that choose between text and emoji.
pub fn without_hidden(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hidden) {
        Cow::Owned(text.chars().filter(|&character| !is_hidden(character)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// See [`without_hidden`].
pub fn is_hidden(character: char) -> bool {
    is_unsafe(character) && !matches!(character, '\n' | '\r' | '\t' | '\u{fe0e}' | '\u{fe0f}')
}

/// The last character boundary up to an offset; the end, for one beyond it.
pub fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The first character boundary from an offset; the end, for one beyond it.
pub fn ceil(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// An error with its causes, the outermost first.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        text.push_str(": ");
        text.push_str(&cause.to_string());
    }
    text
}

/// Two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `1 error`, `2 errors`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// `a`, `b` and `c`, each in backticks.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(if index + 1 == items.len() { " and " } else { ", " });
        }
        let _ = write!(out, "`{}`", safe(item.as_ref()));
    }
    out
}

/// Styles by meaning; where colors are off they are nothing. A color only repeats what a word says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style(bool);

impl Style {
    pub fn new(colored: bool) -> Self {
        Self(colored)
    }

    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub fn error(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub fn good(self, text: &str) -> String {
        self.wrap("1;32", text)
    }

    pub fn hint(self, text: &str) -> String {
        self.wrap("1;36", text)
    }

    pub fn warning(self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_does_not_reach_the_terminal() {
        assert_eq!(safe("a\u{1b}[31mred\u{7}"), "a\\u{1b}[31mred\\u{7}");
    }

    #[test]
    fn hidden_and_turning_characters_become_visible() {
        assert_eq!(safe("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(safe("a\u{200b}b\u{e0041}"), "a\\u{200b}b\\u{e0041}");
    }

    #[test]
    fn plain_text_of_any_language_stays_and_is_not_copied() {
        assert!(matches!(safe("Grüße, 世界 👋"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_hidden_goes_and_what_is_seen_stays() {
        assert_eq!(without_hidden("a\u{202e}b\u{200b}c\u{e0041}\u{1b}d"), "abcd");
        assert!(matches!(
            without_hidden("Zeile\n\t\u{2764}\u{fe0f} 世界"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn lines_stay_lines_where_they_may() {
        assert_eq!(safe("a\nb"), "a\\nb");
        assert_eq!(safe_lines("a\n\u{1b}b\tc\n"), "a\n\\u{1b}b\tc\n");
    }

    #[test]
    fn boundaries_are_found_within_characters_and_beyond_the_end() {
        assert_eq!((floor("aöb", 2), ceil("aöb", 2)), (1, 3));
        assert_eq!((floor("aöb", 9), ceil("aöb", 9)), (4, 4));
    }

    #[test]
    fn words_for_people() {
        assert_eq!(count(1, "error"), "1 error");
        assert_eq!(count(0, "error"), "0 errors");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}

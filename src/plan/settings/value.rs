//! Values of tables as a plan shows them: in the words of the files, secrets as references.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

/// What stands at a key. Equal values are equal in what is compared, also where that is not shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    One(Word),
    /// In order.
    List(Vec<Word>),
}

/// One value, as it would be written in the files.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub struct Word {
    shown: String,
    /// Compared and never shown.
    hidden: Option<String>,
}

impl Word {
    /// `"text"`.
    pub(in crate::plan) fn quoted(text: &str) -> Self {
        Self::plain(quote(text))
    }

    /// A number, a duration, a reference: what needs no quotes.
    pub fn plain(text: impl Display) -> Self {
        Self {
            shown: text.to_string(),
            hidden: None,
        }
    }

    /// Shows `shown` and compares `hidden`.
    pub(in crate::plan) fn hiding(shown: impl Display, hidden: impl Display) -> Self {
        Self {
            shown: shown.to_string(),
            hidden: Some(hidden.to_string()),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.shown
    }
}

impl Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(word) => f.write_str(&word.shown),
            Self::List(words) => {
                f.write_char('[')?;
                for (index, word) in words.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    f.write_str(&word.shown)?;
                }
                f.write_char(']')
            }
        }
    }
}

/// A basic string of TOML.
pub(in crate::plan) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A key of TOML: bare where it may be.
pub(in crate::plan) fn key(text: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !text.is_empty() && text.bytes().all(bare) {
        text.to_owned()
    } else {
        quote(text)
    }
}

/// `30s`, `5m`, `1h`, `30d`: in the largest unit that is exact.
pub(in crate::plan) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if time.subsec_millis() != 0 {
        return format!("{}ms", time.as_millis());
    }
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units
        .iter()
        .find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    unit.map_or_else(
        || format!("{seconds}s"),
        |(length, name)| format!("{}{name}", seconds / length),
    )
}

/// `64KiB`, `4MiB`, `1GiB`: in the largest unit that is exact.
pub(in crate::plan) fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units
        .iter()
        .find(|(shift, _)| bytes >> shift > 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(
        || format!("{bytes}B"),
        |(shift, name)| format!("{}{name}", bytes >> shift),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_in_the_files() {
        let seconds = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(
            [seconds(0), seconds(90), seconds(120), seconds(7200), seconds(2_592_000)],
            ["0s", "90s", "2m", "2h", "30d"]
        );
        assert_eq!(
            [size(1000), size(65_536), size(4 << 20), size(1 << 31)],
            ["1000B", "64KiB", "4MiB", "2GiB"]
        );
        assert_eq!(quote("a\"b\\\n\u{1b}"), "\"a\\\"b\\\\\\n\\u001B\"");
    }

    #[test]
    fn what_is_hidden_counts_and_is_not_shown() {
        let (one, two) = (Word::hiding("…", "a"), Word::hiding("…", "b"));
        assert_ne!(one, two);
        assert_eq!(format!("{one} {one:?}"), "… …");
    }
}

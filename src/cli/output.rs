//! Where words go: stdout carries what was asked for, stderr everything else.

use std::io::{self, IsTerminal, Write};

use super::arguments::ColorWhen;
use super::exit::Failure;
pub(super) use crate::text::Style;
use crate::text::is_unsafe;

/// The two streams and what their readers can show.
pub(super) struct Output {
    color: ColorWhen,
    no_color: bool,
}

#[expect(clippy::unused_self, reason = "whoever was given no output cannot write")]
impl Output {
    pub(super) fn new(color: ColorWhen) -> Self {
        // https://no-color.org: present and not empty, whatever its value.
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { color, no_color }
    }

    /// Writes what was asked for, whole.
    pub(super) fn data(&self, text: impl AsRef<[u8]>) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_ref())?;
        Ok(stdout.flush()?)
    }

    /// Writes a pretty JSON document.
    pub(super) fn json(&self, value: &serde_json::Value) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(Failure::new)?;
        self.data(json_for_terminals(&text))
    }

    /// The same JSON, safe for a terminal.
    #[must_use]
    pub(super) fn escaped(&self, json: &str) -> String {
        let mut escaped = json_for_terminals(json);
        escaped.pop();
        escaped
    }

    /// Tells something beside the data. That stderr is closed is no reason to stop.
    pub(super) fn tell(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    pub(super) fn warn(&self, message: &str) {
        self.tell(&format!("{} {message}", self.stderr_style().warning("warning:")));
    }

    pub(super) fn error(&self, message: &str, hint: Option<&str>) {
        let style = self.stderr_style();
        self.tell(&format!("{} {message}", style.error("error:")));
        if let Some(hint) = hint {
            self.tell(&format!("\n{} {hint}", style.hint("hint:")));
        }
    }

    pub(super) fn stdout_style(&self) -> Style {
        Style::new(self.colored(io::stdout().is_terminal()))
    }

    pub(super) fn stderr_style(&self) -> Style {
        Style::new(self.colored(io::stderr().is_terminal()))
    }

    pub(super) fn is_stdout_colored(&self) -> bool {
        self.colored(io::stdout().is_terminal())
    }

    pub(super) fn is_stderr_colored(&self) -> bool {
        self.colored(io::stderr().is_terminal())
    }

    /// Columns to wrap at; `None` where nobody looks at it, and lines stay whole.
    pub(super) fn width(&self) -> Option<usize> {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
        (size.ws_col >= 20).then_some(usize::from(size.ws_col))
    }

    fn colored(&self, terminal: bool) -> bool {
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => terminal && !self.no_color && !is_dumb(),
        }
    }
}

/// The same document with every character escaped that a terminal would obey; they only stand in strings. Line ends and
/// tabs outside of strings are the layout.
fn json_for_terminals(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if character != '\n' && is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing into a String does not fail.
                let _ = std::fmt::Write::write_fmt(&mut out, format_args!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out.push('\n');
    out
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_document_and_moves_no_cursor() {
        let value = serde_json::json!({ "a\u{9b}2J": ["\u{202e}x", "\u{e0041}\n", "Grüße"] });
        let text = json_for_terminals(&serde_json::to_string_pretty(&value).unwrap());
        assert!(
            !text.chars().any(|character| character != '\n' && is_unsafe(character)),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}

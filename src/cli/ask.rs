//! A question to whoever sits at the terminal. Nobody is asked where there is none.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use super::exit::Failure;

/// May somebody be asked? Both what is asked and the answer must be a person's.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Anything but a clear yes is no. `question` must be safe to print.
pub(super) fn yes(question: &str) -> Result<bool, Failure> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    drop(stderr);
    let mut line = String::new();
    io::stdin().lock().take(64).read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

//! `mcpgw hash-password`: reads a password from the terminal, unseen, or from a pipe, and prints its hash.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::exit::{Exit, Failure, Outcome};
use super::output::Output;

/// What a person types; more is a mistake (a file piped in), not a password.
const LONGEST: u64 = 1024;

pub(super) fn run(output: &Output) -> Outcome {
    let password = if io::stdin().is_terminal() {
        ask_twice()?
    } else {
        read_line()?
    };
    if password.is_empty() {
        return Err(Failure::new("the password is empty"));
    }
    output.data(hash(&password)? + "\n")?;
    Ok(Exit::Fine)
}

/// The PHC string that `password-hash` takes: Argon2id with the library's parameters (19 MiB, 2 passes) and a new salt.
fn hash(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| Failure::new(format_args!("cannot hash the password: {error}")))?;
    Ok(hash.to_string())
}

fn ask_twice() -> Result<String, Failure> {
    let hidden = Hidden::start()?;
    let first = ask("Password: ")?;
    let again = ask("Again: ")?;
    drop(hidden);
    if first == again {
        Ok(first)
    } else {
        Err(Failure::new("the two passwords differ"))
    }
}

/// The question goes to stderr: stdout is for the hash.
fn ask(question: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let line = read_line();
    writeln!(stderr)?;
    line
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(LONGEST + 2)
        .read_line(&mut line)
        .map_err(|error| Failure::new(format_args!("cannot read the password: {error}")))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.len() as u64 > LONGEST {
        return Err(Failure::new(format_args!(
            "the password is longer than {LONGEST} bytes"
        )));
    }
    Ok(password.to_owned())
}

/// While it lives, the terminal does not show what is typed.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn start() -> Result<Self, Failure> {
        let failed = |error| Failure::new(format_args!("cannot hide what is typed: {error}"));
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet).map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // There is nobody left to tell if even this fails.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordVerifier;
    use argon2::password_hash::phc::PasswordHash;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let text = hash("correct horse").unwrap();
        let parsed = PasswordHash::new(&text).unwrap();
        assert!(text.starts_with("$argon2id$v=19$"));
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct horsf", &parsed).is_err());
    }
}

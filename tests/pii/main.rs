//! Scores the redactor on a labelled set: `cargo run --release --example pii-score -- [SET.jsonl]`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is for a terminal")]

mod scoring;

use std::process::ExitCode;

fn main() -> ExitCode {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pii/set.jsonl");
    let path = std::env::args().nth(1).unwrap_or_else(|| own.to_owned());
    match std::fs::read_to_string(&path) {
        Ok(set) => {
            println!("{}", scoring::score(&set));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{path} cannot be read: {error}");
            ExitCode::FAILURE
        }
    }
}

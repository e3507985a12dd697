//! Advice over a finished Snapshot: it holds, and might be better. One rule a file.
//!
//! Rules see no files; whoever asked puts the place of the subject to each advice. An advice is only given where the
//! files alone make it true: what a server may list some day is not guessed at.

mod definition;
mod foreign;
mod hidden;
mod idle;
mod instruction;
mod long_name;
mod open_pattern;
mod reach;
mod repeated;
mod shadowed;
mod unexpiring;
mod unmatched;
mod unpinned;
mod unpinned_server;
mod unused;

use crate::diag::Code;
use crate::snapshot::{Snapshot, Subject};

/// What might be better, and about what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Advice {
    pub code: Code,
    pub subject: Subject,
    pub title: String,
    pub label: &'static str,
    /// The other party, and what it does.
    pub also: Option<(Subject, &'static str)>,
    pub help: String,
}

/// All advice, in no order that matters.
pub fn check(snapshot: &Snapshot) -> Vec<Advice> {
    let mut advice = Vec::new();
    foreign::check(snapshot, &mut advice);
    hidden::check(snapshot, &mut advice);
    idle::check(snapshot, &mut advice);
    instruction::check(snapshot, &mut advice);
    long_name::check(snapshot, &mut advice);
    open_pattern::check(snapshot, &mut advice);
    repeated::check(snapshot, &mut advice);
    shadowed::check(snapshot, &mut advice);
    unexpiring::check(snapshot, &mut advice);
    unmatched::check(snapshot, &mut advice);
    unpinned::check(snapshot, &mut advice);
    unpinned_server::check(snapshot, &mut advice);
    unused::check(snapshot, &mut advice);
    advice
}

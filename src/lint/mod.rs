//! Advice over a finished Snapshot: it holds, and might be better. One rule a file.
//!
//! Rules see no files; whoever asked puts the place of the subject to each advice.

mod unexpiring;
mod unpinned;
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
    pub help: String,
}

/// All advice, in no order that matters.
pub fn check(snapshot: &Snapshot) -> Vec<Advice> {
    let mut advice = Vec::new();
    unexpiring::check(snapshot, &mut advice);
    unpinned::check(snapshot, &mut advice);
    unused::check(snapshot, &mut advice);
    advice
}

//! Tests of a configuration, run: the tables of `*.test.toml` and a Snapshot in, a [`Report`] out.
//!
//! `snapshot::access` answers every question, as it does for the gate: a test that passes says what the gateway does.
//! Nothing is skipped in silence: what cannot be asked is an error. No I/O.

mod access;
mod case;
mod coverage;
mod failure;
mod redact;

pub use coverage::Coverage;

use std::collections::BTreeSet;

use crate::compile::Origins;
use crate::config::table::TestFile;
use crate::diag::{Finding, Findings, Place};
use crate::snapshot::{RuleId, Snapshot};

/// What became of all tests.
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order of the files.
    pub tests: Vec<Test>,
    pub coverage: Coverage,
}

/// One `[[access]]` or `[[redact]]`.
#[derive(Clone, Debug)]
pub struct Test {
    pub kind: Kind,
    /// Its `name`, or words of our own.
    pub name: String,
    /// Its header.
    pub place: Place,
    /// How often `snapshot::access` was asked.
    pub questions: usize,
    pub outcome: Outcome,
    /// What the test could not see.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Access,
    Redact,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Passed,
    /// At least one finding, each of code `failed-test`.
    Failed(Vec<Finding>),
    /// Of code `unrun-test`: an error, not a pass.
    NotRun(Finding),
}

/// What tests are held against.
#[derive(Clone, Copy)]
struct World<'a> {
    snapshot: &'a Snapshot,
    /// Where the Snapshot's tables and rules stand.
    origins: &'a Origins,
}

/// Runs all tests. A table that is no test becomes a finding about its file, and hides no other one.
pub fn run(files: &[TestFile], snapshot: &Snapshot, origins: &Origins) -> (Report, Findings) {
    let world = World { snapshot, origins };
    let mut findings = Findings::default();
    let mut touched = BTreeSet::<RuleId>::new();
    let mut tests = Vec::new();
    for file in files {
        for table in file.access.tables() {
            if let Some(case) = case::access(table, world, &mut findings) {
                tests.push(access::run(&case, world, &mut touched));
            }
        }
        for table in file.redact.tables() {
            tests.extend(redact::run(table, world, &mut findings));
        }
    }
    let report = Report {
        tests,
        coverage: Coverage::of(snapshot, origins, &touched),
    };
    (report, findings)
}

impl Outcome {
    /// Why it is no pass.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Passed => &[],
            Self::Failed(findings) => findings,
            Self::NotRun(finding) => std::slice::from_ref(finding),
        }
    }
}

impl Report {
    pub fn passed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Passed))
    }

    pub fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    pub fn not_run(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::NotRun(_)))
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.tests.iter().filter(|test| which(&test.outcome)).count()
    }
}

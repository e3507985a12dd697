//! Where the things of a Snapshot stand in the files: for `explain`, `plan` and the log.

use std::collections::BTreeMap;
use std::fmt;

use crate::diag::{Place, Sources};
use crate::snapshot::{RuleId, Subject};

/// A place for people: both count from 1.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Origin {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

/// Every table and rule of a Snapshot, and where its header stands.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<Subject, (Place, Origin)>);

impl Origins {
    pub fn get(&self, subject: &Subject) -> Option<&Origin> {
        self.0.get(subject).map(|(_, origin)| origin)
    }

    pub fn rule(&self, rule: &RuleId) -> Option<&Origin> {
        self.get(&Subject::Rule(rule.clone()))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Subject, &Origin)> {
        self.0.iter().map(|(subject, (_, origin))| (subject, origin))
    }

    /// For findings.
    pub fn place(&self, subject: &Subject) -> Option<Place> {
        self.0.get(subject).map(|(place, _)| *place)
    }

    pub(super) fn insert(&mut self, subject: Subject, place: Place, sources: &Sources) {
        let position = sources.position(place);
        let origin = Origin {
            file: sources.name(place.file).to_owned(),
            line: position.map_or(1, |position| position.line),
            column: position.map_or(1, |position| position.column),
        };
        self.0.insert(subject, (place, origin));
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

//! What a change of the configuration does, before it is made: who may do what, what is exposed, which keys change, and
//! what live traffic notices.
//!
//! In come two sides (a Snapshot each, and where its tables stand) and the tools that are known; out comes a [`Plan`],
//! which [`render`] prints. Pure: no I/O, no clock. What always holds: equal sides give an empty plan and different ones
//! do not; the same sides give the same plan, byte for byte; access is what [`crate::snapshot::access`] says of both
//! sides, and nothing else decides it. Called by `cli` for `plan` and `apply`.

pub mod render;

mod access;
mod catalogue;
mod changes;
mod exposure;
mod file;
mod settings;
mod table;
mod traffic;

use std::collections::BTreeMap;

use serde::Serialize;

pub use access::{Access, AccessChange, AccessLine, Cause, Direction, Outcome, Target, Who};
pub use catalogue::{Catalogue, Known};
pub use changes::{Action, Changes, Row, TableChange};
pub use exposure::{Exposed, Exposure, What};
pub use file::{Digests, NoPlan, PlanFile, Reviewed};
pub use settings::{Setting, Settings, Value, Word};
pub use table::{Kind, Table};
pub use traffic::Traffic;

use crate::snapshot::{Snapshot, Subject};

/// One of the two configurations.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub snapshot: &'a Snapshot,
    /// Where its tables and rules stand.
    pub places: &'a Places,
    /// The files that tables name and that travel with a configuration (certificates, key sets): a digest of each.
    pub files: &'a BTreeMap<String, String>,
}

pub type Places = BTreeMap<Subject, Place>;

/// A place of the files; line and column count from 1.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Place {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

/// What lies between two sides.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    pub access: Access,
    pub exposure: Exposure,
    pub changes: Changes,
    pub traffic: Traffic,
}

/// Compares two configurations; `catalogue` holds what the servers list.
pub fn diff(current: &Side<'_>, proposed: &Side<'_>, catalogue: &Catalogue) -> Plan {
    let access = access::diff(current, proposed, catalogue);
    Plan {
        exposure: exposure::diff(current, proposed, &access),
        changes: changes::diff(current, proposed),
        traffic: traffic::diff(current, proposed),
        access,
    }
}

impl Plan {
    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.tables.is_empty()
    }

    /// Somebody may do more than before, or it cannot be told that they may not.
    pub fn widens_access(&self) -> bool {
        self.access.lines().any(|line| line.direction == Direction::Widens)
    }

    /// Something is better protected now than it would be.
    pub fn widens_exposure(&self) -> bool {
        !self.exposure.items.is_empty()
    }

    /// A pattern is about tools that nobody could list.
    pub fn has_unknown(&self) -> bool {
        self.access.lines().any(AccessLine::is_unknown)
    }
}

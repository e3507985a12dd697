//! What would be less protected than it is: filters, ways to sign in, listeners, limits, programs, pins.
//!
//! Only what is weaker, or cannot be compared, is told; what gets stronger is among the changes.

mod endpoint;
mod filter;
mod gateway;
mod people;
mod server;
mod tools;

use super::access::Access;
use super::{Place, Side};
use crate::snapshot::Subject;

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exposure {
    /// By kind as in the list of [`What`], then as the tables come.
    pub items: Vec<Exposed>,
}

/// One thing that is exposed more.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Exposed {
    pub what: What,
    /// One sentence without its period.
    pub title: String,
    /// Argument vectors, endpoints, who: one line each.
    pub details: Vec<String>,
    pub place: Option<Place>,
    /// `place` is in the current files.
    pub was: bool,
}

macro_rules! kinds {
    ($($variant:ident $name:literal;)*) => {
        /// The worst first.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum What { $($variant,)* }

        impl What {
            /// Kebab-case; never renamed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    Anonymous "public-anonymous";
    Authentication "authentication";
    Filter "filter";
    Program "program";
    DestructiveTool "destructive-tool";
    Pin "pin";
    Listener "listener";
    Tls "tls";
    Origin "origin";
    Control "control";
    Secret "secret";
    Network "network";
    Isolation "isolation";
    Audit "audit";
    Recheck "recheck";
    AccessDuration "access-duration";
    Limit "limit";
    Telemetry "telemetry";
}

pub(super) fn diff(current: &Side<'_>, proposed: &Side<'_>, access: &Access) -> Exposure {
    let mut found = Found {
        current,
        proposed,
        items: Vec::new(),
    };
    gateway::compare(&mut found);
    people::compare(&mut found);
    server::compare(&mut found);
    endpoint::compare(&mut found);
    filter::compare(&mut found);
    tools::compare(access, &mut found);
    let mut items = found.items;
    items.sort();
    Exposure { items }
}

/// The two sides, and what was found so far.
struct Found<'a> {
    current: &'a Side<'a>,
    proposed: &'a Side<'a>,
    items: Vec<Exposed>,
}

impl Found<'_> {
    fn add(&mut self, what: What, title: impl Into<String>, subject: Option<&Subject>) {
        self.with(what, title, Vec::new(), subject);
    }

    /// Where the subject stands in the proposed files, else where it stood.
    fn with(&mut self, what: What, title: impl Into<String>, details: Vec<String>, subject: Option<&Subject>) {
        let at = |side: &Side<'_>| subject.and_then(|subject| side.places.get(subject).cloned());
        let proposed = at(self.proposed);
        let was = proposed.is_none();
        let place = proposed.or_else(|| at(self.current));
        self.items.push(Exposed {
            what,
            title: title.into(),
            details,
            was: was && place.is_some(),
            place,
        });
    }
}

/// Elements of the second that the first has not.
fn added<'a, T: PartialEq>(old: &[T], new: &'a [T]) -> Vec<&'a T> {
    new.iter().filter(|one| !old.contains(one)).collect()
}

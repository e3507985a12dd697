//! Who gains and who loses what: the difference of [`crate::snapshot::access`] between two sides.
//!
//! Principals that get the same answers are asked for once; whatever an endpoint, its locks and the rules about it leave
//! as it was is not asked for at all. Everything that is told comes from [`Rights::decide`] on both sides.

mod block;
mod cause;
mod compare;
mod condition;
mod meet;
mod pairs;
mod principals;
mod probe;
mod scope;

use std::sync::Arc;

use self::block::Blocks;
use self::compare::Lines;
use self::scope::Scope;
use super::{Catalogue, Place, Side};
use crate::name::{EndpointName, Member, ServerName};
use crate::snapshot::RuleId;
use crate::snapshot::access::ObjectKind;

/// Every change of who may do what.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Access {
    /// What anybody must see first comes first: `anonymous`, then everybody who signs in, then what widens.
    pub changes: Vec<AccessChange>,
}

/// The same change for all of `who`, on one endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessChange {
    /// Sorted, never empty.
    pub who: Vec<Who>,
    pub endpoint: EndpointName,
    /// By server, kind and name; never empty.
    pub lines: Vec<AccessLine>,
}

/// Whose access a change is about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Who {
    /// Somebody with this term and nothing else; a declared user or service has its groups.
    One(Member),
    /// Somebody with both: a deny taken from the second lets the first through.
    Both(Member, Member),
}

/// One thing that somebody may do on one side and not, or otherwise, on the other.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AccessLine {
    pub server: ServerName,
    pub kind: ObjectKind,
    pub target: Target,
    pub current: Outcome,
    pub proposed: Outcome,
    pub direction: Direction,
    pub cause: Arc<Cause>,
    /// The lock says that it may destroy.
    pub is_destructive: bool,
}

/// What of a server a line is about.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// A tool, prompt or resource by its name or URI.
    Named(Arc<str>),
    /// Every resource that the pattern of a selection matches: nobody lists them all.
    Matching(Arc<str>),
    /// Whatever the pattern of a selection will match that the server does not list yet.
    Future(Arc<str>),
    /// Whatever the pattern of a selection matches: nobody knows what the server lists.
    Unknown(Arc<str>),
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    Denied,
    /// By the arguments of each call.
    Conditional,
    Allowed,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Direction {
    /// Towards allowing, or conditions that cannot be compared.
    Widens,
    Narrows,
}

/// What of the files decides a line.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Cause {
    /// Of the side whose rule it is: the proposed one where it allows or denies, the current one where it is gone.
    pub rule: Option<RuleId>,
    pub place: Option<Place>,
    /// In a few words what happened, where it is not the rule alone: `newly selected`, `no longer allowed`.
    pub note: Option<String>,
    /// `place` is in the current files.
    pub was: bool,
}

/// Compares what everybody may do.
pub(super) fn diff(current: &Side<'_>, proposed: &Side<'_>, catalogue: &Catalogue) -> Access {
    let scope = Scope::new(current, proposed, catalogue);
    let classes = principals::classes(current.snapshot, proposed.snapshot);
    let lines: Vec<Lines> = classes.iter().map(|class| compare::lines(&scope, class)).collect();
    let mut blocks = Blocks::default();
    for (class, lines) in classes.iter().zip(&lines) {
        let who: Vec<Who> = class.members.iter().cloned().map(Who::One).collect();
        blocks.add(&who, lines);
    }
    pairs::add(&scope, &classes, &lines, &mut blocks);
    blocks.access()
}

impl Access {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn lines(&self) -> impl Iterator<Item = &AccessLine> {
        self.changes.iter().flat_map(|change| &change.lines)
    }
}

impl AccessLine {
    pub fn is_unknown(&self) -> bool {
        matches!(self.target, Target::Unknown(_))
    }

    /// Nothing of it was reachable, now something is.
    pub fn is_gained(&self) -> bool {
        self.current == Outcome::Denied
    }

    pub fn is_lost(&self) -> bool {
        self.proposed == Outcome::Denied
    }
}

impl Target {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Named(text) | Self::Matching(text) | Self::Future(text) | Self::Unknown(text) => text,
        }
    }
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Conditional => "conditional",
            Self::Allowed => "allowed",
        }
    }
}

impl Who {
    pub fn is_anonymous(&self) -> bool {
        *self == Self::One(Member::Anonymous)
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(term) => term.fmt(f),
            Self::Both(allowing, denying) => write!(f, "{allowing} + {denying}"),
        }
    }
}

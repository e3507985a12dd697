//! `[role.NAME]`: rules and their conditions. What they mean is in `access`.

use std::collections::BTreeSet;
use std::fmt;

use crate::name::{Member, Pattern, RoleName};

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    pub members: BTreeSet<Member>,
    pub allow: Vec<Rule>,
    pub deny: Vec<Rule>,
}

impl Role {
    /// The rules of one effect with their ids, in the order of the files.
    pub fn rules(&self, name: &RoleName, effect: Effect) -> impl Iterator<Item = (RuleId, &Rule)> + use<'_> {
        let name = name.clone();
        let rules = match effect {
            Effect::Allow => &self.allow,
            Effect::Deny => &self.deny,
        };
        rules.iter().enumerate().map(move |(index, rule)| {
            let id = RuleId {
                role: name.clone(),
                effect,
                index,
            };
            (id, rule)
        })
    }
}

/// One `[[role.NAME.allow]]` or `[[role.NAME.deny]]`. All present conditions must hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rule {
    /// Always there in an `allow`.
    pub endpoint: Option<Condition>,
    pub server: Option<Condition>,
    /// Matches `server/tool`, never the shown name.
    pub tool: Option<Condition>,
    /// Matches `server/prompt`.
    pub prompt: Option<Condition>,
    /// Matches `server/uri`.
    pub resource: Option<Condition>,
    pub hint: Option<Hint>,
    /// In the order of the pointers.
    pub arguments: Vec<(ArgumentPointer, Condition)>,
}

/// As the lock says, never the live server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Hint {
    Destructive,
    ReadOnly,
}

/// Several operators: all must hold. Never empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    pub operators: Vec<Operator>,
}

impl Condition {
    /// Does a name satisfy all operators?
    pub fn holds(&self, name: &str) -> bool {
        self.operators.iter().all(|operator| operator.holds(name))
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operator {
    Equal(Scalar),
    Glob(Pattern),
    In(Vec<Scalar>),
    NotEqual(Scalar),
    NotGlob(Pattern),
    NotIn(Vec<Scalar>),
}

impl Operator {
    pub fn holds(&self, name: &str) -> bool {
        let is = |scalar: &Scalar| matches!(scalar, Scalar::String(value) if value == name);
        match self {
            Self::Equal(value) => is(value),
            Self::Glob(pattern) => pattern.is_match(name),
            Self::In(values) => values.iter().any(is),
            Self::NotEqual(value) => !is(value),
            Self::NotGlob(pattern) => !pattern.is_match(name),
            Self::NotIn(values) => !values.iter().any(is),
        }
    }
}

/// A value that an operator compares with, by JSON type; case counts.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scalar {
    Boolean(bool),
    Integer(i64),
    String(String),
}

/// A JSON pointer (RFC 6901) into the arguments, decoded; a `*` segment means any element or member.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ArgumentPointer {
    /// As written.
    pub text: String,
    pub segments: Vec<Segment>,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Segment {
    Any,
    Key(String),
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Effect {
    Allow,
    Deny,
}

/// One rule of the files; `compile` knows where it stands.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RuleId {
    pub role: RoleName,
    pub effect: Effect,
    /// From 0, in the order of the files.
    pub index: usize,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        write!(f, "role.{}.{effect}[{}]", self.role, self.index)
    }
}

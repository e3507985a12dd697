//! The types of personal data, and sets of them.

/// A built-in type. Its order is the one in which counts and docs list them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    Email,
    Phone,
    Ssn,
    CreditCard,
    Ip,
    /// The pattern at this place among the `custom` ones of a table, in the order of their names.
    Custom(u16),
}

/// Which built-in types are looked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Kinds(u8);

impl Kind {
    pub const BUILT_IN: [Self; 5] = [Self::Email, Self::Phone, Self::Ssn, Self::CreditCard, Self::Ip];

    /// As written in a `[pii.*]` table, which gives a custom one a name of its own.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Ssn => "ssn",
            Self::CreditCard => "credit-card",
            Self::Ip => "ip",
            Self::Custom(_) => "custom",
        }
    }

    pub(super) fn placeholder(self) -> &'static str {
        match self {
            Self::Email => "[REDACTED_EMAIL]",
            Self::Phone => "[REDACTED_PHONE]",
            Self::Ssn => "[REDACTED_SSN]",
            Self::CreditCard => "[REDACTED_CREDIT_CARD]",
            Self::Ip => "[REDACTED_IP]",
            Self::Custom(_) => "[REDACTED]",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Email => 1,
            Self::Phone => 2,
            Self::Ssn => 4,
            Self::CreditCard => 8,
            Self::Ip => 16,
            Self::Custom(_) => 0,
        }
    }
}

impl Kinds {
    pub(super) fn insert(&mut self, kind: Kind) {
        self.0 |= kind.bit();
    }

    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

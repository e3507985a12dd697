//! How often each type was found. Never what was found.

use crate::pii::kind::Kind;

/// Of one message or text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    built_in: [u64; Kind::BUILT_IN.len()],
    custom: Vec<u64>,
    masked: u64,
}

impl Counts {
    pub fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Custom(number) => self.custom.get(usize::from(number)).copied().unwrap_or(0),
            _ => Kind::BUILT_IN
                .iter()
                .zip(self.built_in)
                .find_map(|(one, count)| (*one == kind).then_some(count))
                .unwrap_or(0),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.kinds().next().is_none()
    }

    /// The types that were found, and how often, in the order of [`Kind`].
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        let custom = (0..)
            .zip(&self.custom)
            .map(|(number, count)| (Kind::Custom(number), *count));
        Kind::BUILT_IN
            .into_iter()
            .zip(self.built_in)
            .chain(custom)
            .filter(|(_, count)| *count > 0)
    }

    /// Where values become tokens: how many were masked instead.
    pub fn masked(&self) -> u64 {
        self.masked
    }

    pub(super) fn add_masked(&mut self) {
        self.masked += 1;
    }

    pub(super) fn add(&mut self, kind: Kind) {
        self.add_many(kind, 1);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (kind, count) in other.kinds() {
            self.add_many(kind, count);
        }
        self.masked += other.masked;
    }

    fn add_many(&mut self, kind: Kind, count: u64) {
        if let Kind::Custom(number) = kind {
            let number = usize::from(number);
            if self.custom.len() <= number {
                self.custom.resize(number + 1, 0);
            }
            self.custom[number] += count;
            return;
        }
        for (one, sum) in Kind::BUILT_IN.iter().zip(&mut self.built_in) {
            *sum += if *one == kind { count } else { 0 };
        }
    }
}

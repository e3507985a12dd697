//! What strangers may ask for, and how often: floods and guessing end here.

use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use crate::rate::{Buckets, Rate, Spent};

/// Keys that are remembered at a time.
const MAX_KEYS: usize = 50_000;

/// `burst` at once, then one more each `every`.
#[derive(Debug)]
pub(super) struct Throttle<K> {
    rate: Rate,
    every: Duration,
    buckets: Buckets<K>,
}

/// For how long who was refused should wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wait(pub(super) Duration);

impl<K: Eq + Hash> Throttle<K> {
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        Self {
            rate: Rate::new(burst, every),
            every,
            buckets: Buckets::new(MAX_KEYS),
        }
    }

    /// Takes one, where there is one.
    pub(super) fn take(&self, key: K) -> Result<(), Wait> {
        self.buckets.take(key, self.rate).map_err(|spent| match spent {
            Spent::Full => Wait(self.every),
            Spent::Wait(time) => Wait(time),
        })
    }

    /// Gives one back: what it was taken for was no attack.
    pub(super) fn give_back(&self, key: &K) {
        self.buckets.give_back(key);
    }
}

impl Wait {
    /// Whole seconds, at least one.
    pub(super) fn seconds(self) -> u64 {
        self.0.as_secs() + 1
    }
}

/// Whom an address stands for: one household or host has a whole IPv6 /64.
pub(super) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_neighbour() {
        let [one, other, far] = ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"].map(|text| text.parse().unwrap());
        assert_eq!(neighbourhood(one), neighbourhood(other));
        assert_ne!(neighbourhood(one), neighbourhood(far));
        assert_eq!(
            neighbourhood("::ffff:10.0.0.1".parse().unwrap()).to_string(),
            "10.0.0.1"
        );
    }
}

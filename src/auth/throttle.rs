//! Token buckets by key, for what strangers may ask for: floods and guessing end here.
//!
//! The table is bounded: where it is full of keys that still owe, a new key is refused.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are remembered at a time.
const MAX_KEYS: usize = 50_000;

/// `burst` at once, then one more each `every`.
#[derive(Debug)]
pub(super) struct Throttle<K> {
    burst: f64,
    every: Duration,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// For how long who was refused should wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wait(pub(super) Duration);

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash> Throttle<K> {
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        Self {
            burst: f64::from(burst),
            every,
            buckets: Mutex::default(),
        }
    }

    /// Takes one, where there is one.
    pub(super) fn take(&self, key: K) -> Result<(), Wait> {
        self.take_at(key, Instant::now())
    }

    /// Gives one back: what it was taken for was no attack.
    pub(super) fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.left = (bucket.left + 1.0).min(self.burst);
        }
    }

    fn take_at(&self, key: K, now: Instant) -> Result<(), Wait> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_KEYS && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| self.filled(bucket, now) < self.burst);
            if buckets.len() >= MAX_KEYS {
                return Err(Wait(self.every));
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            left: self.burst,
            at: now,
        });
        bucket.left = self.filled(bucket, now);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        Err(Wait(self.every.mul_f64(1.0 - bucket.left)))
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let gained = now.duration_since(bucket.at).as_secs_f64() / self.every.as_secs_f64();
        (bucket.left + gained).min(self.burst)
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
    fn a_burst_passes_and_then_one_at_a_time() {
        let throttle = Throttle::new(2, Duration::from_secs(10));
        let start = Instant::now();
        assert!(throttle.take_at("a", start).is_ok() && throttle.take_at("a", start).is_ok());
        assert_eq!(throttle.take_at("a", start), Err(Wait(Duration::from_secs(10))));
        assert!(throttle.take_at("b", start).is_ok(), "others are not touched");
        assert!(throttle.take_at("a", start + Duration::from_secs(10)).is_ok());
        assert!(throttle.take_at("a", start + Duration::from_secs(11)).is_err());
    }

    #[test]
    fn what_is_given_back_counts_again() {
        let throttle = Throttle::new(1, Duration::from_secs(60));
        assert!(throttle.take("a").is_ok());
        throttle.give_back(&"a");
        assert!(throttle.take("a").is_ok() && throttle.take("a").is_err());
    }

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

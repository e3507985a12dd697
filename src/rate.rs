//! Token buckets by key: so many at once, then one more each so often.
//!
//! A table is bounded: where it is full of keys that still owe, a new key is refused. It lives outside of the generations, so
//! that a reload refills nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Buckets<K> {
    /// Keys that are remembered at a time.
    max: usize,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// `burst` at once, then one more each `every`, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    burst: f64,
    every: f64,
}

/// Why there was none to take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spent {
    /// There are too many keys.
    Full,
    /// There will be one after this long.
    Wait(Duration),
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
    /// As it was last asked for.
    rate: Rate,
}

impl Rate {
    pub fn new(burst: u32, every: Duration) -> Self {
        Self {
            burst: f64::from(burst),
            every: every.as_secs_f64(),
        }
    }

    /// A full bucket is one minute's worth, refilled evenly. Not 0.
    pub fn per_minute(calls: u32) -> Self {
        Self {
            burst: f64::from(calls),
            every: 60.0 / f64::from(calls),
        }
    }
}

impl<K: Eq + Hash> Buckets<K> {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            buckets: Mutex::default(),
        }
    }

    /// Takes one of what this key has left.
    pub fn take(&self, key: K, rate: Rate) -> Result<(), Spent> {
        self.take_at(key, rate, Instant::now())
    }

    /// Gives one back.
    pub fn give_back(&self, key: &K) {
        if let Some(bucket) = self.lock().get_mut(key) {
            bucket.left = (bucket.left + 1.0).min(bucket.rate.burst);
        }
    }

    fn take_at(&self, key: K, rate: Rate, now: Instant) -> Result<(), Spent> {
        let mut buckets = self.lock();
        if buckets.len() >= self.max && !buckets.contains_key(&key) {
            // Those that are full again hold nothing back.
            buckets.retain(|_, bucket| bucket.filled(bucket.rate, now) < bucket.rate.burst);
            if buckets.len() >= self.max {
                return Err(Spent::Full);
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            left: rate.burst,
            at: now,
            rate,
        });
        *bucket = Bucket {
            left: bucket.filled(rate, now),
            at: now,
            rate,
        };
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        Err(Spent::Wait(Duration::from_secs_f64((1.0 - bucket.left) * rate.every)))
    }

    /// Nothing panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn filled(&self, rate: Rate, now: Instant) -> f64 {
        let gained = now.duration_since(self.at).as_secs_f64() / rate.every;
        (self.left + gained).min(rate.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let buckets = Buckets::new(10);
        let rate = Rate::new(2, TEN);
        let start = Instant::now();
        let take = |key, after| buckets.take_at(key, rate, start + after);
        assert!(take("a", Duration::ZERO).is_ok() && take("a", Duration::ZERO).is_ok());
        assert_eq!(take("a", Duration::ZERO), Err(Spent::Wait(TEN)));
        assert!(take("b", Duration::ZERO).is_ok(), "others are not touched");
        assert!(take("a", TEN).is_ok());
        assert!(take("a", Duration::from_secs(11)).is_err());
    }

    #[test]
    fn what_is_given_back_counts_again() {
        let (buckets, rate) = (Buckets::new(10), Rate::new(1, TEN));
        assert!(buckets.take("a", rate).is_ok());
        buckets.give_back(&"a");
        assert!(buckets.take("a", rate).is_ok() && buckets.take("a", rate).is_err());
    }

    #[test]
    fn a_full_table_forgets_who_owes_nothing_and_refuses_else() {
        let (buckets, rate) = (Buckets::new(2), Rate::new(1, TEN));
        let start = Instant::now();
        for key in ["a", "b"] {
            assert!(buckets.take_at(key, rate, start).is_ok());
        }
        assert_eq!(buckets.take_at("c", rate, start), Err(Spent::Full));
        assert!(buckets.take_at("c", rate, start + TEN).is_ok());
    }
}

//! Calls per minute, by token bucket: a full bucket is one minute's worth, refilled evenly.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::gate::auth::Account;
use crate::gate::error::Error;
use crate::name::{EndpointName, ServerName};

/// Beyond this many accounts the fullest buckets are forgotten; they had nothing to hold back.
const MAX_BUCKETS: usize = 100_000;

/// What a limit counts: all of an account's calls, those on an endpoint, those of one tool there.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Subject {
    pub(super) account: Account,
    pub(super) endpoint: Option<EndpointName>,
    pub(super) tool: Option<(ServerName, std::sync::Arc<str>)>,
}

/// All buckets. They live outside of the generations: a reload refills nothing.
#[derive(Default)]
pub(super) struct Rates {
    buckets: Mutex<HashMap<Subject, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
    per_minute: u32,
}

impl Rates {
    /// Takes one call from the bucket of `subject`; `per_minute` 0 is no limit.
    pub(super) fn take(&self, subject: Subject, per_minute: u32) -> Result<(), Error> {
        if per_minute == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&subject) {
            buckets.retain(|_, bucket| !bucket.is_full(now));
            if buckets.len() >= MAX_BUCKETS {
                return Err(Error::too_many("too many callers at once", 60));
            }
        }
        let bucket = buckets.entry(subject).or_insert_with(|| Bucket {
            tokens: f64::from(per_minute),
            at: now,
            per_minute,
        });
        bucket.refill(now, per_minute);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - bucket.tokens) * 60.0 / f64::from(per_minute));
        Err(Error::too_many(
            format!("more than {per_minute} calls a minute"),
            wait.as_secs() + 1,
        ))
    }
}

impl Bucket {
    fn refill(&mut self, now: Instant, per_minute: u32) {
        let gained = now.duration_since(self.at).as_secs_f64() * f64::from(per_minute) / 60.0;
        self.tokens = (self.tokens + gained).min(f64::from(per_minute));
        self.at = now;
        self.per_minute = per_minute;
    }

    fn is_full(&self, now: Instant) -> bool {
        now.duration_since(self.at).as_secs_f64() * f64::from(self.per_minute) / 60.0 + self.tokens
            >= f64::from(self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject {
            account: Account::Principal(crate::name::Principal::User(name.into())),
            endpoint: None,
            tool: None,
        }
    }

    #[test]
    fn a_minute_holds_its_calls_and_no_more() {
        let rates = Rates::default();
        for _ in 0..3 {
            assert!(rates.take(subject("a"), 3).is_ok());
        }
        assert!(rates.take(subject("a"), 3).is_err());
        assert!(rates.take(subject("b"), 3).is_ok(), "others are not touched");
    }

    #[test]
    fn zero_is_no_limit() {
        let rates = Rates::default();
        assert!((0..10_000).all(|_| rates.take(subject("a"), 0).is_ok()));
    }
}

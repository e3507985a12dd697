//! Calls per minute: a full bucket is one minute's worth, refilled evenly.

use crate::gate::auth::Account;
use crate::gate::error::Error;
use crate::name::{EndpointName, ServerName};
use crate::rate::{Buckets, Rate, Spent};

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
pub(super) struct Rates(Buckets<Subject>);

impl Default for Rates {
    fn default() -> Self {
        Self(Buckets::new(MAX_BUCKETS))
    }
}

impl Rates {
    /// Takes one call from the bucket of `subject`; `per_minute` 0 is no limit.
    pub(super) fn take(&self, subject: Subject, per_minute: u32) -> Result<(), Error> {
        if per_minute == 0 {
            return Ok(());
        }
        let taken = self.0.take(subject, Rate::per_minute(per_minute));
        taken.map_err(|spent| match spent {
            Spent::Full => Error::too_many("too many callers at once", 60),
            Spent::Wait(time) => Error::too_many(format!("more than {per_minute} calls a minute"), time.as_secs() + 1),
        })
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

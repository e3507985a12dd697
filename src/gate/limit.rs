//! Calls per minute: a full bucket is one minute's worth, refilled evenly.
//!
//! A call takes one from each bucket that counts it, or from none. Where several gateways share their store, what a bucket here has
//! is asked of all of them too; one that is empty here is empty there, and nobody is asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::gate::auth::Account;
use crate::gate::error::Error;
use crate::name::{EndpointName, ServerName};
use crate::rate::{Buckets, Rate, Spent};

/// Beyond this many accounts the fullest buckets are forgotten; they had nothing to hold back.
const MAX_BUCKETS: usize = 100_000;
/// Seconds after which calls may be counted again.
const RETRY_LATER: u64 = 5;

/// The buckets that several gateways share: the store's, which this layer does not know.
pub trait SharedRates: Send + Sync {
    /// Takes one from each bucket, by what it counts and how many a minute has (not 0), or from none: then which of them is empty, and
    /// for how long. `Err`, for the log: nobody knows what is left.
    fn take<'a>(&'a self, subjects: &'a [(String, u32)]) -> BoxFuture<'a, Result<Option<(usize, Duration)>, String>>;
}

/// What a limit counts: all of an account's calls, those on an endpoint, those of one tool there.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Subject {
    pub(super) account: Account,
    pub(super) endpoint: Option<EndpointName>,
    pub(super) tool: Option<(ServerName, Arc<str>)>,
}

/// A bucket that counts a call, of so many a minute; not 0.
pub(super) type Asked = (Subject, u32);

/// All buckets. They live outside of the generations: a reload refills nothing.
pub(super) struct Rates {
    here: Buckets<Subject>,
    everywhere: Option<Arc<dyn SharedRates>>,
}

impl Rates {
    /// `everywhere`: what counts for several gateways.
    pub(super) fn new(everywhere: Option<Arc<dyn SharedRates>>) -> Self {
        Self {
            here: Buckets::new(MAX_BUCKETS),
            everywhere,
        }
    }

    /// Takes one call from each, or from none.
    pub(super) async fn take(&self, asked: &[Asked]) -> Result<(), Error> {
        self.take_here(asked)?;
        let Some(everywhere) = self.everywhere.as_ref().filter(|_| !asked.is_empty()) else {
            return Ok(());
        };
        let subjects: Vec<(String, u32)> = asked
            .iter()
            .map(|(subject, per_minute)| (subject.to_string(), *per_minute))
            .collect();
        let refused = match everywhere.take(&subjects).await {
            Ok(None) => return Ok(()),
            Ok(Some((at, time))) => too_many(asked.get(at).map_or(0, |(_, per_minute)| *per_minute), time),
            Err(why) => Error::unavailable("calls cannot be counted now", RETRY_LATER).with_detail(why),
        };
        self.give_back(asked);
        Err(refused)
    }

    fn take_here(&self, asked: &[Asked]) -> Result<(), Error> {
        for (at, (subject, per_minute)) in asked.iter().enumerate() {
            if let Err(spent) = self.here.take(subject.clone(), Rate::per_minute(*per_minute)) {
                self.give_back(&asked[..at]);
                return Err(match spent {
                    Spent::Full => Error::too_many("too many callers at once", 60),
                    Spent::Wait(time) => too_many(*per_minute, time),
                });
            }
        }
        Ok(())
    }

    fn give_back(&self, asked: &[Asked]) {
        for (subject, _) in asked {
            self.here.give_back(subject);
        }
    }
}

/// Each part with its length in front, so that no two subjects are written alike.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.account.to_string();
        let endpoint = self.endpoint.as_ref().map_or("", EndpointName::as_str);
        let tool = self.tool.as_ref();
        let (server, tool) = tool.map_or(("", ""), |(server, tool)| (server.as_str(), tool));
        [&account, endpoint, server, tool]
            .into_iter()
            .try_for_each(|part| write!(f, "{}:{part}", part.len()))
    }
}

fn too_many(per_minute: u32, time: Duration) -> Error {
    Error::too_many(format!("more than {per_minute} calls a minute"), time.as_secs() + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::FutureExt as _;
    use http::StatusCode;

    use super::*;
    use crate::name::Principal;

    fn subject(name: &str) -> Subject {
        Subject {
            account: Account::Principal(Principal::User(name.into())),
            endpoint: None,
            tool: None,
        }
    }

    fn take(rates: &Rates, asked: &[Asked]) -> Result<(), StatusCode> {
        let taken = rates.take(asked).now_or_never().expect("nothing waits");
        taken.map_err(|error| error.status)
    }

    /// Says what it is told to, and remembers how often it was asked.
    struct Others(Mutex<(usize, Answer)>);

    type Answer = Result<Option<(usize, Duration)>, String>;

    impl Others {
        fn saying(answer: Answer) -> Arc<Self> {
            Arc::new(Self(Mutex::new((0, answer))))
        }
    }

    impl SharedRates for Others {
        fn take<'a>(&'a self, _subjects: &'a [(String, u32)]) -> BoxFuture<'a, Answer> {
            let mut state = self.0.lock().unwrap();
            state.0 += 1;
            let answer = state.1.clone();
            Box::pin(async move { answer })
        }
    }

    #[test]
    fn a_minute_holds_its_calls_and_no_more() {
        let rates = Rates::new(None);
        for _ in 0..3 {
            assert!(take(&rates, &[(subject("a"), 3)]).is_ok());
        }
        assert_eq!(take(&rates, &[(subject("a"), 3)]), Err(StatusCode::TOO_MANY_REQUESTS));
        assert!(take(&rates, &[(subject("b"), 3)]).is_ok(), "others are not touched");
    }

    #[test]
    fn a_call_that_one_bucket_refuses_takes_from_none() {
        let rates = Rates::new(None);
        let (all, tool) = ((subject("all"), 3), (subject("tool"), 1));
        assert!(take(&rates, &[all.clone(), tool.clone()]).is_ok());
        for _ in 0..5 {
            assert!(take(&rates, &[all.clone(), tool.clone()]).is_err());
        }
        assert!(take(&rates, std::slice::from_ref(&all)).is_ok());
        assert!(take(&rates, std::slice::from_ref(&all)).is_ok());
        assert!(take(&rates, std::slice::from_ref(&all)).is_err());
    }

    #[test]
    fn what_the_others_refuse_is_refused_and_takes_nothing_here() {
        let others = Others::saying(Ok(Some((0, Duration::from_secs(9)))));
        let rates = Rates::new(Some(others.clone()));
        let asked = [(subject("a"), 1)];
        for _ in 0..3 {
            assert_eq!(take(&rates, &asked), Err(StatusCode::TOO_MANY_REQUESTS));
        }
        others.0.lock().unwrap().1 = Ok(None);
        assert!(take(&rates, &asked).is_ok());
        assert!(take(&rates, &asked).is_err());
        assert_eq!(others.0.lock().unwrap().0, 4, "what is spent here is not asked for");
    }

    #[test]
    fn what_nobody_can_count_is_refused() {
        let rates = Rates::new(Some(Others::saying(Err("away".into()))));
        assert_eq!(take(&rates, &[(subject("a"), 9)]), Err(StatusCode::SERVICE_UNAVAILABLE));
        assert!(take(&rates, &[]).is_ok(), "what has no limit is not counted");
    }

    #[test]
    fn no_two_subjects_are_written_alike() {
        let endpoint = |name: &str| EndpointName::new(name).unwrap();
        let on = Subject {
            endpoint: Some(endpoint("eng")),
            ..subject("a")
        };
        let of = Subject {
            tool: Some((ServerName::new("demo").unwrap(), "t".into())),
            ..on.clone()
        };
        assert_ne!(subject("a").to_string(), on.to_string());
        assert_ne!(on.to_string(), of.to_string());
        assert_ne!(subject("a").to_string(), subject("ab").to_string());
    }
}

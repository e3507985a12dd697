//! The keys of one issuer: fetched when first needed, kept, and fetched anew when they are old or a token names a new one.
//!
//! One fetch at a time, whoever asks; a token with a made-up key costs an issuer one request in ten seconds at most. While the
//! issuer is away its known keys go on, for a day; without keys no token counts. A reload keeps what is known.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::auth::discovery::{self, policy};
use crate::auth::jwt::{Keys, Refusal};
use crate::fetch::Fetch;

/// Keys this old are fetched anew, while they still count.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// Keys that could not be fetched anew for this long count no more: they may have been withdrawn.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two fetches that keys nobody knew have caused.
const PAUSE: Duration = Duration::from_secs(10);
/// Between two attempts while the issuer is away: twice as long after each failure.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(5 * 60);

/// Where an issuer's keys are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Discovered,
    Url(String),
}

#[derive(Debug)]
pub(super) struct KeySource {
    issuer: String,
    /// `None`: the keys of a file, which never change.
    place: Option<Place>,
    fetch: Fetch,
    known: ArcSwapOption<Known>,
    attempts: Mutex<Attempts>,
}

#[derive(Debug)]
struct Known {
    keys: Keys,
    since: Instant,
}

#[derive(Debug, Default)]
struct Attempts {
    last: Option<Instant>,
    /// In a row.
    failures: u32,
    problem: String,
}

/// Why a token could not be checked, or does not hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unverified {
    /// The client may ask for another token.
    Refused(String),
    /// It may be a good one: its issuer's keys cannot be had now.
    Unavailable(String),
}

impl KeySource {
    pub(super) fn new(issuer: &str, place: Place, fetch: Fetch) -> Arc<Self> {
        Arc::new(Self {
            issuer: issuer.to_owned(),
            place: Some(place),
            fetch,
            known: ArcSwapOption::empty(),
            attempts: Mutex::default(),
        })
    }

    pub(super) fn of_file(issuer: &str, keys: Keys, fetch: Fetch) -> Arc<Self> {
        let known = Known {
            keys,
            since: Instant::now(),
        };
        Arc::new(Self {
            issuer: issuer.to_owned(),
            place: None,
            fetch,
            known: ArcSwapOption::from_pointee(known),
            attempts: Mutex::default(),
        })
    }

    /// Does it serve another generation too?
    pub(super) fn is(&self, issuer: &str, place: &Place) -> bool {
        self.issuer == issuer && self.place.as_ref() == Some(place)
    }

    /// Runs `check` with the keys, and once more with new ones where it does not know the key.
    pub(super) async fn check<T>(
        self: &Arc<Self>,
        check: impl Fn(&Keys) -> Result<T, Refusal> + Send,
    ) -> Result<T, Unverified> {
        let known = self.known();
        if let Some(known) = &known {
            if self.place.is_some() && known.since.elapsed() > FRESH {
                let source = Arc::clone(self);
                let since = known.since;
                tokio::spawn(async move { source.renew(Some(since)).await });
            }
            match check(&known.keys) {
                Err(Refusal::UnknownKey) if self.place.is_some() => {}
                checked => return checked.map_err(|refusal| Unverified::Refused(refusal.to_string())),
            }
        }
        let renewed = self.renew(known.as_ref().map(|known| known.since)).await;
        match (self.known(), renewed) {
            (Some(known), _) => check(&known.keys).map_err(|refusal| Unverified::Refused(refusal.to_string())),
            (None, Err(problem)) => Err(Unverified::Unavailable(format!(
                "the keys of {} cannot be fetched: {problem}",
                self.issuer
            ))),
            (None, Ok(())) => Err(Unverified::Unavailable(format!(
                "the keys of {} are too old",
                self.issuer
            ))),
        }
    }

    fn known(&self) -> Option<Arc<Known>> {
        let known = self.known.load_full();
        known.filter(|known| self.place.is_none() || known.since.elapsed() < STALE)
    }

    /// Fetches the keys, unless somebody has done so since `seen`, or has tried a moment ago.
    async fn renew(&self, seen: Option<Instant>) -> Result<(), String> {
        let mut attempts = self.attempts.lock().await;
        let newer = self.known.load().as_ref().map(|known| known.since);
        if newer.is_some() && newer > seen {
            return Ok(());
        }
        if attempts.last.is_some_and(|last| last.elapsed() < attempts.pause()) {
            return Err(attempts.problem.clone());
        }
        let fetched = self.fetched().await;
        attempts.last = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                if attempts.failures > 0 {
                    tracing::info!(issuer = self.issuer, "the issuer's keys can be fetched again");
                }
                tracing::debug!(
                    issuer = self.issuer,
                    keys = keys.len(),
                    "the issuer's keys were fetched"
                );
                *attempts = Attempts {
                    last: attempts.last,
                    problem: "it publishes no such key".to_owned(),
                    ..Attempts::default()
                };
                let since = Instant::now();
                self.known.store(Some(Arc::new(Known { keys, since })));
                Ok(())
            }
            Err(problem) => {
                if attempts.failures == 0 {
                    let known = self.known().is_some();
                    tracing::warn!(
                        issuer = self.issuer,
                        problem,
                        known,
                        "the issuer's keys cannot be fetched: tokens of keys that are not known are refused"
                    );
                }
                attempts.failures = attempts.failures.saturating_add(1);
                attempts.problem.clone_from(&problem);
                Err(problem)
            }
        }
    }

    async fn fetched(&self) -> Result<Keys, String> {
        let url = match &self.place {
            None => return Err("they stand in a file".to_owned()),
            Some(Place::Url(url)) => url.clone(),
            Some(Place::Discovered) => discovery::discover(&self.fetch, &self.issuer).await?.jwks_uri,
        };
        // A `jwks.url` that the operator wrote is its own permission.
        let own = match &self.place {
            Some(Place::Url(url)) => url,
            _ => &self.issuer,
        };
        let answer = self.fetch.get(&url, &policy(&url, own)).await;
        let answer = answer.map_err(|error| error.to_string())?;
        Keys::read(answer.body()).map_err(|problem| format!("{url}: {problem}"))
    }
}

impl Attempts {
    fn pause(&self) -> Duration {
        match self.failures {
            0 => PAUSE,
            failures => FIRST_RETRY
                .saturating_mul(2_u32.saturating_pow((failures - 1).min(16)))
                .min(LAST_RETRY),
        }
    }
}

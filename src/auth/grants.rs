//! All grants: made, changed and ended in the store, looked up in memory.
//!
//! A request is answered from the store's mirror; what was read of it is kept parsed, by version. Every grant that was looked
//! up has a token that is cancelled when the grant is gone: who streams under it waits for that.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::grant::Grant;
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::store::{Expect, Kind, Mirror, Record, Records, Touched};

/// Tries to change a record that others change too.
const TRIES: usize = 8;

/// For the log.
const A_GRANT: &str = "a grant";

/// Parsed grants that are kept; beyond, they are parsed anew.
const MAX_KNOWN: usize = 20_000;

#[derive(Debug)]
pub(super) struct Grants {
    records: Arc<dyn Records>,
    mirror: Arc<Mirror>,
    known: Mutex<HashMap<Arc<str>, Arc<Known>>>,
}

/// A grant as it is in the store.
#[derive(Debug)]
pub(super) struct Known {
    version: u64,
    pub(super) grant: Grant,
    /// The newest access token was used here: the answer that it came in has arrived.
    pub(super) arrived: AtomicBool,
    /// Cancelled when the grant is gone.
    pub(super) gone: CancellationToken,
}

impl Grants {
    pub(super) fn new(records: Arc<dyn Records>, mirror: Arc<Mirror>) -> Self {
        Self {
            records,
            mirror,
            known: Mutex::default(),
        }
    }

    /// May what the mirror says be believed? Where not, nothing is allowed.
    pub(super) fn is_current(&self) -> bool {
        self.mirror.is_current()
    }

    /// From memory.
    pub(super) fn known(&self, id: &str) -> Option<Arc<Known>> {
        let record = self.mirror.find(Kind::Grant, id)?;
        let kept = self.lock().get(id).cloned();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.version == record.version) {
            return Some(Arc::clone(kept));
        }
        self.learn(id, &record, kept.as_deref())
    }

    /// From the store: where what was just written elsewhere counts.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Grant>, Problem> {
        let found = self.records.find(Kind::Grant, id).await?;
        found.map(|record| record::read(&record, A_GRANT)).transpose()
    }

    /// As it is in the store, for a token that the mirror does not know yet. It is not kept: the mirror will have it.
    pub(super) async fn fetch(&self, id: &str) -> Result<Option<Arc<Known>>, Problem> {
        let found = self.records.find(Kind::Grant, id).await?;
        let known = |record: Record| {
            Ok(Arc::new(Known {
                version: record.version,
                grant: record::read(&record, A_GRANT)?,
                arrived: AtomicBool::new(false),
                gone: CancellationToken::new(),
            }))
        };
        found.map(known).transpose()
    }

    /// From memory.
    pub(super) fn count(&self) -> usize {
        self.mirror.all(Kind::Grant).len()
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.mirror.watch()
    }

    pub(super) async fn create(&self, grant: &Grant) -> Result<(), Problem> {
        let value = record::written(grant)?;
        let put = self
            .records
            .put(Kind::Grant, &grant.id, Expect::Absent, &value, Some(grant.until));
        match put.await? {
            Some(_) => Ok(()),
            None => Err(Problem::unavailable("the id of a grant is there twice")),
        }
    }

    /// Changes a grant as it is now, again where somebody was faster. `None`: it is gone.
    pub(super) async fn change<T>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Grant) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        for _ in 0..TRIES {
            let Some(record) = self.records.find(Kind::Grant, id).await? else {
                return Ok(None);
            };
            let mut grant = record::read(&record, A_GRANT)?;
            let outcome = change(&mut grant)?;
            let put = self.records.put(
                Kind::Grant,
                id,
                Expect::Version(record.version),
                &record::written(&grant)?,
                Some(grant.until),
            );
            if put.await?.is_some() {
                return Ok(Some(outcome));
            }
        }
        Err(Problem::unavailable("a grant is changed by too many at once"))
    }

    /// Ends it; `false` where it was gone.
    pub(super) async fn remove(&self, id: &str) -> Result<bool, Problem> {
        let was_there = self.records.remove(Kind::Grant, id, Expect::Any).await?;
        self.forget_if_gone(id);
        Ok(was_there)
    }

    pub(super) async fn list(&self) -> Result<Vec<Grant>, Problem> {
        // One that is damaged gives nothing, and hides no other.
        let all = match self.records.list(Kind::Grant).await {
            Ok(all) => all.into_iter().map(|(key, record)| (key, Arc::new(record))).collect(),
            Err(error) if self.is_current() => {
                tracing::warn!(%error, "a grant is left out of the list");
                self.mirror.all(Kind::Grant)
            }
            Err(error) => return Err(error.into()),
        };
        let now = Timestamp::now();
        let mut grants = Vec::with_capacity(all.len());
        for (_, record) in all {
            let grant: Grant = record::read(&record, A_GRANT)?;
            if grant.until > now {
                grants.push(grant);
            }
        }
        grants.sort_by(|a, b| (&a.user, a.since, &a.id).cmp(&(&b.user, b.since, &b.id)));
        Ok(grants)
    }

    /// Cancels what runs under grants that the mirror does not have any more.
    pub(super) fn forget_gone(&self) {
        let mut gone = Vec::new();
        self.lock().retain(|id, known| {
            let is_there = self.mirror.find(Kind::Grant, id).is_some();
            if !is_there {
                gone.push(known.gone.clone());
            }
            is_there
        });
        for token in gone {
            token.cancel();
        }
    }

    /// The same for one grant.
    pub(super) fn forget_if_gone(&self, id: &str) {
        if self.mirror.find(Kind::Grant, id).is_some() {
            return;
        }
        let gone = self.lock().remove(id);
        if let Some(known) = gone {
            known.gone.cancel();
        }
    }

    /// Whom changes may concern since this was asked last; what runs under those that are gone is cancelled.
    pub(super) fn follow(&self) -> Touched {
        let touched = self.mirror.touched();
        match &touched {
            Touched::All => self.forget_gone(),
            Touched::Grants(ids) => ids.iter().for_each(|id| self.forget_if_gone(id)),
        }
        touched
    }

    /// Cancels what runs under some grants; those that stay are known anew when they are used again.
    pub(super) fn cut(&self, is_held: impl Fn(&Grant) -> bool) {
        let mut cut = Vec::new();
        self.lock().retain(|_, known| {
            let held = is_held(&known.grant);
            if held {
                cut.push(known.gone.clone());
            }
            !held
        });
        for token in cut {
            token.cancel();
        }
    }

    /// A newer version goes on with the token of the one before.
    fn learn(&self, id: &str, record: &Record, before: Option<&Known>) -> Option<Arc<Known>> {
        let grant = match record::read(record, A_GRANT) {
            Ok(grant) => grant,
            Err(problem) => {
                problem.log();
                return None;
            }
        };
        let known = Arc::new(Known {
            version: record.version,
            grant,
            arrived: AtomicBool::new(false),
            gone: before.map_or_else(CancellationToken::new, |before| before.gone.clone()),
        });
        let mut all = self.lock();
        if all.len() < MAX_KNOWN || all.contains_key(id) {
            all.insert(id.into(), Arc::clone(&known));
        }
        Some(known)
    }

    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    pub(super) fn has_arrived(&self) -> bool {
        self.arrived.load(Ordering::Relaxed)
    }
}

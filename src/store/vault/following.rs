//! Following a shelf that others change too: the mirror reads what has changed, and nothing else where it can.

use std::collections::{BTreeSet, HashMap};
use std::sync::{MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{Inner, root};
use crate::store::{Changes, Kind, News, Record, StoreError, keys};

/// How often a shared shelf is asked what others have changed.
const LOOK: Duration = Duration::from_millis(200);

/// Damaged records that are named in the log at a time.
const TOLD: usize = 8;

/// Under which name which mirrored record lies.
pub(super) type Places = HashMap<String, (Kind, String)>;

/// Asks until the vault is gone. While the shelf does not answer the mirror gets old, and then lets nobody in.
pub(super) async fn follow(vault: Weak<Inner>) {
    let (mut is_away, mut told) = (false, 0);
    while let Some(inner) = vault.upgrade() {
        let outcome = inner.catch_up().await;
        let was_away = std::mem::replace(&mut is_away, outcome.is_err());
        match outcome {
            Ok(damaged) => {
                if was_away {
                    tracing::info!("the store answers again");
                }
                // What stays damaged is told once, and of many a few.
                if damaged.len() != told {
                    let count = damaged.len();
                    for error in damaged.iter().take(TOLD) {
                        tracing::error!(%error, count, "a record is left out: whoever it decides about is refused");
                    }
                }
                told = damaged.len().max(told);
            }
            Err(error) if !was_away => {
                tracing::error!(%error, "the store cannot be asked: who it decides about is refused");
            }
            Err(_) => {}
        }
        drop(inner);
        sleep(LOOK).await;
    }
}

impl Inner {
    /// Brings the mirror to what the shelf has now. Gives what is damaged.
    pub(super) async fn catch_up(&self) -> Result<Vec<StoreError>, StoreError> {
        match self.shelf.news() {
            Some(news) => self.read_news(news).await,
            None => self.refill().await,
        }
    }

    async fn read_news(&self, news: &dyn News) -> Result<Vec<StoreError>, StoreError> {
        let asked = Instant::now();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Changes { version, names } = news.since(seen).await?;
        // What could not be read for a while is read with everything.
        let names = names.filter(|_| self.mirror.is_whole());
        let damaged = if let Some(names) = names {
            let names: BTreeSet<String> = names.into_iter().collect();
            let mut damaged = Vec::new();
            for name in names {
                damaged.extend(self.reread(&name).await?);
            }
            if self.mirror.is_whole() {
                self.mirror.hear(asked);
            }
            damaged
        } else {
            self.is_the_same().await?;
            self.refill().await?
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
        Ok(damaged)
    }

    /// It may have been emptied, and begun anew by another gateway.
    async fn is_the_same(&self) -> Result<(), StoreError> {
        let root = root(&*self.shelf, &self.keys.load()).await?;
        let names: [u8; 32] = keys::derive(&root, "names").into();
        if names == self.names {
            return Ok(());
        }
        self.mirror.fall_behind();
        Err(StoreError(
            "the store is not the one that this gateway began with: start the gateway anew".to_owned(),
        ))
    }

    /// One record, by `folder/name`, as it is now. A damaged one is given back: nothing is known of it any more.
    async fn reread(&self, path: &str) -> Result<Option<StoreError>, StoreError> {
        let mirrored = |folder: &str| {
            let mut kinds = Kind::ALL.into_iter().filter(|kind| kind.is_mirrored());
            kinds.find(|kind| kind.word() == folder)
        };
        let Some((kind, name)) = path
            .split_once('/')
            .and_then(|(folder, name)| Some((mirrored(folder)?, name)))
        else {
            return Ok(None);
        };
        let _one_at_a_time = self.reading.lock().await;
        let mut damaged = None;
        if let Some(sealed) = self.shelf.find(kind.word(), name).await? {
            match self.open(kind, name, sealed) {
                Ok(found) => {
                    self.places().insert(name.to_owned(), (kind, found.key.clone()));
                    self.mirror.set(kind, &found.key, Some(found.record));
                    return Ok(None);
                }
                Err(error) => damaged = Some(error),
            }
        }
        let gone = self.places().remove(name);
        match gone {
            // Nobody knows whom it is about.
            _ if damaged.is_some() && kind == Kind::Hold => self.mirror.fall_behind(),
            Some((kind, key)) => self.mirror.set(kind, &key, None),
            None => {}
        }
        Ok(damaged)
    }

    /// Remembers under which names records lie, where others change them too.
    pub(super) fn place(&self, kind: Kind, records: &[(String, Record)]) {
        if self.shelf.news().is_some() {
            let mut places = self.places();
            places.retain(|_, (other, _)| *other != kind);
            places.extend(
                records
                    .iter()
                    .map(|(key, _)| (self.name(kind, key), (kind, key.clone()))),
            );
        }
    }

    /// Nothing panics while it holds this lock.
    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

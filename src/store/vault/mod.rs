//! Records over a shelf: sealed and opened here, so that wherever they lie nobody reads them without the key.
//!
//! In come plain records, out go sealed bytes under names that say nothing: a name is a hash under a secret that is itself sealed
//! on the shelf. What does not open is an error, never an absent record. The mirror follows before a change is confirmed.

mod following;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::store::keys::{self, Keys, Opened, Unopened};
use crate::store::shelf::{Shelf, Version};
use crate::store::vault::following::Places;
use crate::store::{Carried, Expect, Kind, MAX_KEY, MAX_VALUE, Meter, Mirror, Record, Records, StoreError};
use crate::text::hex;

/// Bytes of what a shelf keeps as one record.
pub(super) const MAX_SEALED: usize = MAX_VALUE + MAX_KEY + keys::ADDED + HEAD;
/// Version, expiry and the key's length.
const HEAD: usize = 8 + 8 + 2;
/// The vault's own folder, and the secret in it that names are made with.
const OWN: &str = "store";
const ROOT: &str = "root";
/// How often one that does not mind what it replaces tries again when somebody was faster.
const TRIES: usize = 16;
/// How often expired records are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// How soon what could not be read is read again.
const AGAIN: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub struct Vault(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shelf: Arc<dyn Shelf>,
    keys: ArcSwap<Keys>,
    /// Of names; 32 bytes that never change.
    names: [u8; 32],
    carried: Carried,
    meter: Option<Meter>,
    mirror: Arc<Mirror>,
    /// Whoever reads for the mirror: the last to read has read what is newest.
    reading: Mutex<()>,
    /// Under which name which mirrored record lies; of a shelf that others change too.
    places: std::sync::Mutex<Places>,
    /// The version of the shelf that the mirror has followed to.
    seen: std::sync::Mutex<Option<Version>>,
    /// Other keys are in force, or it has just begun.
    is_sweep_due: AtomicBool,
}

/// A record, the bytes it lay in, and whether the first key had sealed them.
struct Found {
    key: String,
    record: Record,
    sealed: Vec<u8>,
    is_newest: bool,
}

impl Vault {
    /// Opens what lies on a shelf, or begins it; the mirror is filled when it returns. `Err` where other keys have sealed it.
    /// A damaged record stops nothing: a grant is left out, and with a damaged hold the mirror is not current.
    /// Keeps itself by a task that ends with the last clone.
    pub async fn open(shelf: Arc<dyn Shelf>, keys: Keys) -> Result<Self, StoreError> {
        let root = root(&*shelf, &keys).await?;
        let vault = Self(Arc::new(Inner {
            keys: ArcSwap::from_pointee(keys),
            names: keys::derive(&root, "names").into(),
            carried: Carried::of(&root),
            meter: Meter::of(&shelf, &root),
            mirror: Arc::new(Mirror::new(shelf.news().is_none())),
            reading: Mutex::default(),
            places: std::sync::Mutex::default(),
            seen: std::sync::Mutex::default(),
            is_sweep_due: AtomicBool::new(true),
            shelf,
        }));
        for error in vault.0.catch_up().await? {
            tracing::error!(%error, "a record is left out: whoever it decides about is refused");
        }
        tokio::spawn(tend(Arc::downgrade(&vault.0)));
        if vault.0.shelf.news().is_some() {
            tokio::spawn(following::follow(Arc::downgrade(&vault.0)));
        }
        Ok(vault)
    }

    pub fn mirror(&self) -> Arc<Mirror> {
        Arc::clone(&self.0.mirror)
    }

    /// Seals what others carry.
    pub fn carried(&self) -> Carried {
        self.0.carried.clone()
    }

    /// What counts calls over all gateways; `None`: this is the only one.
    pub fn meter(&self) -> Option<Meter> {
        self.0.meter.clone()
    }

    /// Do these keys open it? Asked before they are taken; of those in force there is nothing to ask.
    pub async fn check(&self, keys: &Keys) -> Result<(), StoreError> {
        if keys.is_same(&self.0.keys.load()) {
            return Ok(());
        }
        root(&*self.0.shelf, keys).await.map(drop)
    }

    /// From now on the first of these seals; what another has sealed is sealed anew in the background.
    pub async fn rekey(&self, keys: Keys) -> Result<(), StoreError> {
        if keys.is_same(&self.0.keys.load()) {
            return Ok(());
        }
        self.check(&keys).await?;
        self.0.keys.store(Arc::new(keys));
        self.0.is_sweep_due.store(true, Ordering::Release);
        Ok(())
    }

    /// Removes what has expired, and seals anew what an older key has sealed. Returns how many of each.
    pub async fn sweep(&self) -> Result<(usize, usize), StoreError> {
        self.0.sweep().await
    }
}

impl Records for Vault {
    fn find(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>> {
        let key = key.to_owned();
        Box::pin(async move { Ok(live(self.0.find(kind, &key).await?).map(|found| found.record)) })
    }

    fn list(&self, kind: Kind) -> BoxFuture<'_, Result<Vec<(String, Record)>, StoreError>> {
        Box::pin(self.0.list(kind))
    }

    fn put(
        &self,
        kind: Kind,
        key: &str,
        expect: Expect,
        value: &[u8],
        expires: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<Option<u64>, StoreError>> {
        let (key, value) = (key.to_owned(), value.to_vec());
        Box::pin(async move { self.0.put(kind, &key, expect, value, expires).await })
    }

    fn remove(&self, kind: Kind, key: &str, expect: Expect) -> BoxFuture<'_, Result<bool, StoreError>> {
        let key = key.to_owned();
        Box::pin(async move { Ok(self.0.remove(kind, &key, expect).await?.is_some()) })
    }

    fn take(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>> {
        let key = key.to_owned();
        Box::pin(self.0.remove_owned(kind, key))
    }
}

impl Inner {
    async fn find(&self, kind: Kind, key: &str) -> Result<Option<Found>, StoreError> {
        let name = self.name(kind, key);
        let Some(sealed) = self.shelf.find(kind.word(), &name).await? else {
            return Ok(None);
        };
        self.open(kind, &name, sealed).map(Some)
    }

    async fn list(&self, kind: Kind) -> Result<Vec<(String, Record)>, StoreError> {
        let now = Timestamp::now();
        let mut found = Vec::new();
        for (name, sealed) in self.shelf.list(kind.word()).await? {
            let opened = self.open(kind, &name, sealed)?;
            if !opened.record.is_expired(now) {
                found.push((opened.key, opened.record));
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    async fn put(
        &self,
        kind: Kind,
        key: &str,
        expect: Expect,
        value: Vec<u8>,
        expires: Option<Timestamp>,
    ) -> Result<Option<u64>, StoreError> {
        if value.len() > MAX_VALUE || key.len() > MAX_KEY {
            return Err(StoreError(format!(
                "a {} of {} bytes under a key of {} is too large for the store",
                kind.word(),
                value.len(),
                key.len()
            )));
        }
        let name = self.name(kind, key);
        for _ in 0..TRIES {
            let old = self.find(kind, key).await?;
            if !is_as_expected(old.as_ref(), expect) {
                return Ok(None);
            }
            // The time keeps a version from coming again once a record was removed.
            let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0);
            let version = old.as_ref().map_or(now, |old| now.max(old.record.version + 1));
            let record = Record {
                version,
                expires,
                value: value.clone(),
            };
            let sealed = self.seal(kind, &name, key, &record)?;
            let old = old.map(|old| old.sealed);
            if self
                .shelf
                .swap(kind.word(), &name, old, Some(sealed), kind.limit())
                .await?
            {
                self.reflect(kind, key).await;
                return Ok(Some(version));
            }
        }
        Err(busy())
    }

    async fn remove_owned(&self, kind: Kind, key: String) -> Result<Option<Record>, StoreError> {
        self.remove(kind, &key, Expect::Any).await
    }

    async fn remove(&self, kind: Kind, key: &str, expect: Expect) -> Result<Option<Record>, StoreError> {
        let name = self.name(kind, key);
        for _ in 0..TRIES {
            let Some(old) = live(self.find(kind, key).await?) else {
                return Ok(None);
            };
            if !is_as_expected(Some(&old), expect) {
                return Ok(None);
            }
            if self
                .shelf
                .swap(kind.word(), &name, Some(old.sealed), None, kind.limit())
                .await?
            {
                self.reflect(kind, key).await;
                return Ok(Some(old.record));
            }
        }
        Err(busy())
    }

    async fn sweep(&self) -> Result<(usize, usize), StoreError> {
        let (mut removed, mut resealed) = (0, 0);
        for kind in Kind::ALL {
            let now = Timestamp::now();
            for (name, sealed) in self.shelf.list(kind.word()).await? {
                let found = match self.open(kind, &name, sealed) {
                    Ok(found) => found,
                    // It is told, and the others are swept all the same.
                    Err(error) => {
                        tracing::warn!(%error, "a record cannot be swept");
                        continue;
                    }
                };
                let (is_expired, is_old) = (found.record.is_expired(now), !found.is_newest);
                let new = match (is_expired, is_old) {
                    (true, _) => None,
                    (false, true) => Some(self.seal(kind, &name, &found.key, &found.record)?),
                    (false, false) => continue,
                };
                // Where somebody was faster it has been sealed anew.
                if self
                    .shelf
                    .swap(kind.word(), &name, Some(found.sealed), new, kind.limit())
                    .await?
                {
                    removed += usize::from(is_expired);
                    resealed += usize::from(!is_expired);
                    if is_expired {
                        self.reflect(kind, &found.key).await;
                    }
                }
            }
        }
        reseal_root(&*self.shelf, &self.keys.load()).await?;
        Ok((removed, resealed))
    }

    /// Brings one record into the mirror as it is now. That it cannot be read makes the mirror say so, and it is tried again.
    async fn reflect(&self, kind: Kind, key: &str) {
        if !kind.is_mirrored() {
            return;
        }
        let _one_at_a_time = self.reading.lock().await;
        match self.find(kind, key).await {
            Ok(found) => {
                if self.shelf.news().is_some() && found.is_some() {
                    self.places().insert(self.name(kind, key), (kind, key.to_owned()));
                }
                self.mirror.set(kind, key, found.map(|found| found.record));
            }
            Err(error) => {
                tracing::error!(%error, "what the store holds cannot be read: whoever it decides about is refused");
                self.mirror.fall_behind();
            }
        }
    }

    /// Gives what is damaged. A damaged grant gives nothing any more; of a damaged hold nobody knows about whom it is, so that the
    /// mirror stays behind until it can be read or is gone.
    async fn refill(&self) -> Result<Vec<StoreError>, StoreError> {
        let asked = Instant::now();
        let _one_at_a_time = self.reading.lock().await;
        let (holds, mut damaged) = self.readable(Kind::Hold).await?;
        let is_whole = damaged.is_empty();
        let (grants, more) = self.readable(Kind::Grant).await?;
        damaged.extend(more);
        let (sessions, more) = self.readable(Kind::ClientSession).await?;
        damaged.extend(more);
        let (sessions_ends, more) = self.readable(Kind::SessionsEnd).await?;
        damaged.extend(more);
        if is_whole {
            self.place(Kind::Hold, &holds);
            self.place(Kind::Grant, &grants);
            self.place(Kind::ClientSession, &sessions);
            self.place(Kind::SessionsEnd, &sessions_ends);
            self.mirror.fill(Kind::Hold, holds);
            self.mirror.fill(Kind::Grant, grants);
            self.mirror.fill(Kind::ClientSession, sessions);
            self.mirror.fill(Kind::SessionsEnd, sessions_ends);
            self.mirror.hear(asked);
        }
        Ok(damaged)
    }

    /// All of a kind, and what of it is damaged. `Err` where a key is missing: that is for whoever gives the keys to mend.
    async fn readable(&self, kind: Kind) -> Result<(Vec<(String, Record)>, Vec<StoreError>), StoreError> {
        let (now, mut records, mut damaged) = (Timestamp::now(), Vec::new(), Vec::new());
        for (name, sealed) in self.shelf.list(kind.word()).await? {
            match self.try_open(kind, &name, sealed) {
                Ok(found) if found.record.is_expired(now) => {}
                Ok(found) => records.push((found.key, found.record)),
                Err(why @ Unopened::NoKey) => return Err(unopened(kind.word(), &name, why)),
                Err(why @ Unopened::Damaged) => damaged.push(unopened(kind.word(), &name, why)),
            }
        }
        Ok((records, damaged))
    }

    fn name(&self, kind: Kind, key: &str) -> String {
        let hash = Sha256::new()
            .chain_update(self.names)
            .chain_update(kind.word())
            .chain_update([0])
            .chain_update(key)
            .finalize();
        hex(&hash)
    }

    fn seal(&self, kind: Kind, name: &str, key: &str, record: &Record) -> Result<Vec<u8>, StoreError> {
        let expires = record.expires.map_or(i64::MAX, Timestamp::as_microsecond);
        let length = u16::try_from(key.len()).map_err(|_| StoreError("a key is too long".to_owned()))?;
        let plain = [
            &record.version.to_be_bytes()[..],
            &expires.to_be_bytes(),
            &length.to_be_bytes(),
            key.as_bytes(),
            &record.value,
        ]
        .concat();
        self.keys.load().seal(&place(kind.word(), name), &plain)
    }

    fn open(&self, kind: Kind, name: &str, sealed: Vec<u8>) -> Result<Found, StoreError> {
        self.try_open(kind, name, sealed)
            .map_err(|why| unopened(kind.word(), name, why))
    }

    fn try_open(&self, kind: Kind, name: &str, sealed: Vec<u8>) -> Result<Found, Unopened> {
        let opened = self.keys.load().open(&place(kind.word(), name), &sealed)?;
        let is_newest = opened.is_newest;
        let (key, record) = unpack(opened).ok_or(Unopened::Damaged)?;
        Ok(Found {
            key,
            record,
            sealed,
            is_newest,
        })
    }
}

/// Reads again what could not be read, and sweeps.
async fn tend(vault: Weak<Inner>) {
    let mut swept = Instant::now();
    while let Some(inner) = vault.upgrade() {
        let must_read = inner.shelf.news().is_none() && !inner.mirror.is_current();
        if must_read && inner.refill().await.is_ok() && inner.mirror.is_current() {
            tracing::info!("what the store holds can be read again");
        }
        if inner.is_sweep_due.swap(false, Ordering::AcqRel) || swept.elapsed() >= SWEEP {
            swept = Instant::now();
            match inner.sweep().await {
                Ok((_, 0)) => {}
                Ok((_, resealed)) => tracing::info!(resealed, "records are sealed by the first key now"),
                Err(error) => tracing::warn!(%error, "the store cannot be swept"),
            }
        }
        drop(inner);
        sleep(AGAIN).await;
    }
}

fn is_as_expected(found: Option<&Found>, expect: Expect) -> bool {
    let found = found.filter(|found| !found.record.is_expired(Timestamp::now()));
    match expect {
        Expect::Any => true,
        Expect::Absent => found.is_none(),
        Expect::Version(version) => found.is_some_and(|found| found.record.version == version),
    }
}

fn live(found: Option<Found>) -> Option<Found> {
    found.filter(|found| !found.record.is_expired(Timestamp::now()))
}

/// The secret that names are made with: made once, with the first record there ever is.
async fn root(shelf: &dyn Shelf, keys: &Keys) -> Result<Vec<u8>, StoreError> {
    loop {
        if let Some(sealed) = shelf.find(OWN, ROOT).await? {
            let opened = keys
                .open(&place(OWN, ROOT), &sealed)
                .map_err(|why| unopened(OWN, ROOT, why))?;
            return Ok(opened.bytes);
        }
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| StoreError(format!("the system gives no random bytes: {error}")))?;
        let sealed = keys.seal(&place(OWN, ROOT), &bytes)?;
        shelf.swap(OWN, ROOT, None, Some(sealed), 1).await?;
    }
}

async fn reseal_root(shelf: &dyn Shelf, keys: &Keys) -> Result<(), StoreError> {
    let Some(sealed) = shelf.find(OWN, ROOT).await? else {
        return Ok(());
    };
    let opened = keys
        .open(&place(OWN, ROOT), &sealed)
        .map_err(|why| unopened(OWN, ROOT, why))?;
    if !opened.is_newest {
        let anew = keys.seal(&place(OWN, ROOT), &opened.bytes)?;
        shelf.swap(OWN, ROOT, Some(sealed), Some(anew), 1).await?;
    }
    Ok(())
}

fn unpack(opened: Opened) -> Option<(String, Record)> {
    let bytes = opened.bytes;
    let (version, rest) = bytes.split_first_chunk::<8>()?;
    let (expires, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (key, value) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let expires = match i64::from_be_bytes(*expires) {
        i64::MAX => None,
        microseconds => Some(Timestamp::from_microsecond(microseconds).ok()?),
    };
    let record = Record {
        version: u64::from_be_bytes(*version),
        expires,
        value: value.to_vec(),
    };
    Some((String::from_utf8(key.to_vec()).ok()?, record))
}

fn place(folder: &str, name: &str) -> String {
    format!("{folder}/{name}")
}

fn busy() -> StoreError {
    StoreError("a record of the store is changed faster than it can be written; try again".to_owned())
}

fn unopened(folder: &str, name: &str, why: Unopened) -> StoreError {
    StoreError(match why {
        Unopened::NoKey => format!(
            "the store's record {folder}/{name} was sealed by a key that is not given: put the key it was sealed by behind \
             the others in `[gateway.store] key`, or restore `store.key` in the state directory"
        ),
        Unopened::Damaged => format!("the store's record {folder}/{name} is damaged: it does not open"),
    })
}

#[cfg(test)]
pub(super) mod tests;

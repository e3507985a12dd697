//! Records in memory, until the sealed ones under the state directory take their place: they end with the process.
use super::StoreError;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    Account,
    Client,
    Code,
    Credential,
    Flow,
    Grant,
    Hold,
    Session,
}
#[derive(Clone, Debug)]
pub struct Record {
    pub version: u64,
    pub expires: Option<Timestamp>,
    pub value: Vec<u8>,
}
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    Absent,
    Version(u64),
    Any,
}
pub trait Records: fmt::Debug + Send + Sync {
    fn find(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>>;
    fn list(&self, kind: Kind) -> BoxFuture<'_, Result<Vec<(String, Record)>, StoreError>>;
    fn put(
        &self,
        kind: Kind,
        key: &str,
        expect: Expect,
        value: &[u8],
        expires: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<Option<u64>, StoreError>>;
    fn remove(&self, kind: Kind, key: &str, expect: Expect) -> BoxFuture<'_, Result<bool, StoreError>>;
    fn take(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>>;
}
type Table = Arc<Mutex<HashMap<(Kind, String), Record>>>;
#[derive(Debug, Default)]
pub struct Memory {
    table: Table,
    changes: tokio::sync::watch::Sender<u64>,
    next: std::sync::atomic::AtomicU64,
}
#[derive(Debug)]
pub struct Mirror {
    table: Table,
    changes: tokio::sync::watch::Receiver<u64>,
}
impl Mirror {
    pub fn of(memory: &Memory) -> Arc<Self> {
        Arc::new(Self {
            table: Arc::clone(&memory.table),
            changes: memory.changes.subscribe(),
        })
    }
    pub fn find(&self, kind: Kind, key: &str) -> Option<Record> {
        live(
            self.table
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .get(&(kind, key.to_owned()))
                .cloned(),
        )
    }
    pub fn all(&self, kind: Kind) -> Vec<(String, Arc<Record>)> {
        let table = self.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = table.iter().filter(|((known, _), _)| *known == kind);
        own.filter_map(|((_, key), record)| Some((key.clone(), Arc::new(live(Some(record.clone()))?))))
            .collect()
    }
    pub fn is_current(&self) -> bool {
        true
    }
    pub fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changes.clone()
    }
}
fn live(r: Option<Record>) -> Option<Record> {
    r.filter(|r| r.expires.is_none_or(|e| e > Timestamp::now()))
}
impl Records for Memory {
    fn find(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>> {
        let r = live(
            self.table
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .get(&(kind, key.to_owned()))
                .cloned(),
        );
        Box::pin(async move { Ok(r) })
    }
    fn list(&self, kind: Kind) -> BoxFuture<'_, Result<Vec<(String, Record)>, StoreError>> {
        let r = self
            .table
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .iter()
            .filter(|((k, _), _)| *k == kind)
            .filter_map(|((_, n), r)| Some((n.clone(), live(Some(r.clone()))?)))
            .collect();
        Box::pin(async move { Ok(r) })
    }
    fn put(
        &self,
        kind: Kind,
        key: &str,
        expect: Expect,
        value: &[u8],
        expires: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<Option<u64>, StoreError>> {
        let mut t = self.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let k = (kind, key.to_owned());
        let now = live(t.get(&k).cloned());
        let ok = match expect {
            Expect::Absent => now.is_none(),
            Expect::Version(v) => now.is_some_and(|r| r.version == v),
            Expect::Any => true,
        };
        let r = ok.then(|| {
            let version = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            t.insert(
                k,
                Record {
                    version,
                    expires,
                    value: value.to_vec(),
                },
            );
            version
        });
        drop(t);
        self.changes.send_modify(|n| *n += 1);
        Box::pin(async move { Ok(r) })
    }
    fn remove(&self, kind: Kind, key: &str, _: Expect) -> BoxFuture<'_, Result<bool, StoreError>> {
        let r = live(
            self.table
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .remove(&(kind, key.to_owned())),
        )
        .is_some();
        self.changes.send_modify(|n| *n += 1);
        Box::pin(async move { Ok(r) })
    }
    fn take(&self, kind: Kind, key: &str) -> BoxFuture<'_, Result<Option<Record>, StoreError>> {
        let r = live(
            self.table
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .remove(&(kind, key.to_owned())),
        );
        Box::pin(async move { Ok(r) })
    }
}

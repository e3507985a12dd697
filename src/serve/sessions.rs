//! Where the gate saves what clients have set in their sessions: the store, for the gate.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::gate::{SessionStore, Versioned};
use crate::store::{Expect, Kind, Mirror, Record, Records, StoreError, Vault};

#[derive(Debug)]
pub(super) struct Sessions {
    records: Arc<dyn Records>,
    mirror: Arc<Mirror>,
}

impl Sessions {
    pub(super) fn of(vault: &Vault) -> Arc<Self> {
        Arc::new(Self {
            records: Arc::new(vault.clone()),
            mirror: vault.mirror(),
        })
    }
}

impl SessionStore for Sessions {
    fn is_alone(&self) -> bool {
        self.mirror.is_alone()
    }

    fn version(&self, session: &str) -> Option<u64> {
        let record = self.mirror.find(Kind::ClientSession, session)?;
        Some(record.version)
    }

    fn known(&self, session: &str) -> Option<Versioned> {
        let record = self.mirror.find(Kind::ClientSession, session)?;
        Some((record.version, record.value.clone()))
    }

    fn find(&self, session: &str) -> BoxFuture<'_, Result<Option<Versioned>, String>> {
        let found = self.records.find(Kind::ClientSession, session);
        Box::pin(async move {
            let found: Option<Record> = found.await.map_err(told)?;
            Ok(found.map(|record| (record.version, record.value)))
        })
    }

    fn put(
        &self,
        session: &str,
        seen: Option<u64>,
        value: Vec<u8>,
        end: u64,
    ) -> BoxFuture<'_, Result<Option<u64>, String>> {
        let expect = seen.map_or(Expect::Absent, Expect::Version);
        let end = i64::try_from(end)
            .ok()
            .and_then(|end| Timestamp::from_millisecond(end).ok());
        let put = self.records.put(Kind::ClientSession, session, expect, &value, end);
        Box::pin(async move { put.await.map_err(told) })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.mirror.watch_sessions()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn told(error: StoreError) -> String {
    error.to_string()
}

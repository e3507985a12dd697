//! Calls that several gateways count together: the store, for the gate.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::gate::SharedRates;
use crate::store::Meter;

#[derive(Debug)]
pub(super) struct Shared(pub(super) Meter);

impl SharedRates for Shared {
    fn take<'a>(&'a self, subjects: &'a [(String, u32)]) -> BoxFuture<'a, Result<Option<(usize, Duration)>, String>> {
        Box::pin(async move {
            let taken = self.0.take(subjects).await.map_err(|error| error.to_string())?;
            Ok(taken.map(|empty| (empty.at, empty.wait)))
        })
    }
}

//! A value that whoever comes first makes for all, and that is made anew after it was lost.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::upstream::failure::Failure;

/// Waiters share one making; where it fails the next one tries. No lock is held while it is made.
#[derive(Debug)]
pub(super) struct Renewable<T>(Mutex<Arc<OnceCell<Arc<T>>>>);

impl<T> Renewable<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Arc::new(OnceCell::new())))
    }

    pub(super) async fn get_or_make<F>(&self, make: impl FnOnce() -> F) -> Result<Arc<T>, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let cell = self.cell();
        if let Some(value) = cell.get() {
            return Ok(Arc::clone(value));
        }
        let value = cell.get_or_try_init(|| async { make().await.map(Arc::new) }).await?;
        Ok(Arc::clone(value))
    }

    pub(super) fn current(&self) -> Option<Arc<T>> {
        self.cell().get().cloned()
    }

    /// Forgets `lost`, unless it is forgotten or replaced already.
    pub(super) fn lose(&self, lost: &Arc<T>) {
        let mut cell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cell.get().is_some_and(|value| Arc::ptr_eq(value, lost)) {
            *cell = Arc::new(OnceCell::new());
        }
    }

    /// Takes the value out, for its end.
    pub(super) fn take(&self) -> Option<Arc<T>> {
        let mut cell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = cell.get().cloned();
        if taken.is_some() {
            *cell = Arc::new(OnceCell::new());
        }
        taken
    }

    fn cell(&self) -> Arc<OnceCell<Arc<T>>> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

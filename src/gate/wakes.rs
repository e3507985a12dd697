//! Who is woken when one grant has changed: the streams under it, and no others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Grants that are followed before those that nobody follows any more are looked for.
const FEW: usize = 64;

/// By grant. No more than twice as many as there are grants with open streams, and [`FEW`].
#[derive(Default)]
pub(super) struct Wakes(Mutex<Table>);

#[derive(Default)]
struct Table {
    grants: HashMap<Box<str>, watch::Sender<u64>>,
    /// At so many the table is cleared of what nobody follows.
    full: usize,
}

impl Wakes {
    /// Ticks when this grant has changed or gone, from now on.
    pub(super) fn follow(&self, grant: &str) -> watch::Receiver<u64> {
        let mut table = self.lock();
        if let Some(sender) = table.grants.get(grant) {
            return sender.subscribe();
        }
        if table.grants.len() >= table.full {
            table.grants.retain(|_, sender| sender.receiver_count() > 0);
            table.full = FEW.max(2 * table.grants.len());
        }
        let (sender, receiver) = watch::channel(0);
        table.grants.insert(grant.into(), sender);
        receiver
    }

    /// Costs the same however many others are followed.
    pub(super) fn wake(&self, grant: &str) {
        let mut table = self.lock();
        let Some(sender) = table.grants.get(grant) else { return };
        if sender.receiver_count() == 0 {
            table.grants.remove(grant);
        } else {
            sender.send_modify(|count| *count += 1);
        }
    }

    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_wakes_its_own_streams_alone() {
        let wakes = Wakes::default();
        let mut mine = [wakes.follow("mine"), wakes.follow("mine")];
        let mut other = wakes.follow("other");
        for number in 0..10_000 {
            wakes.wake(&format!("unrelated-{number}"));
        }
        assert!(!mine[0].has_changed().unwrap() && !other.has_changed().unwrap());
        wakes.wake("mine");
        for stream in &mut mine {
            assert!(stream.has_changed().unwrap());
            stream.mark_unchanged();
        }
        assert!(!other.has_changed().unwrap());
        wakes.wake("other");
        assert!(other.has_changed().unwrap() && !mine[0].has_changed().unwrap());
        other.mark_unchanged();
    }

    #[test]
    fn what_nobody_follows_any_more_is_not_kept() {
        let wakes = Wakes::default();
        let kept: Vec<_> = (0..100).map(|number| wakes.follow(&format!("kept-{number}"))).collect();
        for number in 0..100_000 {
            drop(wakes.follow(&format!("gone-{number}")));
        }
        assert!(wakes.lock().grants.len() <= 2 * kept.len() + FEW);
        drop(kept);
        wakes.wake("kept-0");
        assert!(!wakes.lock().grants.contains_key("kept-0"));
    }
}

//! Who wants to hear of which resource. The server is asked once per URI, whoever subscribes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::upstream::scope::{Sink, Unsolicited};

/// URIs that one conversation may be subscribed to.
const MAX_URIS: usize = 10_000;

#[derive(Debug)]
pub(super) struct Subscriptions {
    by_uri: Mutex<HashMap<String, Vec<Subscriber>>>,
    /// Grows whenever the set of URIs changes; the listen stream follows it.
    wanted: watch::Sender<u64>,
    /// The last state of `wanted` that the server acknowledged.
    acknowledged: watch::Sender<u64>,
}

#[derive(Debug)]
struct Subscriber {
    link: u64,
    sink: Sink,
}

/// What a change of the set asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// The server need not be told.
    None,
    /// The first subscriber of the URI came, or the last one left.
    Uri,
    /// No room.
    Full,
}

impl Subscriptions {
    pub(super) fn new() -> Self {
        Self {
            by_uri: Mutex::default(),
            wanted: watch::Sender::new(0),
            acknowledged: watch::Sender::new(0),
        }
    }

    pub(super) fn add(&self, uri: &str, link: u64, sink: Sink) -> Change {
        let mut by_uri = self.by_uri();
        if by_uri.len() >= MAX_URIS && !by_uri.contains_key(uri) {
            return Change::Full;
        }
        let subscribers = by_uri.entry(uri.into()).or_default();
        let first = subscribers.is_empty();
        if let Some(known) = subscribers.iter_mut().find(|subscriber| subscriber.link == link) {
            known.sink = sink;
        } else {
            subscribers.push(Subscriber { link, sink });
        }
        drop(by_uri);
        self.changed(first)
    }

    pub(super) fn remove(&self, uri: &str, link: u64) -> Change {
        let mut by_uri = self.by_uri();
        let Some(subscribers) = by_uri.get_mut(uri) else {
            return Change::None;
        };
        subscribers.retain(|subscriber| subscriber.link != link);
        let last = subscribers.is_empty();
        if last {
            by_uri.remove(uri);
        }
        drop(by_uri);
        self.changed(last)
    }

    /// All of one link; returns the URIs that nobody wants any more.
    pub(super) fn remove_link(&self, link: u64) -> Vec<String> {
        let mut gone = Vec::new();
        self.by_uri().retain(|uri, subscribers| {
            subscribers.retain(|subscriber| subscriber.link != link);
            if subscribers.is_empty() {
                gone.push(uri.clone());
            }
            !subscribers.is_empty()
        });
        self.changed(!gone.is_empty());
        gone
    }

    /// Sorted.
    pub(super) fn uris(&self) -> Vec<String> {
        let mut uris: Vec<String> = self.by_uri().keys().cloned().collect();
        uris.sort_unstable();
        uris
    }

    /// Hands `message` to all who want to hear of `uri`; returns for how many there was no room.
    pub(super) fn deliver(&self, uri: &str, message: &Unsolicited) -> u64 {
        let by_uri = self.by_uri();
        let subscribers = by_uri.get(uri).map_or(&[][..], Vec::as_slice);
        let failed = subscribers
            .iter()
            .filter(|subscriber| subscriber.sink.try_send(message.clone()).is_err());
        failed.count() as u64
    }

    pub(super) fn wanted(&self) -> watch::Receiver<u64> {
        self.wanted.subscribe()
    }

    pub(super) fn acknowledge(&self, state: u64) {
        self.acknowledged.send_if_modified(|last| {
            let newer = state > *last;
            *last = state.max(*last);
            newer
        });
    }

    /// Returns when the server knows all that is wanted now.
    pub(super) async fn until_acknowledged(&self) {
        let wanted = *self.wanted.borrow();
        // The sender lives as long as `self`.
        let _ = self.acknowledged.subscribe().wait_for(|state| *state >= wanted).await;
    }

    fn changed(&self, changed: bool) -> Change {
        if changed {
            self.wanted.send_modify(|state| *state += 1);
            Change::Uri
        } else {
            Change::None
        }
    }

    fn by_uri(&self) -> MutexGuard<'_, HashMap<String, Vec<Subscriber>>> {
        self.by_uri.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::mpsc;

    use super::*;
    use crate::name::ServerName;

    #[test]
    fn the_server_is_told_of_the_first_and_the_last_subscriber_only() {
        let subscriptions = Subscriptions::new();
        let (sink, mut heard) = mpsc::channel(4);
        assert_eq!(subscriptions.add("a:", 1, sink.clone()), Change::Uri);
        assert_eq!(subscriptions.add("a:", 2, sink.clone()), Change::None);
        assert_eq!(subscriptions.add("a:", 2, sink), Change::None);
        let update = Unsolicited {
            server: ServerName::new("x").unwrap(),
            message: Bytes::from_static(b"{}"),
        };
        assert_eq!(subscriptions.deliver("a:", &update), 0);
        assert_eq!(subscriptions.deliver("b:", &update), 0);
        assert!(heard.try_recv().is_ok() && heard.try_recv().is_ok() && heard.try_recv().is_err());
        assert_eq!(subscriptions.remove("a:", 1), Change::None);
        assert_eq!(subscriptions.remove_link(2), ["a:"]);
        assert_eq!(subscriptions.remove("a:", 2), Change::None);
        assert!(subscriptions.uris().is_empty());
    }
}

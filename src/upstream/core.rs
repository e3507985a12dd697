//! What all parts of one upstream share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout};

use crate::mcp::Version;
use crate::name::ServerName;
use crate::snapshot::Transport as Table;
use crate::upstream::credentials::{Holder, Owner};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::health::Health;
use crate::upstream::http::Server;
use crate::upstream::settings::{Context, Settings, SettingsError};
use crate::upstream::stdio::Command;

/// Small messages that go out on their own (cancellations, refusals); more than this at once is a flood and is dropped.
const BACKGROUND: usize = 64;

/// How long one of them may take.
const BACKGROUND_TIME: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Core {
    pub(super) settings: Settings,
    pub(super) transport: Transport,
    pub(super) health: Health,
    /// Sent with every request, where it does not stand in the table.
    pub(super) credential: Option<Arc<Holder>>,
    /// What the server spoke last.
    known: KnownVersion,
    stale: AtomicBool,
    /// The catalogue is being listed: the gateway's own conversation is in use.
    pub(super) listing: AtomicBool,
    wake: Notify,
    background: Arc<Semaphore>,
    /// Messages of the server that found nobody, or a full sink.
    pub(super) dropped: AtomicU64,
    numbers: AtomicU64,
}

#[derive(Debug)]
pub(super) enum Transport {
    Http(Box<Server>),
    Stdio(Command),
}

impl Transport {
    pub(super) fn new(settings: &Settings, context: &Context) -> Result<Self, SettingsError> {
        Ok(match &settings.server.transport {
            Table::Http { .. } => Self::Http(Box::new(Server::new(settings, context)?)),
            Table::Stdio { .. } => Self::Stdio(Command::new(settings, context)?),
        })
    }

    /// Becomes one owner's: what is bounded is bounded for all of them together, and nobody shares a directory.
    pub(super) fn belong(&mut self, family: &Self, owner: &Owner) {
        if let (Self::Stdio(command), Self::Stdio(family)) = (self, family) {
            command.belong(family, owner);
        }
    }
}

impl Core {
    pub(super) fn new(settings: Settings, transport: Transport, credential: Option<Arc<Holder>>) -> Self {
        Self {
            known: KnownVersion::default(),
            credential,
            health: Health::new(&settings.name),
            settings,
            transport,
            stale: AtomicBool::new(true),
            listing: AtomicBool::new(false),
            wake: Notify::new(),
            background: Arc::new(Semaphore::new(BACKGROUND)),
            dropped: AtomicU64::new(0),
            numbers: AtomicU64::new(1),
        }
    }

    pub(super) fn name(&self) -> &ServerName {
        &self.settings.name
    }

    pub(super) fn failure(&self, kind: FailureKind, detail: impl Into<String>) -> Failure {
        Failure::new(kind, self.name(), detail)
    }

    /// For what the gateway asks on its own account.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.settings.limits.timeout
    }

    /// A number that no other call or link of this upstream has.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn known_version(&self) -> Option<Version> {
        self.known.get()
    }

    pub(super) fn learn_version(&self, version: Option<Version>) {
        self.known.set(version);
    }

    /// The catalogue may have changed, or the server may be gone: the keeper looks.
    pub(super) fn suspect(&self) {
        self.stale.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Was there a reason to look since the last time this was asked?
    pub(super) fn take_suspicion(&self) -> bool {
        self.stale.swap(false, Ordering::AcqRel)
    }

    pub(super) async fn suspected(&self) {
        self.wake.notified().await;
    }

    pub(super) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs something small aside, bounded in number and time. Outside of a runtime, and in a flood, it is left out.
    pub(super) fn aside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let Ok(permit) = Arc::clone(&self.background).try_acquire_owned() else {
            tracing::debug!(server = %self.name(), "too many small messages at once: one is left out");
            self.count_dropped();
            return;
        };
        runtime.spawn(async move {
            let _late = timeout(BACKGROUND_TIME, work).await;
            drop(permit);
        });
    }
}

/// An optional version that is read on every call.
#[derive(Debug, Default)]
struct KnownVersion(std::sync::atomic::AtomicU8);

impl KnownVersion {
    fn get(&self) -> Option<Version> {
        let place = self.0.load(Ordering::Acquire);
        Version::ALL.get(usize::from(place).checked_sub(1)?).copied()
    }

    fn set(&self, version: Option<Version>) {
        let place = version.and_then(|version| Version::ALL.iter().position(|known| *known == version));
        let place = place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or(0);
        self.0.store(place, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_remembered_and_forgotten() {
        let known = KnownVersion::default();
        assert_eq!(known.get(), None);
        for version in Version::ALL {
            known.set(Some(version));
            assert_eq!(known.get(), Some(version));
        }
        known.set(None);
        assert_eq!(known.get(), None);
    }
}

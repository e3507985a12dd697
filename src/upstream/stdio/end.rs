//! The end of a child: by itself or by ours, and what it leaves behind.

use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::upstream::conversation::Conversation;
use crate::upstream::stdio::mux::Mux;

/// After standard input is closed, and again after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// For what the child wrote before it ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is left to do once a child runs: see it out.
pub(super) struct End {
    pub(super) group: Group,
    pub(super) child: Child,
    pub(super) reader: JoinHandle<()>,
    pub(super) logger: JoinHandle<()>,
    pub(super) mux: Arc<Mux>,
    pub(super) conversation: Weak<Conversation>,
    pub(super) gone: DropGuard,
    pub(super) place: OwnedSemaphorePermit,
}

impl End {
    pub(super) async fn see_to_it(mut self, stop: CancellationToken) {
        let wanted = tokio::select! {
            _ = self.child.wait() => false,
            () = stop.cancelled() => true,
        };
        // Standard input is closed by now: the writer stops with `stop`.
        if wanted && timeout(GRACE, self.child.wait()).await.is_err() {
            self.group.signal(Signal::TERM);
            if timeout(GRACE, self.child.wait()).await.is_err() {
                self.group.signal(Signal::KILL);
            }
        }
        let status = self.child.wait().await;
        let _late = timeout(LAST_WORDS, &mut self.reader).await;
        // What the child started and left behind.
        self.group.signal(Signal::KILL);
        self.group.0 = None;
        self.reader.abort();
        stop.cancel();
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        if !wanted && let Some(conversation) = self.conversation.upgrade() {
            tracing::warn!(server = %conversation.core.name(), how, "a process ended by itself");
            conversation.crashes.note();
        }
        self.mux.end(&format!("the process ended: {how}"));
        let _late = timeout(LAST_WORDS, &mut self.logger).await;
        self.logger.abort();
        // Who waits for the end may need the place at once.
        drop(self.place);
        drop(self.gone);
    }
}

/// A process group that is killed when nobody sees to its end any more, as when the runtime stops.
pub(super) struct Group(pub(super) Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // Gone already is as good.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

//! The task that keeps the log: it writes where the sink is slow, and does what nobody's call should wait for: `fsync`,
//! putting full files aside, deleting old ones, looking for a file that somebody has moved.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinHandle, block_in_place, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::line::Line;
use super::pen::Pen;
use super::sink::{self, Found};
use super::writer::Writer;

/// How often what was written is made to survive a lost power line, and the file is looked for.
const SYNC: Duration = Duration::from_secs(1);
/// How often files are looked through for what is too old.
const EXPIRY: Duration = Duration::from_secs(60 * 60);

struct Keeper {
    pen: Arc<Pen>,
    may_block: bool,
    syncing: Option<JoinHandle<io::Result<()>>>,
    /// A file that cannot be put aside is not tried again before.
    rotates_from: Instant,
}

/// Returns when all that was recorded is on the disk.
pub(super) async fn run(pen: Arc<Pen>) {
    let mut keeper = Keeper {
        pen,
        may_block: Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread,
        syncing: None,
        rotates_from: Instant::now(),
    };
    let (mut sync, mut expiry) = (interval(SYNC), interval(EXPIRY));
    sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
    expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = keeper.pen.keeper.notified() => {}
            _ = sync.tick() => keeper.sync().await,
            _ = expiry.tick() => keeper.expire().await,
        }
        let may_block = keeper.may_block;
        keeper
            .pen
            .write_all(|write| if may_block { block_in_place(write) } else { write() })
            .await;
        keeper.rotate().await;
        if keeper.pen.keep(|writer| writer.is_closed()).await {
            break;
        }
    }
    keeper.say(&Line::new("end", Timestamp::now())).await;
    keeper.sync().await;
    keeper.synced().await;
}

/// The first line of every run.
pub(super) fn start(found: &Found) -> Line {
    let mut line = Line::new("start", Timestamp::now())
        .text("version", env!("CARGO_PKG_VERSION"))
        .number("pid", std::process::id().into());
    if let Some(torn) = &found.torn {
        tracing::warn!(
            bytes = torn.bytes,
            "the last line of the audit log is torn: it was closed"
        );
        let told = format!(r#"{{"bytes":{},"sha256":"{}"}}"#, torn.bytes, torn.sha256);
        line = line.json("torn", [told.as_bytes()]);
    }
    if let Some(missing) = found.missing {
        tracing::error!(
            missing,
            "the audit log is shorter than it was: lines up to this one are gone"
        );
        line = line.number("missing", missing);
    }
    line
}

impl Keeper {
    /// A line of the log's own. Is it written?
    async fn say(&self, line: &Line) -> bool {
        self.pen.keep(|writer| writer.say(line)).await.is_ok()
    }

    /// Puts a full file aside and goes on in a new one; what is old enough goes then.
    async fn rotate(&mut self) {
        if Instant::now() < self.rotates_from {
            return;
        }
        let rotated = self
            .pen
            .keep(|writer| if writer.is_full() { writer.rotate() } else { Ok(None) })
            .await;
        match rotated {
            Ok(None) => {}
            Ok(Some(aside)) => {
                let synced = spawn_blocking(|| aside.sync()).await;
                if let Ok(Err(error)) = synced {
                    told_unsynced(&error);
                }
                self.expire().await;
            }
            Err(error) => {
                tracing::error!(%error, "the audit log cannot be put aside: it grows on");
                self.rotates_from = Instant::now() + SYNC;
            }
        }
    }

    /// What is too old is named in a line, and then goes.
    async fn expire(&self) {
        let Some((file, retain)) = self.pen.keep(|writer| writer.place()).await else {
            return;
        };
        let now = Timestamp::now();
        let expired = spawn_blocking(move || sink::expired(&file, retain, now)).await;
        for (through, file) in expired.unwrap_or_default() {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let line = Line::new("expired", Timestamp::now())
                .text("file", &name)
                .number("through", through);
            if !self.say(&line).await {
                return;
            }
            match std::fs::remove_file(&file) {
                Ok(()) => tracing::info!(file = name, through, "lines older than `gateway.audit.retain` are gone"),
                Err(error) => tracing::error!(file = name, %error, "an old audit log cannot be deleted"),
            }
        }
    }

    /// Starts an `fsync` where there is something to sync, and none runs.
    async fn sync(&mut self) {
        self.pen.keep(Writer::reopen_if_gone).await;
        if self.syncing.as_ref().is_some_and(|running| !running.is_finished()) {
            return;
        }
        self.synced().await;
        let sync = self.pen.keep(Writer::sync).await;
        self.syncing = sync.map(|sync| spawn_blocking(|| sync.run()));
    }

    async fn synced(&mut self) {
        if let Some(running) = self.syncing.take()
            && let Ok(Err(error)) = running.await
        {
            told_unsynced(&error);
        }
    }
}

fn told_unsynced(error: &io::Error) {
    tracing::error!(%error, "the audit log may not survive a lost power line");
}

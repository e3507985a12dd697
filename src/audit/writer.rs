//! The one task that writes.
//!
//! It takes all lines that wait, chains them, writes them with one `write`, and confirms each. It runs among the requests
//! and not on a thread of its own: a hand-over to one costs more than the write. A disk that turns out to be slow is
//! waited for aside.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, block_in_place, spawn_blocking, yield_now};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::line::Line;
use super::log::{Health, Unwritten};
use super::sink::{Found, Sink};

/// Of one `write`, in bytes, but for one line.
const MAX_BATCH: usize = 1 << 20;
/// How often what was written is made to survive a lost power line, and the file is looked for.
const SYNC: Duration = Duration::from_secs(1);
/// How often files are looked through for what is too old.
const EXPIRY: Duration = Duration::from_secs(60 * 60);
/// A write that took longer is followed by one that other tasks need not wait for.
const SLOW: Duration = Duration::from_millis(2);
/// A failure that goes on is told this often.
const TELL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) enum Order {
    Line(Line, Option<Confirm>),
    Limits {
        rotate: u64,
        retain: Duration,
    },
    /// The last one.
    Close,
}

type Confirm = oneshot::Sender<Result<(), Unwritten>>;

struct Writer {
    sink: Sink,
    health: Arc<Health>,
    waiting: Vec<Option<Confirm>>,
    /// Lines that could not be written since the last that could.
    lost: u64,
    told: Option<Instant>,
    syncing: Option<JoinHandle<io::Result<()>>>,
    may_block: bool,
    slow: bool,
}

/// Returns when all that was recorded is on the disk.
pub(super) async fn run(sink: Sink, found: Found, mut orders: mpsc::Receiver<Order>, health: Arc<Health>) {
    let may_block = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    let mut writer = Writer {
        slow: sink.is_pipe(),
        sink,
        health,
        waiting: Vec::new(),
        lost: 0,
        told: None,
        syncing: None,
        may_block,
    };
    writer.say(start(&found));
    writer.expire();
    let (mut sync, mut expiry) = (interval(SYNC), interval(EXPIRY));
    sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
    expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = true;
    while open {
        tokio::select! {
            biased;
            order = orders.recv() => open = writer.take(order),
            _ = sync.tick() => writer.sync().await,
            _ = expiry.tick() => writer.expire(),
        }
        if writer.waiting.is_empty() {
            continue;
        }
        // Who is ready to run adds its line first: one `write` for all of them.
        yield_now().await;
        while open && writer.sink.waiting() < MAX_BATCH {
            match orders.try_recv() {
                Ok(order) => open = writer.take(Some(order)),
                Err(_) => break,
            }
        }
        writer.write();
    }
    writer.say(Line::new("end", Timestamp::now()));
    writer.sync().await;
    writer.synced().await;
}

/// The first line of every run.
fn start(found: &Found) -> Line {
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

impl Writer {
    /// Puts an order into the batch; `false` after the last one.
    fn take(&mut self, order: Option<Order>) -> bool {
        match order {
            None | Some(Order::Close) => return false,
            Some(Order::Limits { rotate, retain }) => self.sink.limit(rotate, retain),
            Some(Order::Line(line, confirm)) => {
                if self.waiting.is_empty() && self.lost > 0 {
                    let lost = std::mem::take(&mut self.lost);
                    self.sink
                        .push(&Line::new("lost", Timestamp::now()).number("lines", lost));
                    self.lost = lost;
                }
                self.sink.push(&line);
                self.waiting.push(confirm);
            }
        }
        true
    }

    /// A line of the writer's own.
    fn say(&mut self, line: Line) {
        self.take(Some(Order::Line(line, None)));
        self.write();
    }

    fn write(&mut self) {
        self.health.begin();
        let written = if self.slow && self.may_block {
            block_in_place(|| self.sink.write())
        } else {
            self.sink.write()
        };
        self.slow = self.health.end() > SLOW || self.sink.is_pipe();
        let lines = self.waiting.len() as u64;
        let outcome = match written {
            Ok(()) => {
                self.health.lines.fetch_add(lines, Ordering::Relaxed);
                self.health.writes.fetch_add(1, Ordering::Relaxed);
                self.recover();
                Ok(())
            }
            Err(error) => {
                self.lost += lines;
                self.health.lost.fetch_add(lines, Ordering::Relaxed);
                self.fail(&error);
                Err(Unwritten(error.to_string().into()))
            }
        };
        for confirm in self.waiting.drain(..).flatten() {
            // Who has asked may have gone.
            let _gone = confirm.send(outcome.clone());
        }
        if self.sink.is_full() {
            self.rotate();
        }
    }

    fn rotate(&mut self) {
        if let Err(error) = self.sink.rotate() {
            tracing::error!(%error, "the audit log cannot be put aside: it grows on");
        }
        self.expire();
    }

    fn fail(&mut self, error: &io::Error) {
        self.health.failing.store(true, Ordering::Relaxed);
        *self.health.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        if self.told.is_none_or(|told| told.elapsed() > TELL) {
            tracing::error!(%error, lost = self.lost, "the audit log cannot be written");
            self.told = Some(Instant::now());
        }
    }

    fn recover(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if self.health.failing.swap(false, Ordering::Relaxed) {
            tracing::warn!(lost, "the audit log can be written again");
        }
        self.told = None;
    }

    /// What is too old is named in a line, and then goes.
    fn expire(&mut self) {
        for (through, file) in self.sink.expired(Timestamp::now()) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.say(
                Line::new("expired", Timestamp::now())
                    .text("file", &name)
                    .number("through", through),
            );
            if self.lost > 0 {
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
        match self.sink.reopen_if_gone() {
            Ok(None) => {}
            Ok(Some(file)) => {
                tracing::error!(file = %file.display(), "the audit log was moved or deleted: it goes on in a new file");
                self.say(Line::new("reopened", Timestamp::now()));
            }
            Err(error) => self.fail(&error),
        }
        if self.syncing.as_ref().is_some_and(|running| !running.is_finished()) {
            return;
        }
        self.synced().await;
        match self.sink.sync() {
            Ok(None) => {}
            Ok(Some(sync)) => self.syncing = Some(spawn_blocking(|| sync.run())),
            Err(error) => self.fail(&error),
        }
    }

    async fn synced(&mut self) {
        if let Some(running) = self.syncing.take()
            && let Ok(Err(error)) = running.await
        {
            tracing::error!(%error, "the audit log may not survive a lost power line");
        }
    }
}

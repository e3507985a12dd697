//! What whoever has the pen writes with: all lines that wait are chained, written with one `write`, and confirmed.
//!
//! Nothing here waits but for the sink.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::health::Health;
use super::line::Line;
use super::log::{Unwritten, ended};
use super::pen::{Confirm, Order};
use super::sink::{Aside, Sink, Sync};

/// Of one `write`, in bytes, but for one line.
const MAX_BATCH: usize = 1 << 20;
/// A write that took longer is followed by one that other tasks need not wait for.
const SLOW: Duration = Duration::from_millis(2);
/// A failure that goes on is told this often.
const TELL: Duration = Duration::from_secs(10);

pub(super) struct Writer {
    sink: Sink,
    orders: mpsc::Receiver<Order>,
    health: Arc<Health>,
    /// Who waits for the lines of the batch.
    waiting: Vec<Confirm>,
    /// Lines of the batch that somebody has given.
    given: u64,
    /// Lines that could not be written since the last that could.
    lost: u64,
    told: Option<Instant>,
    is_slow: bool,
    is_closed: bool,
}

impl Writer {
    pub(super) fn new(sink: Sink, orders: mpsc::Receiver<Order>, health: Arc<Health>) -> Self {
        Self {
            is_slow: sink.is_pipe(),
            sink,
            orders,
            health,
            waiting: Vec::new(),
            given: 0,
            lost: 0,
            told: None,
            is_closed: false,
        }
    }

    /// Takes what waits into the batch, until that is full. Returns how many orders there were.
    pub(super) fn take_queued(&mut self) -> usize {
        let mut taken = 0;
        while self.sink.waiting() < MAX_BATCH {
            let Ok(order) = self.orders.try_recv() else { break };
            taken += 1;
            match order {
                Order::Close => self.is_closed = true,
                Order::Limits { rotate, retain } => self.sink.limit(rotate, retain),
                Order::Line(_, confirm) if self.is_closed => {
                    if let Some(confirm) = confirm {
                        let _gone = confirm.send(Err(ended()));
                    }
                }
                Order::Line(line, confirm) => {
                    self.push(&line);
                    self.waiting.extend(confirm);
                }
            }
        }
        taken
    }

    /// Writes the batch, with this line at its end.
    pub(super) fn write_with(&mut self, line: &Line) -> Result<(), Unwritten> {
        if self.is_closed {
            self.write()?;
            return Err(ended());
        }
        self.push(line);
        self.write()
    }

    /// Writes the batch, and tells who waits for it.
    pub(super) fn write(&mut self) -> Result<(), Unwritten> {
        if self.sink.waiting() == 0 {
            return Ok(());
        }
        let begun = self.health.begin();
        let written = self.sink.write();
        self.is_slow = self.health.end(begun) > SLOW || self.sink.is_pipe();
        let lines = std::mem::take(&mut self.given);
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
        for confirm in self.waiting.drain(..) {
            // Who has asked may have gone.
            let _gone = confirm.send(outcome.clone());
        }
        outcome
    }

    /// A line of the log about itself, which stands there after the end too.
    pub(super) fn say(&mut self, line: &Line) -> Result<(), Unwritten> {
        self.push(line);
        self.write()
    }

    fn push(&mut self, line: &Line) {
        if self.given == 0 && self.lost > 0 {
            self.sink
                .push(&Line::new("lost", Timestamp::now()).number("lines", self.lost));
        }
        self.sink.push(line);
        self.given += 1;
    }

    pub(super) fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// Has somebody closed the log, or dropped all that could write to it?
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed || (self.orders.is_closed() && self.orders.is_empty())
    }

    pub(super) fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    pub(super) fn rotate(&mut self) -> io::Result<Option<Aside>> {
        self.sink.rotate()
    }

    pub(super) fn place(&self) -> Option<(PathBuf, Duration)> {
        self.sink.place()
    }

    pub(super) fn sync(&mut self) -> Option<Sync> {
        match self.sink.sync() {
            Ok(sync) => sync,
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    /// Goes on in a new file, and says so there, where somebody has moved or deleted the old one.
    pub(super) fn reopen_if_gone(&mut self) {
        match self.sink.reopen_if_gone() {
            Ok(None) => {}
            Ok(Some(file)) => {
                tracing::error!(file = %Path::display(&file), "the audit log was moved or deleted: it goes on in a new file");
                let _lost = self.say(&Line::new("reopened", Timestamp::now()));
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.health.fail(error.to_string());
        if self.told.is_none_or(|told| told.elapsed() > TELL) {
            tracing::error!(%error, lost = self.lost, "the audit log cannot be written");
            self.told = Some(Instant::now());
        }
    }

    fn recover(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if self.health.recover() {
            tracing::warn!(lost, "the audit log can be written again");
            self.told = None;
        }
    }
}

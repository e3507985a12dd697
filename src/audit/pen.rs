//! Whose turn it is to write.
//!
//! Who has a line and finds the pen free writes it at once, with all lines that wait: one `write`, no other task, no
//! wake-up. Who finds it taken leaves its line in the queue, where whoever has the pen takes it along. **Nobody waits for
//! the pen**: it is a mutex that is only ever tried. A disk that turns out to be slow is left to the keeper, which other
//! tasks need not wait for; one that hangs holds up the one task that had the pen.

use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering, fence};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use super::line::Line;
use super::log::Unwritten;
use super::writer::Writer;

/// Batches that a caller writes for others after its own; then the keeper goes on.
const FAVOURS: u8 = 4;
/// The keeper tries again after this long.
const AGAIN: Duration = Duration::from_millis(1);

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

pub(super) type Confirm = oneshot::Sender<Result<(), Unwritten>>;

pub(super) struct Pen {
    writer: Mutex<Writer>,
    /// Orders in the queue. Counted after they were sent, so that it may be below zero for a moment.
    queued: AtomicIsize,
    /// The keeper alone writes: the sink is slow.
    is_aside: AtomicBool,
    pub(super) keeper: Notify,
}

impl Pen {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            is_aside: AtomicBool::new(writer.is_slow()),
            writer: Mutex::new(writer),
            queued: AtomicIsize::new(0),
            keeper: Notify::new(),
        }
    }

    /// Writes `line` and all that waits, if the pen is free; else gives the line back.
    pub(super) fn write(&self, line: Line) -> Result<Result<(), Unwritten>, Line> {
        if self.is_aside.load(Ordering::Relaxed) {
            return Err(line);
        }
        let Some(written) = self.with(|writer| {
            self.taken(writer.take_queued());
            writer.write_with(&line)
        }) else {
            return Err(line);
        };
        self.write_queued();
        Ok(written)
    }

    /// An order is in the queue: it is written by whoever has the pen, or here.
    pub(super) fn queued(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        // With the fence behind every use of the pen: either that use is over here, or it sees the order there.
        fence(Ordering::SeqCst);
        self.write_queued();
    }

    fn write_queued(&self) {
        for _ in 0..FAVOURS {
            if self.queued.load(Ordering::Relaxed) <= 0 {
                return;
            }
            if self.is_aside.load(Ordering::Relaxed) {
                break;
            }
            // Who has the pen looks at the queue after it.
            if self.with(|writer| self.write_batch(writer)).is_none() {
                return;
            }
        }
        self.keeper.notify_one();
    }

    /// For the keeper: writes what waits until nothing does, each batch by `run`, which may take its time.
    pub(super) async fn write_all(&self, run: impl Fn(&mut dyn FnMut())) {
        while self.queued.load(Ordering::Relaxed) > 0 {
            self.keep(|writer| run(&mut || self.write_batch(writer))).await;
        }
    }

    /// For the keeper: has the pen as soon as it is free.
    pub(super) async fn keep<T>(&self, mut use_it: impl FnMut(&mut Writer) -> T) -> T {
        loop {
            if let Some(done) = self.with(&mut use_it) {
                return done;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn write_batch(&self, writer: &mut Writer) {
        self.taken(writer.take_queued());
        // Told to who waits for the lines, and by the writer.
        let _told = writer.write();
    }

    /// `None`: somebody else has the pen.
    fn with<T>(&self, use_it: impl FnOnce(&mut Writer) -> T) -> Option<T> {
        let mut writer = match self.writer.try_lock() {
            Ok(writer) => writer,
            // What was half written is cut off by the next write.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let done = use_it(&mut writer);
        self.is_aside.store(writer.is_slow(), Ordering::Relaxed);
        let needs_keeper = writer.is_closed() || writer.is_full();
        drop(writer);
        fence(Ordering::SeqCst);
        if needs_keeper {
            self.keeper.notify_one();
        }
        Some(done)
    }

    fn taken(&self, orders: usize) {
        self.queued.fetch_sub(orders.cast_signed(), Ordering::Relaxed);
    }
}

/// Room for orders, as the queue gives it.
pub(super) type Queue = mpsc::Sender<Order>;

//! The gate's hand on the log: a line goes in, and what comes back says when it is written.
//!
//! Nothing here locks. A call takes a [`Slot`] for its closing line before it begins, so that there is always room for it,
//! also where nobody can wait.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};

use super::health::Health;
use super::keeper;
use super::line::Line;
use super::pen::{Order, Pen, Queue};
use super::sink::Sink;
use super::writer::Writer;
use super::{Settings, Target};

/// Lines that may wait, and calls that run with a slot.
const ROOM: usize = 32 << 10;

/// An open log. The last clone of the `Arc`, and the last slot, end it.
#[derive(Debug)]
pub struct Log {
    target: Target,
    /// `None`: nothing is recorded.
    desk: Option<Desk>,
    health: Arc<Health>,
    /// Makes the calls' numbers unique over restarts.
    run: String,
    calls: AtomicU64,
    closed: Arc<Notify>,
}

struct Desk {
    pen: Arc<Pen>,
    queue: Queue,
}

/// Room for one line.
#[derive(Debug)]
pub struct Slot(Option<Place>);

struct Place {
    pen: Arc<Pen>,
    permit: mpsc::OwnedPermit<Order>,
}

/// Resolves when the line stands in the file, or cannot.
#[derive(Debug)]
pub struct Written(Confirmed);

#[derive(Debug)]
enum Confirmed {
    Already(Result<(), Unwritten>),
    Soon(oneshot::Receiver<Result<(), Unwritten>>),
}

/// The number of a call, which no other call has.
#[derive(Clone, Copy, Debug)]
pub struct CallNumber<'a> {
    run: &'a str,
    number: u64,
}

/// A line that does not stand in the log; for the log of the process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unwritten(pub(super) Arc<str>);

impl Log {
    /// Records nothing.
    pub fn none() -> Arc<Self> {
        Arc::new(Self::new(Target::None, None, Health::new().into()))
    }

    /// Opens the file, says so in a first line, and starts the keeper. Must be called within a tokio runtime. The error names the file.
    pub fn open(settings: &Settings, state: &Path) -> Result<Arc<Self>, String> {
        let opened = Sink::open(settings, state).map_err(|error| match &settings.target {
            Target::File(path) => format!("the audit log {} cannot be written: {error}", path.display()),
            Target::None | Target::Stdout => {
                format!("the state directory {} cannot be written: {error}", state.display())
            }
        })?;
        let (target, health) = (settings.target.clone(), Arc::new(Health::new()));
        let Some((sink, found)) = opened else {
            return Ok(Arc::new(Self::new(target, None, health)));
        };
        let (queue, orders) = mpsc::channel(ROOM);
        let mut writer = Writer::new(sink, orders, Arc::clone(&health));
        // Before anybody else has the pen. The writer tells why it cannot.
        let _told = writer.say(&keeper::start(&found));
        let pen = Arc::new(Pen::new(writer));
        let desk = Desk {
            pen: Arc::clone(&pen),
            queue,
        };
        let log = Self::new(target, Some(desk), health);
        let closed = Arc::clone(&log.closed);
        tokio::spawn(async move {
            keeper::run(pen).await;
            closed.notify_one();
        });
        Ok(Arc::new(log))
    }

    fn new(target: Target, desk: Option<Desk>, health: Arc<Health>) -> Self {
        let mut run = [0; 4];
        // Without randomness the time still tells one run from another.
        if getrandom::fill(&mut run).is_err() {
            run = Timestamp::now().subsec_nanosecond().to_be_bytes();
        }
        Self {
            target,
            desk,
            health,
            run: format!("{:08x}", u32::from_be_bytes(run)),
            calls: AtomicU64::new(0),
            closed: Arc::default(),
        }
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Takes the limits of `settings`, which name the same target.
    pub fn limit(&self, settings: &Settings) {
        if let Some(desk) = &self.desk {
            let limits = Order::Limits {
                rotate: settings.rotate,
                retain: settings.retain,
            };
            // A queue that is full keeps the old limits until the next change.
            if desk.queue.try_send(limits).is_ok() {
                desk.pen.queued();
            }
        }
    }

    pub fn is_none(&self) -> bool {
        self.desk.is_none()
    }

    pub fn health(&self) -> &Health {
        &self.health
    }

    pub fn call(&self) -> CallNumber<'_> {
        CallNumber {
            run: &self.run,
            number: self.calls.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    /// Waits for room.
    pub async fn reserve(&self) -> Result<Slot, Unwritten> {
        let Some(desk) = &self.desk else {
            return Ok(Slot(None));
        };
        if self.health.hangs() {
            return Err(Unwritten("writing the audit log hangs".into()));
        }
        match desk.queue.clone().reserve_owned().await {
            Ok(permit) => Ok(Slot(Some(Place {
                pen: Arc::clone(&desk.pen),
                permit,
            }))),
            Err(_) => Err(ended()),
        }
    }

    /// Returns when the line is written.
    pub async fn write(&self, line: Line) -> Result<(), Unwritten> {
        let Some(desk) = &self.desk else { return Ok(()) };
        let line = match desk.pen.write(line) {
            Ok(written) => return written,
            Err(line) => line,
        };
        self.reserve().await?.queue(line).await
    }

    /// Waits until all that was recorded is on the disk; what comes later is not recorded.
    pub async fn close(&self) {
        let Some(desk) = &self.desk else { return };
        if desk.queue.send(Order::Close).await.is_ok() {
            desk.pen.queued();
            self.closed.notified().await;
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(Desk { pen, queue }) = self.desk.take() {
            drop(queue);
            pen.keeper.notify_one();
        }
    }
}

impl Slot {
    /// Writes the line, or leaves it with whoever writes; to wait for it is the caller's choice.
    pub fn write(self, line: Line) -> Written {
        let Some(place) = &self.0 else {
            return Written::nothing();
        };
        match place.pen.write(line) {
            Ok(written) => Written(Confirmed::Already(written)),
            Err(line) => self.queue(line),
        }
    }

    fn queue(self, line: Line) -> Written {
        let Some(Place { pen, permit }) = self.0 else {
            return Written::nothing();
        };
        let (confirm, confirmed) = oneshot::channel();
        permit.send(Order::Line(line, Some(confirm)));
        pen.queued();
        Written(Confirmed::Soon(confirmed))
    }

    /// For lines that nobody waits for.
    pub fn leave(self, line: Line) {
        if let Some(Place { pen, permit }) = self.0 {
            permit.send(Order::Line(line, None));
            pen.queued();
        }
    }
}

impl Written {
    /// There is no line to wait for.
    pub fn nothing() -> Self {
        Self(Confirmed::Already(Ok(())))
    }
}

impl Future for Written {
    type Output = Result<(), Unwritten>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match &mut self.0 {
            Confirmed::Already(written) => written.clone(),
            Confirmed::Soon(confirmed) => ready!(Pin::new(confirmed).poll(cx)).unwrap_or_else(|_| Err(ended())),
        })
    }
}

impl fmt::Display for CallNumber<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.number)
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritten {}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

pub(super) fn ended() -> Unwritten {
    Unwritten("the audit log is closed".into())
}

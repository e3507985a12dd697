//! The gate's hand on the log: a line goes in, and what comes back says when it is written.
//!
//! Nothing here locks. A call takes a [`Slot`] for its closing line before it begins, so that there is always room for it,
//! also where nobody can wait.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};

use super::line::Line;
use super::sink::Sink;
use super::writer::{self, Order};
use super::{Settings, Target};

/// Lines that may wait, and calls that run with a slot.
const ROOM: usize = 32 << 10;

/// A writer that takes longer than this for one batch hangs, in milliseconds: what comes meanwhile is refused at once.
const HANGS: u64 = 5_000;

/// An open log. The last clone of the `Arc` ends it.
#[derive(Debug)]
pub struct Log {
    target: Target,
    /// `None`: nothing is recorded.
    orders: Option<mpsc::Sender<Order>>,
    health: Arc<Health>,
    /// Makes the calls' numbers unique over restarts.
    run: String,
    calls: AtomicU64,
    closed: Arc<Notify>,
}

/// How the writer does. It survives nothing: each log has its own.
#[derive(Debug)]
pub struct Health {
    pub lines: AtomicU64,
    /// `write`s: each takes all lines that wait.
    pub writes: AtomicU64,
    /// Lines that could not be written.
    pub lost: AtomicU64,
    pub(super) failing: AtomicBool,
    pub(super) reason: Mutex<Option<String>>,
    started: Instant,
    /// Milliseconds after `started`, plus one, at which the batch at hand began to be written; 0: none is.
    busy_since: AtomicU64,
}

/// Room for one line.
#[derive(Debug)]
pub struct Slot(Option<mpsc::OwnedPermit<Order>>);

/// Resolves when the line stands in the file, or cannot.
#[derive(Debug)]
pub struct Written(Option<oneshot::Receiver<Result<(), Unwritten>>>);

/// A line that does not stand in the log; for the log of the process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unwritten(pub(super) Arc<str>);

impl Log {
    /// Records nothing.
    pub fn none() -> Arc<Self> {
        Arc::new(Self::new(Target::None, None))
    }

    /// Opens the file, says so in a first line, and starts the writer. Must be called within a tokio runtime. The error names the file.
    pub fn open(settings: &Settings, state: &Path) -> Result<Arc<Self>, String> {
        let opened = Sink::open(settings, state).map_err(|error| match &settings.target {
            Target::File(path) => format!("the audit log {} cannot be written: {error}", path.display()),
            Target::None | Target::Stdout => {
                format!("the state directory {} cannot be written: {error}", state.display())
            }
        })?;
        let Some((sink, found)) = opened else {
            return Ok(Arc::new(Self::new(settings.target.clone(), None)));
        };
        let (sender, orders) = mpsc::channel(ROOM);
        let log = Self::new(settings.target.clone(), Some(sender));
        let (health, closed) = (Arc::clone(&log.health), Arc::clone(&log.closed));
        tokio::spawn(async move {
            writer::run(sink, found, orders, health).await;
            closed.notify_one();
        });
        Ok(Arc::new(log))
    }

    fn new(target: Target, orders: Option<mpsc::Sender<Order>>) -> Self {
        let mut run = [0; 4];
        // Without randomness the time still tells one run from another.
        if getrandom::fill(&mut run).is_err() {
            run = Timestamp::now().subsec_nanosecond().to_be_bytes();
        }
        Self {
            target,
            orders,
            health: Arc::new(Health {
                lines: AtomicU64::new(0),
                writes: AtomicU64::new(0),
                lost: AtomicU64::new(0),
                failing: AtomicBool::new(false),
                reason: Mutex::new(None),
                started: Instant::now(),
                busy_since: AtomicU64::new(0),
            }),
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
        if let Some(orders) = &self.orders {
            // A queue that is full keeps the old limits until the next change.
            let _full = orders.try_send(Order::Limits {
                rotate: settings.rotate,
                retain: settings.retain,
            });
        }
    }

    pub fn is_none(&self) -> bool {
        self.orders.is_none()
    }

    pub fn health(&self) -> &Health {
        &self.health
    }

    /// A number that no other call has.
    pub fn call(&self) -> String {
        format!("{}-{}", self.run, self.calls.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Waits for room.
    pub async fn reserve(&self) -> Result<Slot, Unwritten> {
        let Some(orders) = &self.orders else {
            return Ok(Slot(None));
        };
        if self.health.hangs() {
            return Err(Unwritten("writing the audit log hangs".into()));
        }
        match orders.clone().reserve_owned().await {
            Ok(permit) => Ok(Slot(Some(permit))),
            Err(_) => Err(ended()),
        }
    }

    pub async fn write(&self, line: Line) -> Result<(), Unwritten> {
        self.reserve().await?.write(line).await
    }

    /// Waits until all that was recorded is on the disk; what comes later is not recorded.
    pub async fn close(&self) {
        let Some(orders) = &self.orders else { return };
        if orders.send(Order::Close).await.is_ok() {
            self.closed.notified().await;
        }
    }
}

impl Slot {
    /// Hands the line to the writer; to wait for it is the caller's choice.
    pub fn write(self, line: Line) -> Written {
        Written(self.0.map(|permit| {
            let (confirm, confirmed) = oneshot::channel();
            permit.send(Order::Line(line, Some(confirm)));
            confirmed
        }))
    }

    /// For lines that nobody waits for.
    pub fn leave(self, line: Line) {
        if let Some(permit) = self.0 {
            permit.send(Order::Line(line, None));
        }
    }
}

impl Written {
    /// There is no line to wait for.
    pub fn nothing() -> Self {
        Self(None)
    }
}

impl Future for Written {
    type Output = Result<(), Unwritten>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(confirmed) = &mut self.0 else {
            return Poll::Ready(Ok(()));
        };
        Poll::Ready(ready!(Pin::new(confirmed).poll(cx)).unwrap_or_else(|_| Err(ended())))
    }
}

impl Health {
    /// Why the last lines could not be written; `None`: they could.
    pub fn failure(&self) -> Option<String> {
        if self.hangs() {
            return Some("writing hangs".to_owned());
        }
        let reason = || self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.failing.load(Ordering::Relaxed).then(reason).flatten()
    }

    pub(super) fn begin(&self) {
        self.busy_since.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn end(&self) -> Duration {
        let since = self.busy_since.swap(0, Ordering::Relaxed);
        Duration::from_millis(self.now().saturating_sub(since))
    }

    fn hangs(&self) -> bool {
        let since = self.busy_since.load(Ordering::Relaxed);
        since > 0 && self.now().saturating_sub(since) > HANGS
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritten {}

fn ended() -> Unwritten {
    Unwritten("the audit log is closed".into())
}

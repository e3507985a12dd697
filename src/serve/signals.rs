//! SIGTERM and SIGINT end the gateway, SIGHUP reloads it, SIGXFSZ does nothing.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::serve::Error;

/// SIGXFSZ, which has this number wherever the gateway runs.
const FILE_SIZE: i32 = 25;

pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// A file that may not grow is an error of the `write` (`EFBIG`), like a full disk, and not the end of the process.
    _file_size: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            _file_size: listen(SignalKind::from_raw(FILE_SIZE))?,
        })
    }

    /// Waits until somebody wants the gateway to end, and says by what.
    pub(super) async fn end(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

pub(super) fn hangup() -> Result<Signal, Error> {
    listen(SignalKind::hangup())
}

fn listen(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|error| Error::new(format!("cannot listen to signals: {error}")))
}

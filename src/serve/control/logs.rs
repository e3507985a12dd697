//! The audit log for who is not on this machine: its entries as lines of JSON, and whether it is whole.
//!
//! What stands in the log passed its filters when it was written; nothing is added here.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::StatusCode;
use http_body::Frame;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;

use crate::audit::read::{Entries, Filter, Verified};
use crate::audit::{self, Target};
use crate::serve::control::Refused;
use crate::serve::live::Live;

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes of entries that are sent at a time.
const FULL: usize = 64 << 10;
/// Pieces that wait for who reads them; the log is read no faster.
const WAITING: usize = 4;

/// `POST /v1/logs`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct Which {
    filter: Filter,
    /// Goes on with what comes, until who asked goes away.
    follow: bool,
}

/// Is who reads still let in?
pub(super) type MayGoOn = Box<dyn Fn() -> bool + Send>;

/// Entries that fit, each an object on a line; what comes is given while `may_go_on`. A log that cannot be read any further ends with `{"error": …}`.
pub(super) fn read(
    live: &Live,
    which: Which,
    may_go_on: MayGoOn,
) -> Result<impl Stream<Item = Result<Frame<Bytes>, Infallible>> + use<>, Refused> {
    let (log, reader) = (log(live)?, reader(live)?);
    let entries = Entries::open(&log).map_err(|error| unreadable(&error))?;
    let (pieces, sent) = mpsc::channel(WAITING);
    spawn_blocking(move || {
        let outgoing = Outgoing {
            pieces,
            piece: Vec::new(),
        };
        outgoing.send_all(entries, &which, &may_go_on);
        drop(reader);
    });
    Ok(stream::unfold(sent, async |mut sent: mpsc::Receiver<Bytes>| {
        Some((Ok(Frame::data(sent.recv().await?)), sent))
    }))
}

/// `GET /v1/logs/verify`.
pub(super) async fn verified(live: &Live) -> Result<Verified, Refused> {
    let (log, reader) = (log(live)?, reader(live)?);
    let state = live.state.clone();
    let checked = spawn_blocking(move || {
        let verified = Verified::of(log, audit::head(&state)?);
        drop(reader);
        verified
    });
    match checked.await {
        Ok(checked) => checked.map_err(|error| unreadable(&error)),
        Err(error) => Err(unreadable(&io::Error::other(error))),
    }
}

fn log(live: &Live) -> Result<PathBuf, Refused> {
    let why = match live.gate.generation().recording.log().target() {
        Target::File(path) => return Ok(path.clone()),
        Target::None => "this gateway records nothing: `gateway.audit.file` is empty",
        Target::Stdout => "this gateway's audit log goes to its stdout: read it there",
    };
    Err((StatusCode::CONFLICT, why.to_owned()))
}

/// Each has a thread of its own.
fn reader(live: &Live) -> Result<OwnedSemaphorePermit, Refused> {
    Arc::clone(&live.readers).try_acquire_owned().map_err(|_| {
        let why = "too many read the audit log at once: try again later";
        (StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
    })
}

fn unreadable(error: &io::Error) -> Refused {
    tracing::error!(%error, "the audit log cannot be read");
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("the audit log cannot be read: {error}"),
    )
}

/// Blocking: the other side of the channel is the answer.
struct Outgoing {
    pieces: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
}

/// Who asked has gone.
struct Gone;

impl Outgoing {
    fn send_all(mut self, mut entries: Entries, which: &Which, may_go_on: &MayGoOn) {
        let sent = if which.follow {
            self.follow(&mut entries, &which.filter, may_go_on)
        } else {
            self.rest(&mut entries, &which.filter)
        };
        if let Ok(Err(error)) = sent {
            let (_, why) = unreadable(&error);
            let _gone = self.line(&json!({ "error": why }).to_string());
        }
        let _gone = self.flush();
    }

    fn rest(&mut self, entries: &mut Entries, filter: &Filter) -> Result<io::Result<()>, Gone> {
        loop {
            match entries.read() {
                Ok(Some(entry)) if filter.admits(&entry) => self.line(&entry.to_json())?,
                Ok(Some(_)) if self.pieces.is_closed() => return Err(Gone),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    fn follow(&mut self, entries: &mut Entries, filter: &Filter, may_go_on: &MayGoOn) -> Result<io::Result<()>, Gone> {
        loop {
            if !may_go_on() {
                return Ok(Err(io::Error::other("the control token may not read it any more")));
            }
            match entries.read_so_far() {
                Ok(Some(entry)) if filter.admits(&entry) => self.line(&entry.to_json())?,
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.flush()?;
                    std::thread::sleep(LOOK);
                }
                Err(error) => return Ok(Err(error)),
            }
            if self.pieces.is_closed() {
                return Err(Gone);
            }
        }
    }

    fn line(&mut self, json: &str) -> Result<(), Gone> {
        self.piece.extend_from_slice(json.as_bytes());
        self.piece.push(b'\n');
        if self.piece.len() < FULL { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Gone> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.pieces.blocking_send(piece).map_err(|_| Gone)
    }
}

//! What is told of credentials that count no more, for the record: whose, where, and who said so. Never what they are.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::owner::Owner;
use crate::name::ServerName;

/// What waits to be recorded. Beyond that it is in the log alone.
const MAX_WAITING: usize = 1024;

/// A credential that counts no more, told once by the replica that found out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lost {
    pub server: ServerName,
    pub owner: Owner,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// The authorization server refused to refresh it, with this code of RFC 6749 section 5.2.
    Issuer(&'static str),
    /// The server refused the token, and there is no other.
    Server,
    /// What was opened with it found another account in its place.
    Replaced,
    /// The same, and none in its place.
    Removed,
}

/// From those who find out to the one who records it.
pub(super) struct Losses {
    sender: mpsc::Sender<Lost>,
    receiver: Mutex<Option<mpsc::Receiver<Lost>>>,
}

impl Default for Losses {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl Losses {
    pub(super) fn tell(&self, lost: Lost) {
        tracing::warn!(server = %lost.server, owner = %lost.owner, why = %lost.why, "a credential counts no more");
        if let Err(mpsc::error::TrySendError::Full(lost)) = self.sender.try_send(lost) {
            tracing::error!(server = %lost.server, owner = %lost.owner, "too many credentials are lost at once: this one is not recorded");
        }
    }

    /// `None`: somebody has it already.
    pub(super) fn receiver(&self) -> Option<mpsc::Receiver<Lost>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// For people.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(code) => write!(f, "the authorization server does not refresh it: {code}"),
            Self::Server => f.write_str("the server refuses the token"),
            Self::Replaced => f.write_str("another account stands in its place"),
            Self::Removed => f.write_str("it is there no more"),
        }
    }
}

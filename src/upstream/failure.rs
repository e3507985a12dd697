//! Why a server could not be asked. Two audiences: `detail` is for the log, [`Failure::public`] for clients.

use std::fmt;

use crate::name::ServerName;

/// What went wrong with one server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    pub server: ServerName,
    /// For the log: may name addresses, never a secret.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FailureKind {
    /// `max-processes`, or another bound of the gateway, is reached.
    Busy,
    /// The conversation ended before the answer came. The request may have been executed.
    Ended,
    /// The session does not list the thing as it was reviewed. Nothing was sent.
    HeldBack,
    /// There is no credential of the caller, or the server takes it no more: its owner connects again. Says nothing about
    /// the server's health.
    NotConnected,
    /// The server answers something that is not MCP, or refuses the conversation.
    Protocol,
    /// The circuit is open, or a child that crashes too often waits for its next start. Nothing was sent.
    Refused,
    Timeout,
    /// The answer is larger than the limit.
    TooLarge,
    /// HTTP 401 or 403: the credential is missing, wrong or too narrow. Says nothing about the server's health.
    Unauthorized,
    /// No connection, or the command does not start.
    Unreachable,
}

impl Failure {
    pub fn new(kind: FailureKind, server: &ServerName, detail: impl Into<String>) -> Self {
        Self {
            kind,
            server: server.clone(),
            detail: detail.into(),
        }
    }

    /// Names the server, and no address, path or secret.
    pub fn public(&self) -> String {
        let server = &self.server;
        match self.kind {
            FailureKind::Busy => format!("server `{server}` has no room for another conversation; try again later"),
            FailureKind::Ended => format!("server `{server}` ended the conversation before it answered"),
            FailureKind::HeldBack => format!("server `{server}` has changed this since it was reviewed"),
            FailureKind::NotConnected => format!("no account is connected for server `{server}`"),
            FailureKind::Protocol => format!("server `{server}` gave an answer that the gateway cannot use"),
            FailureKind::Refused => format!("server `{server}` is failing and is not asked for now; try again later"),
            FailureKind::Timeout => format!("server `{server}` did not answer in time"),
            FailureKind::TooLarge => format!("the answer of server `{server}` is larger than allowed"),
            FailureKind::Unauthorized => format!("server `{server}` refused the gateway's credential"),
            FailureKind::Unreachable => format!("server `{server}` cannot be reached"),
        }
    }
}

impl FailureKind {
    /// For logs, metrics and `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Ended => "ended",
            Self::HeldBack => "held-back",
            Self::NotConnected => "not-connected",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::TooLarge => "too-large",
            Self::Unauthorized => "unauthorized",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.public(), self.detail)
    }
}

impl std::error::Error for Failure {}

//! Why the gateway does not start, or does not go on.

use std::fmt;

use crate::diag::{Findings, Sources};

#[derive(Debug)]
pub enum Error {
    /// The configuration does not hold, or asks for something that is not served yet: `not-served-yet` findings count as errors here.
    Findings { findings: Findings, sources: Sources },
    /// Anything else: a busy port, a missing secret, a second gateway. Several problems stand in several lines.
    Message { message: String, hint: Option<String> },
}

impl Error {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Message {
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Message { message, .. } => Self::Message {
                message,
                hint: Some(text.into()),
            },
            findings @ Self::Findings { .. } => findings,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings { findings, .. } => write!(f, "the configuration has {} findings", findings.len()),
            Self::Message { message, hint: None } => f.write_str(message),
            Self::Message {
                message,
                hint: Some(hint),
            } => write!(f, "{message}\n{hint}"),
        }
    }
}

impl std::error::Error for Error {}

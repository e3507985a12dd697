//! How a command ends: the exit codes, and the error that a command hands up.

use std::fmt::Display;
use std::io;

/// Scripts and CI branch on these numbers; they never change their meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Exit {
    Fine = 0,
    Error = 1,
    /// `plan --exit-code`: something would change.
    Changes = 2,
    /// A policy said no: `--fail-on`, `explain` of a denied call, a `test` that fails, `lock --check` of a lock that differs.
    PolicyNo = 3,
    /// What was planned for is not there any more.
    Stale = 4,
    /// It was sent, and nobody said how it ended.
    Unknown = 5,
    /// The command line itself is wrong (`EX_USAGE` of sysexits.h).
    Usage = 64,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// `error: message`, and after an empty line `hint: …`.
    Told {
        message: String,
        hint: Option<String>,
        exit: Exit,
    },
    /// Everything is already told; only the code remains.
    Silent(Exit),
    /// Whoever read our output went away (`mcpgw … | head`): nothing is wrong.
    BrokenPipe,
}

pub(super) type Outcome = Result<Exit, Failure>;

impl Failure {
    pub(super) fn new(message: impl Display) -> Self {
        Self::with(Exit::Error, message)
    }

    pub(super) fn with(exit: Exit, message: impl Display) -> Self {
        Self::Told {
            message: message.to_string(),
            hint: None,
            exit,
        }
    }

    /// The arguments are well formed for clap but make no sense together.
    pub(super) fn usage(message: impl Display) -> Self {
        Self::with(Exit::Usage, message)
    }

    pub(super) fn hint(self, text: impl Display) -> Self {
        match self {
            Self::Told { message, exit, .. } => Self::Told {
                message,
                hint: Some(text.to_string()),
                exit,
            },
            other => other,
        }
    }
}

/// For writing to stdout and stderr: everything else names what it was doing.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
        } else {
            Self::new(format_args!("cannot write: {error}"))
        }
    }
}

//! Log levels of `notifications/message`: those of RFC 5424, mildest first.

use crate::mcp::envelope::Message;
use crate::mcp::json::string;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl Level {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Debug, "debug"),
        (Self::Info, "info"),
        (Self::Notice, "notice"),
        (Self::Warning, "warning"),
        (Self::Error, "error"),
        (Self::Critical, "critical"),
        (Self::Alert, "alert"),
        (Self::Emergency, "emergency"),
    ];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(level, _)| *level)
    }

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The level of a `notifications/message`.
pub(super) fn level_of(message: &[u8], read: &Message) -> Option<Level> {
    let level = read.params.as_ref()?.level?;
    Level::parse(&string(message, level)?)
}

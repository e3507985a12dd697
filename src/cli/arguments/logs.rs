//! `mcpgw logs`.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::arguments::shared::{ConfigOnly, TextFormat, WhichGateway};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Logs {
    #[command(subcommand)]
    pub(in crate::cli) action: Option<LogsAction>,
    /// Only of this endpoint
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) endpoint: Option<String>,
    /// Only of this server
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) server: Option<String>,
    /// Only of this tool, prompt or resource, by its own name or as SERVER/NAME
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) tool: Option<String>,
    /// Only of `user:NAME`, `service:NAME`, `anonymous`, or whoever has this name
    #[arg(long, value_name = "WHO")]
    pub(in crate::cli) user: Option<String>,
    /// From then on: `2026-11-25T10:00:00Z`, `2026-11-25`, or `2h` for two hours ago
    #[arg(long, value_name = "TIME", value_parser = crate::cli::logs::moment)]
    pub(in crate::cli) since: Option<jiff::Timestamp>,
    /// Before then
    #[arg(long, value_name = "TIME", value_parser = crate::cli::logs::moment)]
    pub(in crate::cli) until: Option<jiff::Timestamp>,
    /// Only calls that ended so
    #[arg(long)]
    pub(in crate::cli) status: Option<CallStatus>,
    /// Go on with what comes
    #[arg(long)]
    pub(in crate::cli) follow: bool,
    #[command(flatten)]
    pub(in crate::cli) config: ConfigOnly,
    #[command(flatten)]
    pub(in crate::cli) gateway: WhichGateway,
    /// How to write the entries
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(in crate::cli) format: RecordFormat,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LogsAction {
    /// Check that every record is there, in its place, as it was written
    Verify(Verify),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    pub(in crate::cli) config: ConfigOnly,
    #[command(flatten)]
    pub(in crate::cli) gateway: WhichGateway,
    /// How to write the outcome
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(in crate::cli) format: TextFormat,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum RecordFormat {
    #[default]
    Human,
    Json,
    /// For spreadsheets
    Csv,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum CallStatus {
    /// The server gave a result
    #[value(alias = "ok")]
    Answered,
    /// The client took it back, or its connection was lost
    Cancelled,
    /// By a rule, or there is no such thing for this caller
    Denied,
    /// The server answered with an error, or the tool said that it failed
    Error,
    /// The server did not answer, or not as it must
    Failed,
    /// By the lock, in the session that was to run it
    HeldBack,
    /// It has not ended yet
    Open,
    /// By a limit
    Refused,
    /// The gateway ended before the call did
    Unknown,
}

impl From<CallStatus> for crate::audit::read::Status {
    fn from(status: CallStatus) -> Self {
        match status {
            CallStatus::Answered => Self::Answered,
            CallStatus::Cancelled => Self::Cancelled,
            CallStatus::Denied => Self::Denied,
            CallStatus::Error => Self::Error,
            CallStatus::Failed => Self::Failed,
            CallStatus::HeldBack => Self::HeldBack,
            CallStatus::Open => Self::Open,
            CallStatus::Refused => Self::Refused,
            CallStatus::Unknown => Self::Unknown,
        }
    }
}

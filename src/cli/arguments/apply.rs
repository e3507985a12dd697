//! Arguments of the commands that change what a gateway serves, and of history.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::shared::{ConfigOnly, FailOn, Paths, TextFormat, WhichGateway, duration};

/// How long a change may take.
const TIMEOUT: &str = "120s";

#[derive(Args, Debug)]
pub(in crate::cli) struct Apply {
    #[command(flatten)]
    pub(in crate::cli) paths: Paths,
    #[command(flatten)]
    pub(in crate::cli) gateway: WhichGateway,
    /// Do not ask
    #[arg(long)]
    pub(in crate::cli) yes: bool,
    /// Change nothing and end with 3 where access or exposure widens, or some access is unknown
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(in crate::cli) fail_on: Vec<FailOn>,
    /// Every server must be in the lock
    #[arg(long)]
    pub(in crate::cli) locked: bool,
    /// Go on though this server does not answer; may be given several times
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    pub(in crate::cli) unreachable_ok: Vec<String>,
    /// Do not ask if access and exposure change exactly as in this saved plan, even where the gateway has moved on
    #[arg(long, value_name = "PLAN")]
    pub(in crate::cli) reviewed: Option<PathBuf>,
    /// How long to wait for the outcome
    #[arg(long, value_name = "DURATION", default_value = TIMEOUT, value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    /// How to write the plan and the outcome
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(in crate::cli) format: TextFormat,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct History {
    #[command(subcommand)]
    pub(in crate::cli) action: Option<HistoryAction>,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum HistoryAction {
    /// Show the files of a generation
    Show {
        /// Its number
        #[arg(value_name = "N")]
        generation: u64,
        /// Write the files into this directory instead; nothing that is there is written over
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        asking: Asking,
    },
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Rollback {
    /// The generation to go back to [default: the one before the present one]
    #[arg(value_name = "N")]
    pub(in crate::cli) generation: Option<u64>,
    /// Do not ask, even where it widens access or exposure
    #[arg(long)]
    pub(in crate::cli) yes: bool,
    /// How long to wait for the outcome
    #[arg(long, value_name = "DURATION", default_value = TIMEOUT, value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// What is asked of a gateway that is found beside a configuration, or named.
#[derive(Args, Debug)]
pub(in crate::cli) struct Asking {
    #[command(flatten)]
    pub(in crate::cli) config: ConfigOnly,
    #[command(flatten)]
    pub(in crate::cli) gateway: WhichGateway,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(in crate::cli) format: TextFormat,
}

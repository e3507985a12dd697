//! Commands that the design names and this build does not carry yet, with their arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Paths;
use super::WhichGateway;

#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub(in crate::cli) enum Later {
    /// Format the files, comments kept
    #[command(hide = true)]
    Fmt {
        #[command(flatten)]
        paths: Paths,
        #[arg(long)]
        check: bool,
    },
    /// Turn a client's configuration into TOML
    #[command(hide = true)]
    Import { file: PathBuf },
    /// Print what a client needs to use an endpoint
    #[command(hide = true)]
    Client {
        endpoint: String,
        #[arg(long = "for")]
        kind: Option<String>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Bring an endpoint to a client that knows only stdio
    #[command(hide = true)]
    Connect {
        url: String,
        #[arg(long, env = "MCPGW_TOKEN", hide_env_values = true)]
        token: Option<String>,
        #[command(flatten)]
        config: super::shared::ConfigOnly,
    },
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Asking {
    #[command(flatten)]
    config: super::shared::ConfigOnly,
    #[command(flatten)]
    gateway: WhichGateway,
    #[arg(long)]
    format: Option<String>,
}

impl Later {
    /// As it is typed.
    pub(in crate::cli) fn name(&self) -> &'static str {
        match self {
            Self::Client { .. } => "client",
            Self::Connect { .. } => "connect",
            Self::Fmt { .. } => "fmt",
            Self::Import { .. } => "import",
        }
    }
}

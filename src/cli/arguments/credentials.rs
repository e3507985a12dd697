//! `mcpgw credentials`.

use clap::{Args, Subcommand};

use super::Asking;

#[derive(Args, Debug)]
pub(in crate::cli) struct Credentials {
    #[command(subcommand)]
    pub(in crate::cli) action: CredentialsAction,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CredentialsAction {
    /// Authorize a server that everybody reaches with one account: in a browser, with the account that is meant
    Authorize {
        /// The server: `credentials = "shared"` with `auth = "oauth"`
        server: String,
        /// Print the address and end, without waiting for what comes of it
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        asking: Asking,
    },
    /// Show whose credentials are held
    #[command(hide = true)]
    List {
        #[command(flatten)]
        asking: Asking,
    },
    /// Forget a server's credentials
    #[command(hide = true)]
    Forget {
        server: String,
        #[command(flatten)]
        asking: Asking,
    },
}

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
    /// Show whose credentials for servers are kept, and how they stand
    List {
        #[command(flatten)]
        asking: Asking,
    },
    /// Forget a server's credentials: what was opened with them ends at once
    Forget {
        /// The server, also one that the configuration has no more
        server: String,
        /// That of this person alone
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        #[command(flatten)]
        asking: Asking,
    },
}

//! `mcpgw grants`.

use clap::{Args, Subcommand};

use super::Asking;

#[derive(Args, Debug)]
pub(in crate::cli) struct Grants {
    #[command(subcommand)]
    pub(in crate::cli) action: GrantsAction,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum GrantsAction {
    /// Show who let which client in, and until when
    List {
        #[command(flatten)]
        asking: Asking,
    },
    /// End grants: their clients' calls and streams end at once
    #[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
    Revoke {
        /// Those of this person
        #[arg(long, value_name = "NAME", group = "which")]
        user: Option<String>,
        /// Those for this endpoint
        #[arg(long, value_name = "NAME", group = "which")]
        endpoint: Option<String>,
        /// The one of this id
        #[arg(long, value_name = "ID", group = "which")]
        id: Option<String>,
        /// Every grant that there is
        #[arg(long, group = "which", conflicts_with_all = ["user", "endpoint", "id"])]
        all: bool,
        #[command(flatten)]
        asking: Asking,
    },
}

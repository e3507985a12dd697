//! `mcpgw hold` and `mcpgw release`.

use clap::Args;

use super::Asking;

#[derive(Args, Debug)]
pub(in crate::cli) struct Hold {
    /// `user:NAME`, `service:NAME`, `anonymous`, `group:NAME`, `endpoint:NAME`, `server:NAME` or `tool:SERVER/TOOL`
    #[arg(value_name = "WHAT")]
    pub(in crate::cli) what: String,
    /// Why: shown by `status`, `plan` and `explain --live`, and recorded
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Release {
    /// What is held, as `mcpgw status` shows it
    #[arg(value_name = "WHAT")]
    pub(in crate::cli) what: String,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

//! `mcpgw credentials`: with which accounts the gateway reaches its servers. Asks the gateway, which keeps them.

mod authorize;

use super::arguments::{Credentials, CredentialsAction};
use super::exit::Outcome;
use super::not_built;
use super::output::Output;

pub(super) fn run(arguments: &Credentials, output: &Output) -> Outcome {
    match &arguments.action {
        CredentialsAction::Authorize {
            server,
            no_wait,
            asking,
        } => authorize::run(server, *no_wait, asking, output),
        CredentialsAction::Forget { .. } => Err(not_built("credentials forget")),
        CredentialsAction::List { .. } => Err(not_built("credentials list")),
    }
}

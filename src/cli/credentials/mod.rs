//! `mcpgw credentials`: with which accounts the gateway reaches its servers. Asks the gateway, which keeps them.

mod authorize;
mod kept;

use super::arguments::{Credentials, CredentialsAction};
use super::exit::Outcome;
use super::output::Output;

pub(super) fn run(arguments: &Credentials, output: &Output) -> Outcome {
    match &arguments.action {
        CredentialsAction::Authorize {
            server,
            no_wait,
            asking,
        } => authorize::run(server, *no_wait, asking, output),
        CredentialsAction::Forget { server, user, asking } => kept::forget(server, user.as_deref(), asking, output),
        CredentialsAction::List { asking } => kept::list(asking, output),
    }
}

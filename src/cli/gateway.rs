//! Which running gateway a command means, and what to say when it does not answer.

use std::path::PathBuf;

use super::arguments::WhichGateway;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::control::{ControlError, Gateway};
use crate::serve::state_directory;
use crate::text::safe;

/// The token of a control API's URL, where no file holds it.
const TOKEN: &str = "MCPGW_CONTROL_TOKEN";
/// Bytes of a token file.
const MAX_TOKEN: usize = 64 << 10;

/// Named by the arguments or the environment, else the one that has the state directory of these PATHs.
pub(super) fn find(which: &WhichGateway, paths: &[PathBuf], output: &Output) -> Result<Gateway, Failure> {
    let state = state_directory(which.state.as_deref(), paths);
    let gateway = Gateway::find(which.gateway.as_deref(), token(which)?, &state).map_err(|error| told(&error))?;
    if gateway.is_exposed() {
        output.warn("the control token goes over plain HTTP to another machine, where it can be read on the way");
    }
    Ok(gateway)
}

pub(super) fn told(error: &ControlError) -> Failure {
    let exit = match error {
        ControlError::Unknown(_) => Exit::Unknown,
        _ => Exit::Error,
    };
    let failure = Failure::with(exit, safe(&error.to_string()));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn token(which: &WhichGateway) -> Result<Option<String>, Failure> {
    let Some(path) = &which.control_token_file else {
        return Ok(std::env::var(TOKEN).ok().filter(|token| !token.is_empty()));
    };
    let cannot = |why: &str| Failure::new(format_args!("`--control-token-file {}`: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| cannot(&error.to_string()))?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_TOKEN);
    let token = text.as_deref().map(str::trim).filter(|token| !token.is_empty());
    token
        .map(|token| Some(token.to_owned()))
        .ok_or_else(|| cannot("it holds no token"))
}

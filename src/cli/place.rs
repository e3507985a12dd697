//! What a command needs to know of the configuration to find its gateway.

use std::path::PathBuf;

use super::exit::Failure;

/// `[gateway] public-url`, else `http://<listen>`.
pub(super) fn public_url(_paths: &[PathBuf]) -> Result<String, Failure> {
    Err(super::not_built("tools --config"))
}

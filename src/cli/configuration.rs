//! The configuration, for commands that only need one that holds.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::output::Output;
use crate::compile::{self, Compiled, Origins, Settings};
use crate::config::Bundle;
use crate::diag::{self, Format};
use crate::snapshot::Snapshot;

/// What the files say, and where they say it.
pub(super) struct Configuration {
    pub(super) snapshot: Snapshot,
    pub(super) origins: Origins,
}

/// Reads and checks the files. Where they do not hold, the findings go to stderr: they are not what was asked for.
pub(super) fn load(paths: &[PathBuf], output: &Output) -> Result<Configuration, Failure> {
    let compiled = compile::validate(paths, &Settings::default());
    let Compiled {
        snapshot: Some(snapshot),
        origins,
        ..
    } = compiled
    else {
        output.tell(diag::render(&compiled.findings, &compiled.sources, human(output)).trim_end());
        return Err(Failure::Silent(Exit::Error));
    };
    Ok(Configuration { snapshot, origins })
}

/// What a gateway took once.
pub(super) fn of_bundle(bundle: &Bundle) -> Option<Configuration> {
    let compiled = compile::validate_bundle(bundle, &Settings::default());
    Some(Configuration {
        snapshot: compiled.snapshot?,
        origins: compiled.origins,
    })
}

/// `[gateway] public-url` of files that hold.
pub(super) fn public_url(paths: &[PathBuf]) -> Option<String> {
    let compiled = compile::validate(paths, &Settings::default());
    compiled.snapshot.map(|snapshot| snapshot.gateway.public_url)
}

/// Findings for a person at stderr.
pub(super) fn human(output: &Output) -> Format {
    Format::Human {
        color: output.is_stderr_colored(),
        width: output.width().unwrap_or(100).min(120),
    }
}

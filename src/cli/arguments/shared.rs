//! Arguments that several commands take: where the configuration is, which gateway, how to write.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A configuration, as an argument and as an option.
#[derive(Args, Debug)]
pub(in crate::cli) struct Paths {
    /// A configuration directory or file; several are read as one [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The same, as an option
    #[arg(short = 'C', long = "config", value_name = "PATH")]
    config: Vec<PathBuf>,
}

impl Paths {
    /// Options first, then arguments; where nothing is given, the current directory.
    pub(in crate::cli) fn all(&self) -> Vec<PathBuf> {
        or_here(self.config.iter().chain(&self.paths).cloned().collect())
    }

    pub(in crate::cli) fn is_given(&self) -> bool {
        !self.config.is_empty() || !self.paths.is_empty()
    }
}

/// A configuration, where the arguments mean something else.
#[derive(Args, Debug)]
pub(in crate::cli) struct ConfigOnly {
    /// A configuration directory or file; several are read as one [default: .]
    #[arg(short = 'C', long = "config", value_name = "PATH")]
    config: Vec<PathBuf>,
}

impl ConfigOnly {
    pub(in crate::cli) fn all(&self) -> Vec<PathBuf> {
        or_here(self.config.clone())
    }

    pub(in crate::cli) fn is_given(&self) -> bool {
        !self.config.is_empty()
    }
}

fn or_here(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    if paths.is_empty() {
        vec![PathBuf::from(".")]
    } else {
        paths
    }
}

/// Which running gateway to ask.
#[derive(Args, Debug)]
pub(in crate::cli) struct WhichGateway {
    /// The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) state: Option<PathBuf>,
    /// The gateway's control socket, or the URL of its control API
    #[arg(long, value_name = "SOCKET or URL", env = "MCPGW_GATEWAY", hide_env_values = true)]
    pub(in crate::cli) gateway: Option<String>,
    /// The file that holds the token for a control API's URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) control_token_file: Option<PathBuf>,
}

/// Which endpoint to talk to, and as whom.
#[derive(Args, Debug)]
pub(in crate::cli) struct Endpoint {
    /// The endpoint's name, or its full URL
    #[arg(value_name = "ENDPOINT")]
    pub(in crate::cli) name: String,
    /// The token to send; on a shared machine prefer the environment variable
    #[arg(long, env = "MCPGW_TOKEN", hide_env_values = true)]
    pub(in crate::cli) token: Option<String>,
    /// How long to wait for the whole answer
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = duration)]
    pub(in crate::cli) timeout: std::time::Duration,
    #[command(flatten)]
    pub(in crate::cli) config: ConfigOnly,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum TextFormat {
    #[default]
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum FindingsFormat {
    #[default]
    Human,
    Json,
    Github,
    Sarif,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum ReviewFormat {
    #[default]
    Human,
    Json,
    Markdown,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum PlanFormat {
    #[default]
    Human,
    Json,
    Markdown,
    Github,
}

/// What of a plan is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum FailOn {
    /// Somebody may do more than before
    Widen,
    /// Something is better protected now than it would be
    Exposure,
    /// A pattern is about tools that nobody could list
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

/// `30s`, `5m`, `1h`: the same way of writing as in the files.
pub(super) fn duration(text: &str) -> Result<std::time::Duration, String> {
    let expected = || format!("`{text}` is not a duration; write e.g. `30s` or `5m`");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let count: u64 = digits.parse().map_err(|_| expected())?;
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(expected()),
    };
    match count.checked_mul(seconds) {
        Some(total @ 1..=86_400) => Ok(std::time::Duration::from_secs(total)),
        _ => Err(format!("`{text}` is not between 1s and 24h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_the_files() {
        assert_eq!(duration("90s"), Ok(std::time::Duration::from_secs(90)));
        assert_eq!(duration("2m"), Ok(std::time::Duration::from_secs(120)));
        for wrong in ["", "s", "30", "0s", "-1s", "25h", "99999999999999999h", "5 m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}

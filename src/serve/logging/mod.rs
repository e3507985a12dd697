//! The log: to stderr, as text or JSON lines. Its level changes with a reload; its format needs a restart.
//!
//! This is the one place where a line is written, and so where personal data is taken out of it, whoever logs what: see [`line`].

mod line;

use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::pii::Cover;
use crate::serve::Error;
use crate::serve::logging::line::Lines;
use crate::snapshot::{LogFormat, Telemetry};

/// Changes the level of the running log, and what is taken out of it.
#[derive(Debug)]
pub(super) struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    format: LogFormat,
    cover: Arc<ArcSwap<Cover>>,
}

impl Log {
    /// Starts the log of the process. `RUST_LOG` is not read: the files say what is logged.
    pub(super) fn start(telemetry: &Telemetry, cover: Cover, colour: bool) -> Result<Self, Error> {
        let (filter, handle) = reload::Layer::new(filter(&telemetry.log_level).map_err(Error::new)?);
        let cover = Arc::new(ArcSwap::from_pointee(cover));
        let lines = fmt::layer()
            .with_ansi(colour && telemetry.log_format == LogFormat::Text)
            .event_format(Lines::new(telemetry.log_format, Arc::clone(&cover)))
            .with_writer(io::stderr)
            .boxed();
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .try_init()
            .map_err(|error| Error::new(format!("cannot start the log: {error}")))?;
        Ok(Self {
            filter: handle,
            format: telemetry.log_format,
            cover,
        })
    }

    pub(super) fn change(&self, telemetry: &Telemetry) {
        if telemetry.log_format != self.format {
            tracing::warn!("`log-format` has changed: it counts from the next start");
        }
        match filter(&telemetry.log_level).map(|filter| self.filter.reload(filter)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the level of the log cannot be changed"),
            Err(problem) => tracing::warn!(problem, "the level of the log is as before"),
        }
    }

    /// What is taken out of lines from now on.
    pub(super) fn cover(&self, cover: Cover) {
        self.cover.store(Arc::new(cover));
    }

    /// Do people read it, rather than programs?
    pub(super) fn is_text(&self) -> bool {
        self.format == LogFormat::Text
    }
}

/// A level name, or directives such as `info,mcpgw::upstream=debug`.
pub(super) fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level).map_err(|error| format!("`gateway.telemetry.log-level`: `{level}` is no level: {error}"))
}

//! Traces for an OpenTelemetry collector: a span for each request of a client, and one below it for its call to a server.
//!
//! Off by default; then a [`Span`] is nothing and costs nothing. Finished spans wait in a bounded queue and are sent in
//! batches by a thread of their own: the path of a request never waits for a collector, and what does not fit the queue
//! is dropped. A span holds configured names, methods, outcomes and codes, never a value that a person or a server sent.

mod collector;
mod context;
mod span;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use rustls::RootCertStore;

pub use collector::{Sent, Transport};
pub use context::{Context, Parent};
pub use span::Span;

use crate::telemetry::collector::Collector;

/// Spans that wait to be sent.
const QUEUE: usize = 4_096;
/// Spans in one request to the collector.
const BATCH: usize = 512;
const EVERY: Duration = Duration::from_secs(2);
/// For one batch, with its retries.
const SEND: Duration = Duration::from_secs(5);
/// For what still waits when the traces end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where traces go, and under which name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// `[gateway.telemetry] otlp`.
    pub url: String,
    /// The resource's `service.name`.
    pub service_name: String,
}

/// Makes spans and sends them. What still waits is sent when it is dropped.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    target: Target,
    sent: Arc<Sent>,
}

impl Traces {
    /// Starts the thread that sends; nothing is connected before there is a span. Must be called within a tokio runtime.
    ///
    /// The error names the URL, or a variable `OTEL_…` that cannot be followed.
    pub fn start(target: &Target, roots: &Arc<RootCertStore>) -> Result<Self, String> {
        let transport = Transport::of(&target.url)?;
        let unusable = |error: &dyn fmt::Display| format!("`gateway.telemetry.otlp`: {error}");
        let sent = Arc::new(Sent::default());
        let collector = Collector::new(&transport, roots, Arc::clone(&sent)).map_err(|error| unusable(&error))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(transport.url())
            .with_timeout(SEND)
            .build()
            .map_err(|error| unusable(&error))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(EVERY)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .with_resource(
                Resource::builder()
                    .with_service_name(target.service_name.clone())
                    .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                    .build(),
            )
            .build();
        let scope = InstrumentationScope::builder("mcpgw").with_version(env!("CARGO_PKG_VERSION"));
        Ok(Self {
            tracer: provider.tracer_with_scope(scope.build()),
            provider,
            target: target.clone(),
            sent,
        })
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    pub fn sent(&self) -> &Sent {
        &self.sent
    }

    /// Sends what still waits, for at most [`FAREWELL`].
    pub async fn end(&self) {
        let provider = self.provider.clone();
        let _late = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FAREWELL)).await;
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Ending waits for the sending thread, so that it is done off the runtime's own threads.
impl Drop for Traces {
    fn drop(&mut self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let provider = self.provider.clone();
            runtime.spawn_blocking(move || provider.shutdown_with_timeout(FAREWELL));
        }
    }
}

//! One span on its way: shared by the phases of a request, ended by the last of them at the latest.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use opentelemetry::trace::{Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context as Surroundings, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};

use crate::telemetry::Traces;
use crate::telemetry::context::{Context, Parent};

/// Nothing where traces are off.
#[derive(Clone, Default)]
pub struct Span(Option<Arc<Shared>>);

struct Shared {
    span: Mutex<SdkSpan>,
    context: SpanContext,
    parent: Option<Parent>,
    tracer: SdkTracer,
    outcome: OnceLock<&'static str>,
    error: OnceLock<()>,
}

impl Span {
    /// Of a request: below the client's span where it told of one, whose sampled flag holds.
    pub fn of_request(traces: &Traces, name: String, begun: SystemTime, parent: Option<&Parent>) -> Self {
        let surroundings = match parent {
            Some(parent) => Surroundings::new().with_remote_span_context(parent.span_context()),
            None => Surroundings::new(),
        };
        let builder = traces
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_start_time(begun);
        let span = builder.start_with_context(&traces.tracer, &surroundings);
        Self::of(span, parent.cloned(), traces.tracer.clone())
    }

    /// Of a call to a server, below this one.
    #[must_use]
    pub fn call(&self, name: String) -> Self {
        let Some(shared) = &self.0 else {
            return Self::default();
        };
        let surroundings = Surroundings::new().with_remote_span_context(shared.context.clone());
        let builder = shared.tracer.span_builder(name).with_kind(SpanKind::Client);
        let span = builder.start_with_context(&shared.tracer, &surroundings);
        Self::of(span, shared.parent.clone(), shared.tracer.clone())
    }

    fn of(span: SdkSpan, parent: Option<Parent>, tracer: SdkTracer) -> Self {
        Self(Some(Arc::new(Shared {
            context: span.span_context().clone(),
            span: Mutex::new(span),
            parent,
            tracer,
            outcome: OnceLock::new(),
            error: OnceLock::new(),
        })))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> Option<String> {
        self.0.as_ref().map(|shared| shared.context.trace_id().to_string())
    }

    /// What who is called is told.
    pub fn context(&self) -> Option<Context> {
        let shared = self.0.as_ref()?;
        Some(Context::of(&shared.context, shared.parent.as_ref()))
    }

    pub fn set(&self, key: &'static str, value: impl Into<opentelemetry::Value>) {
        self.with(|span| span.set_attribute(KeyValue::new(key, value)));
    }

    pub fn rename(&self, name: String) {
        self.with(|span| span.update_name(name));
    }

    /// How it ended; what is said first counts.
    pub fn outcome(&self, outcome: &'static str) {
        if let Some(shared) = &self.0
            && shared.outcome.set(outcome).is_ok()
        {
            self.set("mcpgw.outcome", outcome);
        }
    }

    /// Marks it as failed; what is said first counts.
    pub fn fail(&self, kind: impl Into<opentelemetry::StringValue>) {
        if let Some(shared) = &self.0
            && shared.error.set(()).is_ok()
        {
            let kind: opentelemetry::StringValue = kind.into();
            self.with(|span| {
                span.set_attribute(KeyValue::new("error.type", kind));
                span.set_status(Status::error(""));
            });
        }
    }

    /// Ends it now, whoever else holds it.
    pub fn end(&self) {
        self.with(SdkSpan::end);
    }

    fn with(&self, change: impl FnOnce(&mut SdkSpan)) {
        if let Some(shared) = &self.0 {
            change(&mut shared.span.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

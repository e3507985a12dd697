//! `[gateway]` and its subtables.

use super::value::{duration, quote, size};
use super::{Settings, Word};
use crate::snapshot::{
    Audit, AuditFailure, AuditPayloads, Control, ControlRight, Gateway, GatewayLimits, LogFormat, Store, Telemetry, Tls,
};

pub(in crate::plan) fn gateway(gateway: &Gateway) -> Settings {
    let Gateway {
        listen,
        public_url,
        allowed_hosts,
        allowed_origins,
        trusted_proxies,
        tls,
        pii,
        locked,
        public_anonymous,
        limits,
        store,
        audit,
        telemetry,
        control,
    } = gateway;
    let mut keys = Settings::default();
    let default = Gateway::default();
    keys.or_default("listen", *listen, default.listen, |listen| quote(&listen.to_string()));
    keys.or_default("public-url", public_url.clone(), format!("http://{listen}"), |url| {
        quote(&url)
    });
    keys.texts("allowed-hosts", allowed_hosts.iter().map(String::as_str));
    keys.texts("allowed-origins", allowed_origins.iter().map(String::as_str));
    keys.list(
        "trusted-proxies",
        trusted_proxies
            .iter()
            .map(|net| Word::quoted(&net.to_string()))
            .collect(),
    );
    identity("tls", tls.as_ref(), &mut keys);
    if let Some(pii) = pii {
        keys.text("pii", pii.as_str());
    }
    keys.flag("locked", *locked);
    keys.flag("public-anonymous", *public_anonymous);
    limits_of(limits, &mut keys);
    store_of(store, &mut keys);
    audit_of(audit, &mut keys);
    telemetry_of(telemetry, &mut keys);
    if let Some(control) = control {
        control_of(control, &mut keys);
    }
    keys
}

fn identity(key: &str, tls: Option<&Tls>, keys: &mut Settings) {
    if let Some(Tls { cert, key: secret }) = tls {
        keys.text(format_args!("{key}.cert"), &cert.to_string_lossy());
        keys.plain(format_args!("{key}.key"), secret);
    }
}

fn limits_of(limits: &GatewayLimits, keys: &mut Settings) {
    let default = GatewayLimits::default();
    let GatewayLimits {
        request_body,
        response_body,
        connections,
        sessions_per_principal,
        session_idle,
        call_timeout,
        calls_per_minute,
        drain_timeout,
    } = limits;
    let number = |number: u32| number.to_string();
    keys.or_default("limits.request-body", *request_body, default.request_body, size);
    keys.or_default("limits.response-body", *response_body, default.response_body, size);
    keys.or_default("limits.connections", *connections, default.connections, number);
    let sessions = "limits.sessions-per-principal";
    keys.or_default(
        sessions,
        *sessions_per_principal,
        default.sessions_per_principal,
        number,
    );
    keys.or_default("limits.session-idle", *session_idle, default.session_idle, duration);
    keys.or_default("limits.call-timeout", *call_timeout, default.call_timeout, duration);
    keys.or_default(
        "limits.calls-per-minute",
        *calls_per_minute,
        default.calls_per_minute,
        number,
    );
    keys.or_default("limits.drain-timeout", *drain_timeout, default.drain_timeout, duration);
}

fn store_of(store: &Store, keys: &mut Settings) {
    let Store { redis, keys: seals } = store;
    if let Some(redis) = redis {
        keys.plain("store.redis", redis);
    }
    keys.list("store.key", seals.iter().map(Word::plain).collect());
}

fn audit_of(audit: &Audit, keys: &mut Settings) {
    let default = Audit::default();
    let Audit {
        file,
        payloads,
        rotate,
        retain,
        on_failure,
    } = audit;
    keys.or_default("audit.file", file, &default.file, |file| quote(file));
    keys.or_default("audit.payloads", *payloads, default.payloads, |payloads| {
        quote(match payloads {
            AuditPayloads::Full => "full",
            AuditPayloads::None => "none",
            AuditPayloads::Redacted => "redacted",
        })
    });
    keys.or_default("audit.rotate", *rotate, default.rotate, size);
    keys.or_default("audit.retain", *retain, default.retain, duration);
    keys.or_default("audit.on-failure", *on_failure, default.on_failure, |failure| {
        quote(match failure {
            AuditFailure::Continue => "continue",
            AuditFailure::Refuse => "refuse",
        })
    });
}

fn telemetry_of(telemetry: &Telemetry, keys: &mut Settings) {
    let default = Telemetry::default();
    let Telemetry {
        metrics,
        otlp,
        service_name,
        log_format,
        log_level,
    } = telemetry;
    if let Some(metrics) = metrics {
        keys.text("telemetry.metrics", &metrics.to_string());
    }
    if let Some(otlp) = otlp {
        keys.text("telemetry.otlp", otlp);
    }
    keys.or_default("telemetry.service-name", service_name, &default.service_name, |name| {
        quote(name)
    });
    keys.or_default("telemetry.log-format", *log_format, default.log_format, |format| {
        quote(match format {
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        })
    });
    keys.or_default("telemetry.log-level", log_level, &default.log_level, |level| {
        quote(level)
    });
}

fn control_of(control: &Control, keys: &mut Settings) {
    let Control { listen, tls, tokens } = control;
    keys.text("control.listen", &listen.to_string());
    identity("control.tls", tls.as_ref(), keys);
    for (name, token) in tokens {
        keys.plain(format_args!("control.token.{name}.secret"), &token.secret);
        let rights = token.may.iter().map(|right| Word::quoted(right_name(*right)));
        keys.list(format_args!("control.token.{name}.may"), rights.collect());
    }
}

fn right_name(right: ControlRight) -> &'static str {
    match right {
        ControlRight::Apply => "apply",
        ControlRight::Hold => "hold",
        ControlRight::Logs => "logs",
        ControlRight::Read => "read",
    }
}

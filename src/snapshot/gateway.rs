//! `[gateway]` and its subtables.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::SecretRef;
use crate::name::PiiName;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gateway {
    /// Default `127.0.0.1:8700`.
    pub listen: SocketAddr,
    /// Without path and without a slash at the end; default `http://<listen>`.
    pub public_url: String,
    /// Host names (lower case, without port) that the `Host` header may carry besides the implied ones; `public-url`'s host is among them.
    pub allowed_hosts: Vec<String>,
    /// Exact origins, such as `https://claude.ai`.
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub tls: Option<Tls>,
    pub pii: Option<PiiName>,
    pub locked: bool,
    pub public_anonymous: bool,
    pub limits: GatewayLimits,
    pub store: Store,
    pub audit: Audit,
    pub telemetry: Telemetry,
    pub control: Option<Control>,
}

/// What holds without a `[gateway]` table.
impl Default for Gateway {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8700));
        Self {
            listen,
            public_url: format!("http://{listen}"),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            tls: None,
            pii: None,
            locked: false,
            public_anonymous: false,
            limits: GatewayLimits::default(),
            store: Store::default(),
            audit: Audit::default(),
            telemetry: Telemetry::default(),
            control: None,
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: SecretRef,
}

/// `[gateway.limits]`: every one has a default, written at the field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayLimits {
    /// Bytes, `4MiB`.
    pub request_body: u64,
    /// Bytes, `64MiB`.
    pub response_body: u64,
    /// 10000.
    pub connections: u32,
    /// 100; beyond, the longest idle one ends. `anonymous` counts per client address.
    pub sessions_per_principal: u32,
    /// `30m`.
    pub session_idle: Duration,
    /// `120s`.
    pub call_timeout: Duration,
    /// 600 per principal; 0 = off.
    pub calls_per_minute: u32,
    /// `25s`.
    pub drain_timeout: Duration,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            request_body: 4 << 20,
            response_body: 64 << 20,
            connections: 10_000,
            sessions_per_principal: 100,
            session_idle: Duration::from_secs(30 * 60),
            call_timeout: Duration::from_secs(120),
            calls_per_minute: 600,
            drain_timeout: Duration::from_secs(25),
        }
    }
}

/// `[gateway.store]`: files under the state directory unless `redis` is given.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Store {
    pub redis: Option<SecretRef>,
    /// The first seals, all open.
    pub keys: Vec<SecretRef>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Audit {
    /// `audit.jsonl` in the state directory; `-` is stdout, empty is none.
    pub file: String,
    pub payloads: AuditPayloads,
    /// Bytes, `100MiB`.
    pub rotate: u64,
    /// `400d`.
    pub retain: Duration,
    pub on_failure: AuditFailure,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            file: "audit.jsonl".into(),
            payloads: AuditPayloads::Redacted,
            rotate: 100 << 20,
            retain: Duration::from_secs(400 * 24 * 60 * 60),
            on_failure: AuditFailure::Refuse,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuditPayloads {
    Full,
    None,
    Redacted,
}

/// What happens to a call that cannot be logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuditFailure {
    Continue,
    Refuse,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Telemetry {
    /// `/metrics`, `/healthz`, `/readyz`; off by default.
    pub metrics: Option<SocketAddr>,
    pub otlp: Option<String>,
    /// `mcpgw`.
    pub service_name: String,
    pub log_format: LogFormat,
    /// A level name, or directives such as `info,mcpgw::upstream=debug`; `info`.
    pub log_level: String,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            metrics: None,
            otlp: None,
            service_name: "mcpgw".into(),
            log_format: LogFormat::Text,
            log_level: "info".into(),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    Json,
    Text,
}

/// `[gateway.control]`: the control API besides the Unix socket in the state directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Control {
    pub listen: SocketAddr,
    pub tls: Option<Tls>,
    pub tokens: BTreeMap<String, ControlToken>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ControlToken {
    pub secret: SecretRef,
    pub may: Vec<ControlRight>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ControlRight {
    /// All of them.
    Apply,
    Hold,
    Logs,
    /// plan, status, explain, history
    Read,
}

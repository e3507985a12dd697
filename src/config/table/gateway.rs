//! `[gateway]` and its subtables.

use crate::config::grammar::{
    Address, Count, Host, Lasting, List, LogLevel, Map, Network, Origin, PathText, Secret, Size, Text, Url, choice,
    table,
};

table! {
    /// The gateway itself.
    pub struct Gateway {
        /// Address and port of the listener.
        listen / "listen": Address = "\"127.0.0.1:8700\"";
        /// What clients reach it by, without a path. Needed, and https, where `listen` is not loopback.
        public_url / "public-url": Url = "http://<listen>";
        /// `Host` headers that pass, besides the host of `public-url` and, on a loopback `listen`, loopback names.
        allowed_hosts / "allowed-hosts": List<Host> = "[]";
        /// `Origin` headers that pass. A request without one passes, one that is not listed is refused.
        allowed_origins / "allowed-origins": List<Origin> = "[]";
        /// Networks whose `X-Forwarded-*` headers are believed.
        trusted_proxies / "trusted-proxies": List<Network> = "[]";
        /// Certificate and key of the listener; without it plain HTTP.
        tls / "tls": Tls;
        /// The filter of endpoints that name none.
        pii / "pii": String;
        /// Every server must be in the lock.
        locked / "locked": bool = "false";
        /// Permits a role for `anonymous` where the gateway can be reached from elsewhere.
        public_anonymous / "public-anonymous": bool = "false";
        /// What one client or all together may use.
        limits / "limits": GatewayLimits;
        /// Where grants, credentials and revocations are kept; without it files under the state directory.
        store / "store": Store;
        /// The log of every call.
        audit / "audit": Audit;
        /// Metrics, traces and the gateway's own log.
        telemetry / "telemetry": Telemetry;
        /// The control API; without it only the Unix socket in the state directory.
        control / "control": Control;
    }
}

table! {
    /// A certificate and its key.
    pub struct Tls {
        /// PEM file with the certificate and its chain.
        cert / "cert": PathText [required];
        /// The private key, PEM.
        key / "key": Secret [required];
    }
}

table! {
    /// Limits of the whole gateway. Of several limits or timeouts the smallest holds.
    pub struct GatewayLimits {
        /// The largest body of a request.
        request_body / "request-body": Size<1_024, 1_073_741_824> = "\"4MiB\"";
        /// The largest body of an answer.
        response_body / "response-body": Size<1_024, 17_179_869_184> = "\"64MiB\"";
        /// Connections at once.
        connections / "connections": Count<1, 1_000_000> = "10000";
        /// Sessions of one principal; beyond, the longest idle one ends. `anonymous` counts per client address.
        sessions_per_principal / "sessions-per-principal": Count<1, 1_000_000> = "100";
        /// How long a session may be idle.
        session_idle / "session-idle": Lasting<1, 2_592_000> = "\"30m\"";
        /// How long a call may take.
        call_timeout / "call-timeout": Lasting<1, 86_400> = "\"120s\"";
        /// Calls of one principal; 0 is no limit.
        calls_per_minute / "calls-per-minute": Count<0, 1_000_000_000> = "600";
        /// How long calls in flight may go on when the gateway ends.
        drain_timeout / "drain-timeout": Lasting<0, 86_400> = "\"25s\"";
    }
}

table! {
    /// A store that several replicas share.
    pub struct Store {
        /// URL of a Redis or Valkey. Then `key` is needed.
        redis / "redis": Secret;
        /// Keys that seal what is stored: the first seals, all open.
        key / "key": List<Secret>;
    }
}

table! {
    /// The log of every call, failed and refused ones too.
    pub struct Audit {
        /// Relative to the state directory; `"-"` is stdout, `""` is none.
        file / "file": String = "\"audit.jsonl\"";
        /// What of requests and answers is logged.
        payloads / "payloads": AuditPayloads = "\"redacted\"";
        /// The size at which a new file begins.
        rotate / "rotate": Size<65_536, 17_179_869_184> = "\"100MiB\"";
        /// How long files are kept.
        retain / "retain": Lasting<86_400, 315_360_000> = "\"400d\"";
        /// What happens to a call that cannot be logged.
        on_failure / "on-failure": AuditFailure = "\"refuse\"";
    }
}

choice! {
    pub enum AuditPayloads { Redacted "redacted", None "none", Full "full", }
}

choice! {
    pub enum AuditFailure { Refuse "refuse", Continue "continue", }
}

table! {
    /// Metrics, traces and the gateway's own log.
    pub struct Telemetry {
        /// Address of Prometheus metrics at `/metrics`, with `/healthz` and `/readyz`; without it off.
        metrics / "metrics": Address;
        /// An OpenTelemetry collector for traces: gRPC, or HTTP where the URL has a path or port 4318.
        otlp / "otlp": Url;
        /// The service's name in traces.
        service_name / "service-name": Text = "\"mcpgw\"";
        /// The form of the log on stderr.
        log_format / "log-format": LogFormat = "\"text\"";
        /// The least level that is logged, or directives such as `"info,mcpgw::upstream=debug"`.
        log_level / "log-level": LogLevel = "\"info\"";
    }
}

choice! {
    pub enum LogFormat { Text "text", Json "json", }
}

table! {
    /// The control API besides the Unix socket.
    pub struct Control {
        /// Address and port. Needs `tls` where it is not loopback.
        listen / "listen": Address [required];
        /// Certificate and key of this listener.
        tls / "tls": Tls;
        /// Who may use it; the name stands in history and audit log.
        tokens / "token": Map<String, ControlToken>;
    }
}

table! {
    /// A token for the control API.
    pub struct ControlToken {
        /// The token itself.
        secret / "secret": Secret [required];
        /// What its holder may do.
        may / "may": List<ControlRight> [required];
    }
}

choice! {
    pub enum ControlRight { Read "read", Logs "logs", Hold "hold", Apply "apply", }
}

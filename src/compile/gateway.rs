//! `[gateway]`: where it listens, and whether that is safe.

use std::net::SocketAddr;

use super::{Context, is_loopback, secret};
use crate::config::grammar::Given;
use crate::config::table;
use crate::diag::{Code, Finding, Place};
use crate::snapshot::{
    Audit, AuditFailure, AuditPayloads, Control, ControlRight, ControlToken, Gateway, GatewayLimits, LogFormat, Store,
    Subject, Telemetry, Tls,
};

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8700);

pub(super) fn gateway(context: &mut Context<'_>) -> Gateway {
    let tables = context.tables;
    let Some(table) = tables.gateway.get() else {
        return assemble(None, DEFAULT_LISTEN, format!("http://{DEFAULT_LISTEN}"), context);
    };
    context.origin(Subject::Gateway, table.place);
    let listen = table.listen.get().map_or(DEFAULT_LISTEN, |address| address.0);
    let public_url = public_url(table, listen, context);
    addresses(table, listen, context);
    assemble(Some(table), listen, public_url, context)
}

/// Is the gateway reachable by this machine alone, as far as the files say?
pub(super) fn is_private(gateway: &table::Gateway) -> bool {
    gateway.listen.get().is_none_or(|listen| listen.0.ip().is_loopback())
        && gateway.public_url.get().is_none_or(|url| is_loopback(&url.host))
}

fn public_url(table: &table::Gateway, listen: SocketAddr, context: &mut Context<'_>) -> String {
    let far = !listen.ip().is_loopback();
    if let Some((url, place)) = table.public_url.with_place() {
        if url.path != "/" || url.has_query {
            context.push(
                Finding::new(Code::InvalidUrl, place, "`public-url` has a path or query")
                    .label("only scheme, host and port may stand here")
                    .help("write for example `public-url = \"https://mcp.example.com\"`"),
            );
        }
        if far && !url.https {
            let mut finding = Finding::new(Code::InsecurePublicUrl, place, "`public-url` is not https")
                .label("tokens would travel in clear text")
                .help("write `https://`, with `tls` here or at a proxy in front of the gateway");
            if let Some(listen) = table.listen.place() {
                finding = finding.also(listen, "reachable from elsewhere because of this");
            }
            context.push(finding);
        }
        return url.text.trim_end_matches('/').to_owned();
    }
    if let (true, false, Some(place)) = (far, table.public_url.is_given(), table.listen.place()) {
        context.push(
            Finding::new(
                Code::MissingPublicUrl,
                place,
                "`listen` is reachable from elsewhere and there is no `public-url`",
            )
            .label("not a loopback address")
            .help("add `public-url = \"https://mcp.example.com\"`, or listen on `127.0.0.1`"),
        );
    }
    format!("http://{listen}")
}

/// Two listeners cannot have one address.
fn addresses(table: &table::Gateway, listen: SocketAddr, context: &mut Context<'_>) {
    let place = |given: Option<Place>| given.unwrap_or(table.place);
    let metrics = table.telemetry.get().map(|telemetry| &telemetry.metrics);
    let control = table.control.get().map(|control| &control.listen);
    let listeners = [
        (Some(listen), place(table.listen.place()), "the gateway"),
        (
            metrics.and_then(Given::get).map(|address| address.0),
            place(metrics.and_then(Given::place)),
            "metrics",
        ),
        (
            control.and_then(Given::get).map(|address| address.0),
            place(control.and_then(Given::place)),
            "the control API",
        ),
    ];
    for (index, (address, place, _)) in listeners.iter().enumerate() {
        let first = listeners[..index].iter().find(|(other, ..)| {
            address.is_some() && address == other && address.is_some_and(|address| address.port() != 0)
        });
        if let Some((_, other, who)) = first {
            context.push(
                Finding::new(Code::DuplicateAddress, *place, "two listeners have the same address")
                    .label("taken already")
                    .also(*other, format!("{who} listens here"))
                    .help("give each listener a port of its own"),
            );
        }
    }
}

fn assemble(
    table: Option<&table::Gateway>,
    listen: SocketAddr,
    public_url: String,
    context: &mut Context<'_>,
) -> Gateway {
    let mut allowed_hosts: Vec<String> = table
        .iter()
        .flat_map(|table| table.allowed_hosts.values())
        .map(|host| host.0.clone())
        .collect();
    allowed_hosts.extend(
        table
            .and_then(|table| table.public_url.get())
            .map(|url| url.host.clone()),
    );
    allowed_hosts.sort();
    allowed_hosts.dedup();
    let flag =
        |key: fn(&table::Gateway) -> &Given<bool>| table.and_then(|table| key(table).get().copied()).unwrap_or(false);
    Gateway {
        listen,
        public_url,
        allowed_hosts,
        allowed_origins: table
            .iter()
            .flat_map(|table| table.allowed_origins.values())
            .map(|origin| origin.0.clone())
            .collect(),
        trusted_proxies: table
            .iter()
            .flat_map(|table| table.trusted_proxies.values())
            .map(|network| network.0)
            .collect(),
        tls: table.and_then(|table| tls(&table.tls)),
        pii: table.and_then(|table| context.pii(&table.pii)).flatten(),
        locked: flag(|table| &table.locked) || context.settings.locked,
        public_anonymous: flag(|table| &table.public_anonymous),
        limits: table
            .and_then(|table| table.limits.get())
            .map(limits)
            .unwrap_or_default(),
        store: table
            .and_then(|table| table.store.get())
            .map(|table| store(table, context))
            .unwrap_or_default(),
        audit: table
            .and_then(|table| table.audit.get())
            .map(|table| audit(table, context))
            .unwrap_or_default(),
        telemetry: table
            .and_then(|table| table.telemetry.get())
            .map(telemetry)
            .unwrap_or_default(),
        control: table
            .and_then(|table| table.control.get())
            .and_then(|table| control(table, context)),
    }
}

fn tls(given: &Given<table::Tls>) -> Option<Tls> {
    let table = given.get()?;
    Some(Tls {
        cert: table.cert.get()?.0.clone(),
        key: secret(table.key.get()?),
    })
}

fn limits(table: &table::GatewayLimits) -> GatewayLimits {
    let default = GatewayLimits::default();
    GatewayLimits {
        request_body: table.request_body.get().map_or(default.request_body, |size| size.0),
        response_body: table.response_body.get().map_or(default.response_body, |size| size.0),
        connections: table.connections.get().map_or(default.connections, |count| count.0),
        sessions_per_principal: table
            .sessions_per_principal
            .get()
            .map_or(default.sessions_per_principal, |count| count.0),
        session_idle: table.session_idle.get().map_or(default.session_idle, |time| time.0),
        call_timeout: table.call_timeout.get().map_or(default.call_timeout, |time| time.0),
        calls_per_minute: table
            .calls_per_minute
            .get()
            .map_or(default.calls_per_minute, |count| count.0),
        drain_timeout: table.drain_timeout.get().map_or(default.drain_timeout, |time| time.0),
    }
}

fn store(table: &table::Store, context: &mut Context<'_>) -> Store {
    if let (Some(redis), false) = (table.redis.key(), table.key.is_given()) {
        context.push(
            Finding::new(Code::StoreWithoutKey, redis, "a shared store has no `key`")
                .label("what is stored here must be sealed")
                .help("add `key = [{ file = \"/run/secrets/mcpgw.key\" }]`, the same for every replica"),
        );
    }
    if let (Some(([], place)), true) = (
        table.key.with_place().map(|(_, place)| (table.key.items(), place)),
        table.redis.is_given(),
    ) {
        context.push(
            Finding::new(Code::StoreWithoutKey, place, "a shared store has no `key`")
                .label("the list is empty")
                .help("write `key = [{ file = \"/run/secrets/mcpgw.key\" }]`"),
        );
    }
    Store {
        redis: table.redis.get().map(secret),
        keys: table.key.values().map(secret).collect(),
    }
}

fn audit(table: &table::Audit, context: &mut Context<'_>) -> Audit {
    let default = Audit::default();
    let file = table.file.get().map_or(default.file.as_str(), String::as_str);
    let payloads = match table.payloads.get() {
        None | Some(table::AuditPayloads::Redacted) => AuditPayloads::Redacted,
        Some(table::AuditPayloads::None) => AuditPayloads::None,
        Some(table::AuditPayloads::Full) => AuditPayloads::Full,
    };
    if payloads == AuditPayloads::Full {
        full_payloads(table, context);
    }
    Audit {
        file: file.to_owned(),
        payloads,
        rotate: table.rotate.get().map_or(default.rotate, |size| size.0),
        retain: table.retain.get().map_or(default.retain, |time| time.0),
        on_failure: match table.on_failure.get() {
            Some(table::AuditFailure::Continue) => AuditFailure::Continue,
            None | Some(table::AuditFailure::Refuse) => AuditFailure::Refuse,
        },
    }
}

/// What a filter redacts would stand in the log in clear.
fn full_payloads(table: &table::Audit, context: &mut Context<'_>) {
    let tables = context.tables;
    let uses = tables
        .gateway
        .get()
        .map(|gateway| &gateway.pii)
        .into_iter()
        .chain(tables.endpoints.entries().iter().map(|entry| &entry.value.pii))
        .chain(tables.servers.entries().iter().map(|entry| &entry.value.pii));
    let filter = uses.filter_map(Given::with_place).find(|(name, _)| !name.is_empty());
    if let (Some((_, filter)), Some(place)) = (filter, table.payloads.place()) {
        context.push(
            Finding::new(
                Code::FullPayloads,
                place,
                "the audit log would hold what a filter redacts",
            )
            .label("everything, as it was")
            .also(filter, "redacted because of this")
            .help("write `payloads = \"redacted\"`"),
        );
    }
}

fn telemetry(table: &table::Telemetry) -> Telemetry {
    let default = Telemetry::default();
    Telemetry {
        metrics: table.metrics.get().map(|address| address.0),
        otlp: table.otlp.get().map(|url| url.text.clone()),
        service_name: table
            .service_name
            .get()
            .map_or(default.service_name, |name| name.0.clone()),
        log_format: match table.log_format.get() {
            Some(table::LogFormat::Json) => LogFormat::Json,
            None | Some(table::LogFormat::Text) => LogFormat::Text,
        },
        log_level: table.log_level.get().map_or(default.log_level, |level| level.0.clone()),
    }
}

fn control(table: &table::Control, context: &mut Context<'_>) -> Option<Control> {
    let (listen, place) = table.listen.with_place()?;
    if !listen.0.ip().is_loopback() && !table.tls.is_given() {
        context.push(
            Finding::new(
                Code::ControlWithoutTls,
                place,
                "the control API is reachable from elsewhere without TLS",
            )
            .label("not a loopback address")
            .help(
                "add `tls = { cert = \"tls/cert.pem\", key = { file = \"tls/key.pem\" } }`, or listen on `127.0.0.1`",
            ),
        );
    }
    let tokens = table.tokens.entries().iter().filter_map(|entry| {
        let mut may: Vec<ControlRight> = entry.value.may.values().copied().map(right).collect();
        may.sort();
        may.dedup();
        let token = ControlToken {
            secret: secret(entry.value.secret.get()?),
            may,
        };
        Some((entry.name.clone(), token))
    });
    Some(Control {
        listen: listen.0,
        tls: tls(&table.tls),
        tokens: tokens.collect(),
    })
}

fn right(right: table::ControlRight) -> ControlRight {
    match right {
        table::ControlRight::Apply => ControlRight::Apply,
        table::ControlRight::Hold => ControlRight::Hold,
        table::ControlRight::Logs => ControlRight::Logs,
        table::ControlRight::Read => ControlRight::Read,
    }
}

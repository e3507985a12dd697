//! `[gateway]`: where it listens, whom it trusts, how much it lets through, what it records.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::{Found, What, added};
use crate::name::Member;
use crate::plan::settings::{duration, quote, size};
use crate::snapshot::{Audit, AuditFailure, AuditPayloads, Control, ControlRight, Gateway, Subject};
use crate::text::list;

pub(super) fn compare(found: &mut Found<'_>) {
    let (old, new) = (&found.current.snapshot.gateway, &found.proposed.snapshot.gateway);
    if new.public_anonymous && !old.public_anonymous {
        let roles = found.proposed.snapshot.roles.iter();
        let open = roles.filter(|(_, role)| role.members.contains(&Member::Anonymous));
        let details = open.map(|(name, _)| format!("by the role {name}")).collect();
        let title = "`public-anonymous` lets anybody on the network in without sign-in";
        found.with(What::Anonymous, title, details, Some(&Subject::Gateway));
    }
    if old.locked && !new.locked {
        add(
            found,
            What::Pin,
            "`locked` is taken away: a server need not be in the lock",
        );
    }
    listeners(old, new, found);
    origins(old, new, found);
    limits(old, new, found);
    audit(&old.audit, &new.audit, found);
    control(old.control.as_ref(), new.control.as_ref(), found);
}

fn add(found: &mut Found<'_>, what: What, title: impl Into<String>) {
    found.add(what, title, Some(&Subject::Gateway));
}

fn listeners(old: &Gateway, new: &Gateway, found: &mut Found<'_>) {
    opened("the gateway", Some(old.listen), Some(new.listen), found);
    opened("metrics", old.telemetry.metrics, new.telemetry.metrics, found);
    let control = |gateway: &Gateway| gateway.control.as_ref().map(|control| control.listen);
    opened("the control API", control(old), control(new), found);
    if old.tls.is_some() && new.tls.is_none() {
        add(found, What::Tls, "`tls` is taken away: the gateway speaks plain HTTP");
    }
    if old.public_url.starts_with("https://") && !new.public_url.starts_with("https://") {
        add(
            found,
            What::Tls,
            format!("`public-url` is no longer https: {}", quote(&new.public_url)),
        );
    }
    if let Some(otlp) = new
        .telemetry
        .otlp
        .as_ref()
        .filter(|otlp| old.telemetry.otlp.as_ref() != Some(*otlp))
    {
        add(
            found,
            What::Telemetry,
            format!("traces and metrics go to {}", quote(otlp)),
        );
    }
}

/// From this machine only to others, or to others at another address.
fn opened(who: &str, old: Option<SocketAddr>, new: Option<SocketAddr>, found: &mut Found<'_>) {
    let far = |address: SocketAddr| !address.ip().is_loopback();
    if let Some(new) = new.filter(|new| far(*new))
        && old.is_none_or(|old| !far(old) || new.ip().is_unspecified() && !old.ip().is_unspecified())
    {
        add(
            found,
            What::Listener,
            format!("{who} listens beyond this machine: {new}"),
        );
    }
}

fn origins(old: &Gateway, new: &Gateway, found: &mut Found<'_>) {
    let origins = added(&old.allowed_origins, &new.allowed_origins);
    if !origins.is_empty() {
        add(
            found,
            What::Origin,
            format!("web pages of {} may call it (`allowed-origins`)", list(&origins)),
        );
    }
    let hosts = added(&old.allowed_hosts, &new.allowed_hosts);
    if !hosts.is_empty() {
        add(
            found,
            What::Origin,
            format!("it also answers to the names {} (`allowed-hosts`)", list(&hosts)),
        );
    }
    let covered = |net: &IpNet| old.trusted_proxies.iter().any(|known| known.contains(net));
    let proxies: Vec<String> = new
        .trusted_proxies
        .iter()
        .filter(|net| !covered(net))
        .map(ToString::to_string)
        .collect();
    if !proxies.is_empty() {
        add(
            found,
            What::Origin,
            format!("{} may say for whom they speak (`trusted-proxies`)", list(&proxies)),
        );
    }
}

fn limits(old: &Gateway, new: &Gateway, found: &mut Found<'_>) {
    let (old, new) = (&old.limits, &new.limits);
    let bytes = [
        ("request-body", old.request_body, new.request_body),
        ("response-body", old.response_body, new.response_body),
    ];
    for (key, old, new) in bytes.into_iter().filter(|(_, old, new)| old < new) {
        wider(key, &size(old), &size(new), found);
    }
    let times = [
        ("session-idle", old.session_idle, new.session_idle),
        ("call-timeout", old.call_timeout, new.call_timeout),
    ];
    for (key, old, new) in times.into_iter().filter(|(_, old, new)| old < new) {
        wider(key, &duration(old), &duration(new), found);
    }
    let counts = [
        ("connections", old.connections, new.connections),
        (
            "sessions-per-principal",
            old.sessions_per_principal,
            new.sessions_per_principal,
        ),
    ];
    for (key, old, new) in counts.into_iter().filter(|(_, old, new)| old < new) {
        wider(key, &old.to_string(), &new.to_string(), found);
    }
    if super::endpoint::is_wider_rate(Some(old.calls_per_minute), Some(new.calls_per_minute)) {
        let shown = super::endpoint::rate;
        wider(
            "calls-per-minute",
            &shown(old.calls_per_minute),
            &shown(new.calls_per_minute),
            found,
        );
    }
}

fn wider(key: &str, old: &str, new: &str, found: &mut Found<'_>) {
    add(
        found,
        What::Limit,
        format!("`gateway.limits.{key}` widens: {old} -> {new}"),
    );
}

fn audit(old: &Audit, new: &Audit, found: &mut Found<'_>) {
    let mut tell = |title: String| add(found, What::Audit, title);
    if !old.file.is_empty() && new.file.is_empty() {
        tell("nothing is recorded any more: `gateway.audit.file` is empty".to_owned());
    }
    let full = AuditPayloads::Full;
    if old.payloads != full && new.payloads == full {
        tell("the audit log holds requests and responses in clear (`payloads = \"full\"`)".to_owned());
    }
    if old.payloads != AuditPayloads::None && new.payloads == AuditPayloads::None {
        tell("the audit log no longer holds requests and responses (`payloads = \"none\"`)".to_owned());
    }
    if old.on_failure == AuditFailure::Refuse && new.on_failure == AuditFailure::Continue {
        tell("calls that cannot be recorded are made (`on-failure = \"continue\"`)".to_owned());
    }
    if new.retain < old.retain {
        tell(format!(
            "records are kept for a shorter time: {} -> {}",
            duration(old.retain),
            duration(new.retain)
        ));
    }
}

fn control(old: Option<&Control>, new: Option<&Control>, found: &mut Found<'_>) {
    let Some(new) = new else { return };
    match old {
        None => add(found, What::Control, format!("a control API listens on {}", new.listen)),
        Some(old) if old.tls.is_some() && new.tls.is_none() => {
            add(
                found,
                What::Tls,
                "the control API speaks plain HTTP: its `tls` is taken away",
            );
        }
        Some(_) => {}
    }
    for (name, token) in &new.tokens {
        let before = old.and_then(|old| old.tokens.get(name));
        let rights = before.map(|token| token.may.as_slice()).unwrap_or_default();
        let has_all = rights.contains(&ControlRight::Apply);
        let more: Vec<&str> = added(rights, &token.may)
            .into_iter()
            .filter(|_| !has_all)
            .map(|right| match right {
                ControlRight::Apply => "apply",
                ControlRight::Hold => "hold",
                ControlRight::Logs => "logs",
                ControlRight::Read => "read",
            })
            .collect();
        if !more.is_empty() {
            add(
                found,
                What::Control,
                format!("the control token `{name}` may {}", list(&more)),
            );
        } else if before.is_some_and(|before| before.secret != token.secret) {
            let title = format!("the control token `{name}` is another secret: {}", token.secret);
            add(found, What::Control, title);
        }
    }
}

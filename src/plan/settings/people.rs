//! `[login]`, `[user.NAME]`, `[service.NAME]`, `[issuer.NAME]`, `[group.NAME]`.

use std::time::Duration;

use super::value::{duration, quote};
use super::{Settings, Word};
use crate::snapshot::{Group, Issuer, Jwks, Login, Oidc, Service, User};
use crate::text::hex;

pub(in crate::plan) fn login(login: &Login) -> Settings {
    let Login { local, oidc } = login;
    let mut keys = Settings::default();
    // Without a provider only local accounts can sign in.
    keys.or_default("local", *local, oidc.is_none(), |local| local.to_string());
    let Some(oidc) = oidc else { return keys };
    let Oidc {
        issuer,
        client_id,
        client_secret,
        scopes,
        user_claim,
        trust_email,
        groups_claim,
        require_claims,
        recheck,
        recheck_without_refresh,
    } = oidc;
    keys.text("oidc.issuer", issuer);
    keys.text("oidc.client-id", client_id);
    if let Some(secret) = client_secret {
        keys.plain("oidc.client-secret", secret);
    }
    keys.texts("oidc.scopes", scopes.iter().map(String::as_str));
    keys.text("oidc.user-claim", user_claim);
    keys.flag("oidc.trust-email", *trust_email);
    if let Some(claim) = groups_claim {
        keys.text("oidc.groups-claim", claim);
    }
    for (claim, values) in require_claims {
        let words = values.iter().map(|value| Word::quoted(value)).collect();
        // An empty list lets nobody in, which is not the same as none.
        keys.push(
            format_args!("oidc.require-claims.{claim}"),
            super::Value::List(words),
            false,
        );
    }
    let time = |time| quote(&duration(time));
    keys.or_default("oidc.recheck", *recheck, Duration::from_secs(3_600), time);
    let day = Duration::from_secs(86_400);
    keys.or_default("oidc.recheck-without-refresh", *recheck_without_refresh, day, time);
    keys
}

pub(in crate::plan) fn user(user: &User) -> Settings {
    let User { password_hash, groups } = user;
    let mut keys = Settings::default();
    // A hash is for guessing at: which it is, is nobody's business here.
    keys.word("password-hash", Word::hiding("\"…\"", password_hash));
    keys.texts("groups", groups.iter().map(|group| &**group));
    keys
}

pub(in crate::plan) fn service(service: &Service) -> Settings {
    let Service {
        token_sha256,
        groups,
        expires,
        credentials,
    } = service;
    let mut keys = Settings::default();
    keys.list("token-sha256", token_sha256.iter().map(token_hash).collect());
    keys.texts("groups", groups.iter().map(|group| &**group));
    if let Some(day) = expires {
        keys.plain("expires", day);
    }
    for (server, secret) in credentials {
        keys.plain(format_args!("credentials.{server}"), secret);
    }
    keys
}

/// Enough to tell one from another.
fn token_hash(hash: &[u8; 32]) -> Word {
    let whole = hex(hash);
    Word::hiding(format_args!("\"{}…\"", &whole[..8]), &whole)
}

pub(in crate::plan) fn issuer(name: &str, issuer: &Issuer) -> Settings {
    let Issuer {
        url,
        audience,
        jwks,
        user_claim,
        groups_claim,
        prefix,
    } = issuer;
    let mut keys = Settings::default();
    keys.text("url", url);
    keys.text("audience", audience);
    match jwks {
        Jwks::Discovered => {}
        Jwks::File(path) => keys.text("jwks.file", &path.to_string_lossy()),
        Jwks::Url(url) => keys.text("jwks.url", url),
    }
    keys.text("user-claim", user_claim);
    if let Some(claim) = groups_claim {
        keys.text("groups-claim", claim);
    }
    keys.or_default("prefix", prefix.as_str(), &*format!("{name}:"), quote);
    keys
}

pub(in crate::plan) fn group(group: &Group) -> Settings {
    let Group { members } = group;
    let mut keys = Settings::default();
    keys.list(
        "members",
        members.iter().map(|term| Word::quoted(&term.to_string())).collect(),
    );
    keys
}

//! `[login]`, `[user.NAME]`, `[issuer.NAME]`: people and whose word about them counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Context, secret};
use crate::config::grammar::{Given, List, Text};
use crate::config::table;
use crate::diag::{Code, Finding};
use crate::name::{IssuerName, UserName};
use crate::snapshot::{Issuer, Jwks, Login, Oidc, Subject, User};

pub(super) fn login(context: &mut Context<'_>) -> Option<Login> {
    let tables = context.tables;
    let (table, _) = tables.login.with_place()?;
    let oidc = table.oidc.get().and_then(|table| oidc(table, context));
    Some(Login {
        local: table.local.get().copied().unwrap_or(!table.oidc.is_given()),
        oidc,
    })
}

fn oidc(table: &table::Oidc, context: &mut Context<'_>) -> Option<Oidc> {
    let user_claim = table.user_claim.get().map_or("email", |claim| claim.0.as_str());
    if user_claim != "email" {
        context.misplaced(
            table.trust_email.key(),
            "trust-email",
            "with a `user-claim` other than `email`",
            table.user_claim.place(),
            "take it away",
        );
    }
    let scopes: Vec<String> = texts(&table.scopes).collect();
    Some(Oidc {
        issuer: table.issuer.get()?.text.clone(),
        client_id: table.client_id.get()?.0.clone(),
        client_secret: table.client_secret.get().map(secret),
        scopes: if table.scopes.is_given() {
            scopes
        } else {
            ["openid", "email", "profile"].map(str::to_owned).to_vec()
        },
        user_claim: user_claim.to_owned(),
        trust_email: table.trust_email.get().copied().unwrap_or(false),
        groups_claim: Some(
            table
                .groups_claim
                .get()
                .map_or("groups", |claim| claim.0.as_str())
                .to_owned(),
        ),
        require_claims: table
            .require_claims
            .entries()
            .iter()
            .map(|entry| {
                (
                    entry.name.clone(),
                    entry.value.0.iter().map(|item| item.value.0.clone()).collect(),
                )
            })
            .collect(),
        recheck: table.recheck.get().map_or(Duration::from_secs(3_600), |time| time.0),
        recheck_without_refresh: table
            .recheck_without_refresh
            .get()
            .map_or(Duration::from_secs(86_400), |time| time.0),
    })
}

pub(super) fn texts(given: &Given<List<Text>>) -> impl Iterator<Item = String> {
    given.values().map(|text| text.0.clone())
}

pub(super) fn users(context: &mut Context<'_>) -> BTreeMap<UserName, User> {
    let mut users = BTreeMap::new();
    for entry in context.tables.users.entries() {
        context.origin(Subject::User(entry.name.clone()), entry.place);
        let user = User {
            password_hash: entry
                .value
                .password_hash
                .get()
                .map(|hash| hash.0.clone())
                .unwrap_or_default(),
            groups: texts(&entry.value.groups).map(Arc::from).collect(),
        };
        users.insert(entry.name.clone(), user);
    }
    users
}

pub(super) fn issuers(context: &mut Context<'_>) -> BTreeMap<IssuerName, Issuer> {
    let mut issuers: BTreeMap<IssuerName, Issuer> = BTreeMap::new();
    let entries = context.tables.issuers.entries();
    for (index, entry) in entries.iter().enumerate() {
        context.origin(Subject::Issuer(entry.name.clone()), entry.place);
        let Some(issuer) = issuer(&entry.name, &entry.value, context) else {
            continue;
        };
        for other in &entries[..index] {
            let Some(known) = issuers.get(&other.name) else {
                continue;
            };
            let same = match (known.url == issuer.url, known.prefix == issuer.prefix) {
                (true, _) => "url",
                (_, true) => "prefix",
                (false, false) => continue,
            };
            context.push(
                Finding::new(
                    Code::DuplicateIssuer,
                    entry.place,
                    format!("two issuers have the same `{same}`"),
                )
                .label("cannot be told apart")
                .also(other.place, "from this one")
                .help("give each a `url` and a `prefix` of its own"),
            );
        }
        issuers.insert(entry.name.clone(), issuer);
    }
    issuers
}

fn issuer(name: &IssuerName, table: &table::Issuer, context: &mut Context<'_>) -> Option<Issuer> {
    let jwks = match table.jwks.get() {
        None => Jwks::Discovered,
        Some(jwks) => match (jwks.url.get(), jwks.file.get()) {
            (Some(url), None) => Jwks::Url(url.text.clone()),
            (None, Some(path)) => Jwks::File(path.0.clone()),
            (Some(_), Some(_)) => {
                context.misplaced(
                    jwks.file.key(),
                    "file",
                    "beside `url`",
                    jwks.url.key(),
                    "keep one of the two",
                );
                Jwks::Discovered
            }
            (None, None) => {
                if !jwks.url.is_given() && !jwks.file.is_given() {
                    context.push(
                        Finding::new(Code::MissingKey, jwks.place, "`jwks` has neither `url` nor `file`")
                            .label("empty")
                            .help("write `jwks = { url = \"https://…\" }`, or take it away to discover the keys"),
                    );
                }
                Jwks::Discovered
            }
        },
    };
    Some(Issuer {
        url: table.url.get()?.text.clone(),
        audience: table.audience.get()?.0.clone(),
        jwks,
        user_claim: table
            .user_claim
            .get()
            .map_or("sub", |claim| claim.0.as_str())
            .to_owned(),
        groups_claim: table.groups_claim.get().map(|claim| claim.0.clone()),
        prefix: table.prefix.get().cloned().unwrap_or_else(|| format!("{name}:")),
    })
}

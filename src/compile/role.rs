//! `[role.NAME]`: members and rules.

use std::collections::BTreeMap;

use super::condition::{self, About};
use super::{Context, gateway, group};
use crate::config::grammar::{AsName, Given, Item, Literal};
use crate::config::table;
use crate::diag::{Code, Finding, Place};
use crate::name::{Member, RoleName};
use crate::snapshot::{Effect, Hint, Role, Rule, RuleId, Subject};

pub(super) fn roles(context: &mut Context<'_>) -> BTreeMap<RoleName, Role> {
    let mut roles = BTreeMap::new();
    for entry in context.tables.roles.entries() {
        context.origin(Subject::Role(entry.name.clone()), entry.place);
        group::members(entry.value.members.items(), context);
        let anonymous = entry
            .value
            .members
            .items()
            .iter()
            .find(|item| item.value == Member::Anonymous);
        if let Some(anonymous) = anonymous {
            exposed(anonymous, context);
        }
        let mut compile = |effect, tables: &[table::Rule]| -> Vec<Rule> {
            let number = |(index, table)| rule(&entry.name, effect, index, table, anonymous, context);
            tables.iter().enumerate().map(number).collect()
        };
        let role = Role {
            allow: compile(Effect::Allow, entry.value.allow.tables()),
            deny: compile(Effect::Deny, entry.value.deny.tables()),
            members: entry.value.members.values().cloned().collect(),
        };
        roles.insert(entry.name.clone(), role);
    }
    roles
}

/// Without a credential only on this machine, unless said so.
fn exposed(anonymous: &Item<Member>, context: &mut Context<'_>) {
    let tables = context.tables;
    let Some(table) = tables.gateway.get() else { return };
    if gateway::is_private(table) || table.public_anonymous.get() == Some(&true) {
        return;
    }
    let mut finding = Finding::new(
        Code::AnonymousExposed,
        anonymous.place,
        "anyone who reaches the gateway has this role",
    )
    .label("without a credential")
    .help("take `anonymous` away, or write `public-anonymous = true` in `[gateway]` if it is meant");
    let listen = table
        .listen
        .with_place()
        .filter(|(listen, _)| !listen.0.ip().is_loopback());
    let url = table.public_url.place();
    if let Some(place) = listen.map(|(_, place)| place).or(url) {
        finding = finding.also(place, "reachable from elsewhere because of this");
    }
    context.push(finding);
}

fn rule(
    role: &RoleName,
    effect: Effect,
    index: usize,
    table: &table::Rule,
    anonymous: Option<&Item<Member>>,
    context: &mut Context<'_>,
) -> Rule {
    let id = RuleId {
        role: role.clone(),
        effect,
        index,
    };
    context.origin(Subject::Rule(id), table.place);
    required(table, effect, context);
    targets(table, context);
    references(table, anonymous.filter(|_| effect == Effect::Allow), context);
    let mut compiled = Rule {
        hint: hint(table, effect, context),
        ..Rule::default()
    };
    let mut one = |given: &Given<table::Condition>, key, about| {
        given
            .get()
            .and_then(|table| condition::condition(table, key, about, context))
    };
    compiled.endpoint = one(&table.endpoint, "endpoint", About::Name);
    compiled.server = one(&table.server, "server", About::Name);
    compiled.tool = one(&table.tool, "tool", About::Qualified);
    compiled.prompt = one(&table.prompt, "prompt", About::Qualified);
    compiled.resource = one(&table.resource, "resource", About::QualifiedUri);
    for entry in table.arguments.entries() {
        let key = crate::text::safe(entry.name.as_name());
        if let Some(condition) = condition::condition(&entry.value, &key, About::Argument, context) {
            compiled
                .arguments
                .push((condition::pointer(entry.name.as_name()), condition));
        }
    }
    compiled.arguments.sort_by(|(a, _), (b, _)| a.cmp(b));
    compiled
}

fn required(table: &table::Rule, effect: Effect, context: &mut Context<'_>) {
    let conditions = [
        table.endpoint.is_given(),
        table.server.is_given(),
        table.tool.is_given(),
        table.prompt.is_given(),
        table.resource.is_given(),
        table.hint.is_given(),
        !table.arguments.entries().is_empty(),
    ];
    match effect {
        Effect::Allow if !table.endpoint.is_given() => context.push(
            Finding::new(
                Code::AllowWithoutEndpoint,
                table.place,
                "the `allow` does not say on which endpoint",
            )
            .label("no `endpoint`")
            .help("add `endpoint = { equal = \"…\" }`, or `endpoint = { glob = \"*\" }` for all"),
        ),
        Effect::Deny if !conditions.contains(&true) => context.push(
            Finding::new(Code::UnconditionalDeny, table.place, "the `deny` has no condition")
                .label("would deny everything")
                .help("add a condition, or take the role's members away"),
        ),
        Effect::Allow | Effect::Deny => {}
    }
}

/// A request is for a tool, a prompt or a resource.
fn targets(table: &table::Rule, context: &mut Context<'_>) {
    let target = |name, given: &Given<table::Condition>| given.key().map(|key| (name, key));
    let kinds: Vec<(&str, Place)> = [
        target("tool", &table.tool),
        target("prompt", &table.prompt),
        target("resource", &table.resource),
    ]
    .into_iter()
    .flatten()
    .collect();
    let only_tools = [
        table.hint.key().map(|key| ("hint", key)),
        table.arguments.entries().first().map(|entry| ("argument", entry.key)),
    ];
    let clash = match kinds.as_slice() {
        [first, second, ..] => Some((*first, *second)),
        [(name, key)] if *name != "tool" => only_tools
            .into_iter()
            .flatten()
            .next()
            .map(|tools| ((*name, *key), tools)),
        _ => None,
    };
    if let Some(((first, first_key), (second, second_key))) = clash {
        context.push(
            Finding::new(
                Code::MixedTargets,
                second_key,
                format!("a rule with `{first}` and `{second}` matches nothing"),
            )
            .label("no request is both")
            .also(first_key, "the other")
            .help("write one rule for each"),
        );
    }
}

fn hint(table: &table::Rule, effect: Effect, context: &mut Context<'_>) -> Option<Hint> {
    let (hint, place) = table.hint.with_place()?;
    let (good, word, kind) = match effect {
        Effect::Allow => (matches!(hint, table::Hint::ReadOnly), "read-only", "allow"),
        Effect::Deny => (matches!(hint, table::Hint::Destructive), "destructive", "deny"),
    };
    if !good {
        context.push(
            Finding::new(Code::WrongHint, place, format!("this hint says nothing in `{kind}`"))
                .label("doubt must not open anything")
                .help(format!("write `hint = \"{word}\"`")),
        );
    }
    Some(match hint {
        table::Hint::Destructive => Hint::Destructive,
        table::Hint::ReadOnly => Hint::ReadOnly,
    })
}

/// Endpoints and servers that are named exactly must exist.
fn references(table: &table::Rule, anonymous: Option<&Item<Member>>, context: &mut Context<'_>) {
    let tables = context.tables;
    for (name, place) in exact(&table.endpoint) {
        if tables.endpoints.find(name).is_none() {
            let known = tables
                .endpoints
                .entries()
                .iter()
                .map(|entry| (entry.name.as_str(), entry.key));
            let finding = context.unknown(Code::UnknownEndpoint, place, name, "endpoint", "endpoint", known);
            context.push_some(finding);
        }
    }
    let whole = exact(&table.server);
    let parts = [&table.tool, &table.prompt, &table.resource]
        .into_iter()
        .flat_map(exact);
    let parts = parts.filter_map(|(name, place)| Some((name.split_once('/')?.0, place)));
    for (name, place) in whole.into_iter().chain(parts) {
        let Some(server) = tables.servers.find(name) else {
            let known = tables
                .servers
                .entries()
                .iter()
                .map(|entry| (entry.name.as_str(), entry.key));
            let finding = context.unknown(Code::UnknownServer, place, name, "server", "server", known);
            context.push_some(finding);
            continue;
        };
        let personal = matches!(server.value.credentials.get(), Some(table::Credentials::Personal));
        if let (Some(anonymous), true) = (anonymous, personal) {
            context.push(
                Finding::new(
                    Code::AnonymousPersonal,
                    place,
                    format!("nobody's credential opens `{name}`"),
                )
                .label("allowed here")
                .also(anonymous.place, "to callers without a name")
                .also(
                    server.value.credentials.place().unwrap_or(server.place),
                    "and each user needs an own credential",
                )
                .help("take the server out of this rule, or `anonymous` out of the role"),
            );
        }
    }
}

/// Values of `equal` and `in`, with their places.
fn exact(given: &Given<table::Condition>) -> Vec<(&str, Place)> {
    let Some(condition) = given.get() else {
        return Vec::new();
    };
    let equal = condition.equal.with_place();
    let within = condition.within.items().iter().map(|item| (&item.value, item.place));
    equal
        .into_iter()
        .chain(within)
        .filter_map(|(literal, place)| match literal {
            Literal::String(text) => Some((text.as_str(), place)),
            Literal::Boolean(_) | Literal::Integer(_) => None,
        })
        .collect()
}

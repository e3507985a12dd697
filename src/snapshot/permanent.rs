//! What the files would have to say so that a hold could be released.

use std::fmt::Write as _;

use super::{Role, Rule, Snapshot};
use crate::name::{Member, Principal, Target};

/// TOML for people to paste: a `deny` for each role that reaches it, or `members` without whom is held. Where no table names
/// it, a comment says so.
pub fn permanent(snapshot: &Snapshot, target: &Target) -> String {
    let text = match target {
        Target::Endpoint(name) => denied(snapshot, "endpoint", name.as_str(), |rule| {
            rule.endpoint
                .as_ref()
                .is_some_and(|endpoint| endpoint.holds(name.as_str()))
        }),
        Target::Server(name) => denied(snapshot, "server", name.as_str(), |rule| {
            rule.server.as_ref().is_none_or(|server| server.holds(name.as_str()))
        }),
        Target::Tool { server, tool } => {
            let path = format!("{server}/{tool}");
            denied(snapshot, "tool", &path, |rule| {
                let server_fits = rule.server.as_ref().is_none_or(|one| one.holds(server.as_str()));
                server_fits && rule.tool.as_ref().is_none_or(|tool| tool.holds(&path))
            })
        }
        Target::Group(name) => without(snapshot, &Member::Group(name.clone())),
        Target::Principal(Principal::Anonymous) => without(snapshot, &Member::Anonymous),
        Target::Principal(Principal::Service(name)) => without(snapshot, &Member::Service(name.clone())),
        Target::Principal(Principal::User(name)) => without(snapshot, &Member::User(name.clone())),
    };
    if text.is_empty() {
        return format!("# no role names `{target}`: take out what brings it in\n");
    }
    text
}

fn denied(snapshot: &Snapshot, key: &str, name: &str, reaches: impl Fn(&Rule) -> bool) -> String {
    let reaching = |role: &Role| role.allow.iter().any(&reaches);
    let mut out = String::new();
    for (role, _) in snapshot.roles.iter().filter(|(_, role)| reaching(role)) {
        // Writing into a String does not fail.
        let _ = writeln!(out, "[[role.{role}.deny]]\n{key} = {{ equal = {} }}", quoted(name));
    }
    out
}

fn without(snapshot: &Snapshot, member: &Member) -> String {
    let roles = snapshot
        .roles
        .iter()
        .map(|(name, role)| ("role", name.as_str(), &role.members));
    let groups = snapshot
        .groups
        .iter()
        .map(|(name, group)| ("group", name.as_str(), &group.members));
    let mut out = String::new();
    for (kind, name, members) in roles.chain(groups).filter(|(_, _, members)| members.contains(member)) {
        let left = members.iter().filter(|other| *other != member);
        let left: Vec<String> = left.map(|member| quoted(&member.to_string())).collect();
        let _ = writeln!(out, "[{kind}.{name}]\nmembers = [{}]", left.join(", "));
    }
    out
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

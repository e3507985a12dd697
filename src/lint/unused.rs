//! Tables that nothing refers to: forgotten, or misspelt elsewhere.

use super::Advice;
use crate::diag::Code;
use crate::name::{Member, PiiName};
use crate::snapshot::{Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    servers(snapshot, advice);
    roles(snapshot, advice);
    groups(snapshot, advice);
    filters(snapshot, advice);
}

fn servers(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    let used = |name| {
        let mut selections = snapshot.endpoints.values().flat_map(|endpoint| &endpoint.servers);
        selections.any(|selection| &selection.server == name)
    };
    for (name, _) in snapshot.servers.iter().filter(|(name, _)| !used(*name)) {
        advice.push(Advice {
            code: Code::UnusedServer,
            subject: Subject::Server(name.clone()),
            title: format!("no endpoint uses the server `{name}`"),
            label: "never asked",
            also: None,
            help: format!("add a table `[endpoint.NAME.server.{name}]`, or take the server away"),
        });
    }
}

fn roles(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (name, role) in &snapshot.roles {
        let (title, label, help) = match (role.members.is_empty(), role.allow.is_empty() && role.deny.is_empty()) {
            (true, _) => ("nobody has the role", "no members", "add `members = [\"group:…\"]`"),
            (false, true) => (
                "the role has no rules",
                "neither `allow` nor `deny`",
                "add an `[[role.NAME.allow]]` table",
            ),
            (false, false) => continue,
        };
        advice.push(Advice {
            code: Code::UnusedRole,
            subject: Subject::Role(name.clone()),
            title: format!("{title}: `{name}`"),
            label,
            also: None,
            help: help.replace("NAME", name.as_str()),
        });
    }
}

fn groups(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    let members = || {
        let roles = snapshot.roles.values().flat_map(|role| &role.members);
        roles.chain(snapshot.groups.values().flat_map(|group| &group.members))
    };
    for name in snapshot.groups.keys() {
        let named = members().any(|member| matches!(member, Member::Group(group) if **group == *name.as_str()));
        if !named {
            advice.push(Advice {
                code: Code::UnusedGroup,
                subject: Subject::Group(name.clone()),
                title: format!("no role or group names the group `{name}`"),
                label: "gives nothing",
                also: None,
                help: format!("add `\"group:{name}\"` to the `members` of a role, or take the group away"),
            });
        }
    }
}

fn filters(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    let endpoints = snapshot.endpoints.values().filter_map(|endpoint| endpoint.pii.as_ref());
    let servers = snapshot.servers.values().filter_map(|server| server.pii.as_ref());
    let used: Vec<&PiiName> = endpoints
        .flatten()
        .chain(servers)
        .chain(&snapshot.gateway.pii)
        .collect();
    for name in snapshot.pii.keys().filter(|name| !used.contains(name)) {
        advice.push(Advice {
            code: Code::UnusedPii,
            subject: Subject::Pii(name.clone()),
            title: format!("nothing uses the PII filter `{name}`"),
            label: "redacts nothing",
            also: None,
            help: format!("write `pii = \"{name}\"` in `[gateway]`, an endpoint or a server, or take the filter away"),
        });
    }
}

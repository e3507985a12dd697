//! `[group.NAME]`, and who members of groups and roles can be.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::config::grammar::Item;
use crate::diag::{Code, Finding};
use crate::name::{GroupName, Member};
use crate::snapshot::{Group, Subject};
use crate::text;

pub(super) fn groups(context: &mut Context<'_>) -> BTreeMap<GroupName, Group> {
    let mut groups = BTreeMap::new();
    for entry in context.tables.groups.entries() {
        context.origin(Subject::Group(entry.name.clone()), entry.place);
        for item in entry.value.members.items() {
            if matches!(item.value, Member::Anonymous | Member::Authenticated) {
                context.push(
                    Finding::new(
                        Code::InvalidMember,
                        item.place,
                        format!("`{}` cannot be in a group", item.value),
                    )
                    .label("only in a role")
                    .help("write it in the `members` of the roles themselves"),
                );
            }
        }
        members(entry.value.members.items(), context);
        let group = Group {
            members: entry.value.members.values().cloned().collect(),
        };
        groups.insert(entry.name.clone(), group);
    }
    cycles(context);
    groups
}

/// Members that no table and no identity provider can ever give.
pub(super) fn members(items: &[Item<Member>], context: &mut Context<'_>) {
    let tables = context.tables;
    let outside = tables.login.get().is_some_and(|login| login.oidc.is_given()) || !tables.issuers.entries().is_empty();
    for item in items {
        let finding = match &item.value {
            Member::Service(name) if tables.services.find(name.as_str()).is_none() => {
                let known = tables
                    .services
                    .entries()
                    .iter()
                    .map(|entry| (entry.name.as_str(), entry.key));
                context.unknown(
                    Code::UnknownService,
                    item.place,
                    name.as_str(),
                    "service",
                    "service",
                    known,
                )
            }
            Member::User(name) if !outside && tables.users.find(name).is_none() => {
                let known = tables
                    .users
                    .entries()
                    .iter()
                    .map(|entry| (entry.name.as_str(), entry.key));
                context.unknown(Code::UnknownMember, item.place, name, "local user", "user", known)
            }
            Member::Group(name) if !outside && !known_group(name, context) => {
                let known = tables
                    .groups
                    .entries()
                    .iter()
                    .map(|entry| (entry.name.as_str(), entry.key));
                context.unknown(Code::UnknownMember, item.place, name, "group", "group", known)
            }
            _ => continue,
        };
        // A member is written with what it is.
        let kind = item.value.to_string();
        let kind = kind.split(':').next().unwrap_or_default();
        context.push_some(finding.map(|mut finding| {
            finding.help = finding
                .help
                .map(|help| help.replace("write `", &format!("write `{kind}:")));
            finding
        }));
    }
}

fn known_group(name: &str, context: &Context<'_>) -> bool {
    let tables = context.tables;
    let users = tables
        .users
        .entries()
        .iter()
        .flat_map(|entry| entry.value.groups.values());
    let services = tables
        .services
        .entries()
        .iter()
        .flat_map(|entry| entry.value.groups.values());
    tables.groups.find(name).is_some() || users.chain(services).any(|group| group.0 == name)
}

/// One finding a cycle, at its first member in the order of the files.
fn cycles(context: &mut Context<'_>) {
    let entries = context.tables.groups.entries();
    let index: BTreeMap<&str, usize> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry.name.as_str(), at))
        .collect();
    let next: Vec<Vec<(usize, &Item<Member>)>> = entries
        .iter()
        .map(|entry| {
            let items = entry.value.members.items().iter();
            items
                .filter_map(|item| match &item.value {
                    Member::Group(name) => Some((*index.get(&**name)?, item)),
                    _ => None,
                })
                .collect()
        })
        .collect();
    let mut told = BTreeSet::new();
    for start in 0..entries.len() {
        let Some(path) = back_to(start, &next) else { continue };
        let members: BTreeSet<usize> = path.iter().map(|(group, _)| *group).collect();
        if !told.insert(members) {
            continue;
        }
        let names: Vec<&str> = path.iter().map(|(group, _)| entries[*group].name.as_str()).collect();
        let mut finding = Finding::new(
            Code::GroupCycle,
            path[0].1.place,
            format!("the groups {} contain one another", text::list(&names)),
        )
        .label("goes around")
        .help("take one of these members away");
        for (_, item) in &path[1..] {
            finding = finding.also(item.place, "and on");
        }
        context.push(finding);
    }
}

/// The shortest way from a group back to it: each group with the member that leads on.
fn back_to<'a>(start: usize, next: &[Vec<(usize, &'a Item<Member>)>]) -> Option<Vec<(usize, &'a Item<Member>)>> {
    let mut came: BTreeMap<usize, (usize, &Item<Member>)> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(group) = queue.pop_front() {
        for (to, item) in &next[group] {
            if *to == start {
                let mut path = vec![(group, *item)];
                let mut at = group;
                while at != start {
                    let (before, item) = came[&at];
                    path.push((before, item));
                    at = before;
                }
                path.reverse();
                return Some(path);
            }
            if *to != start && !came.contains_key(to) {
                came.insert(*to, (group, item));
                queue.push_back(*to);
            }
        }
    }
    None
}

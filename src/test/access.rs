//! One test of access, asked tool by tool.
//!
//! Patterns expand over the tools that the files know: those of the lock; for a server without one, those that the
//! endpoint selects by exact name, and those that the test itself names where the endpoint selects them.

use std::collections::BTreeSet;

use super::case::{Case, Wanted};
use super::failure::Failures;
use super::{Kind, Test, World};
use crate::name::ServerName;
use crate::snapshot::access::{Arguments, Decision, Object, Reason, Rights, Verdict, trace};
use crate::snapshot::{Endpoint, RuleId, Selection};
use crate::text;

pub(super) fn run(case: &Case, world: World<'_>, touched: &mut BTreeSet<RuleId>) -> Test {
    let endpoint = &world.snapshot.endpoints[&case.endpoint];
    let mut asking = Asking {
        case,
        world,
        rights: Rights::of(world.snapshot, &case.caller),
        touched,
        questions: 0,
    };
    let known = known(case, endpoint, world);
    let mut failures = Failures::new(case, world);
    let arguments = case.arguments.as_ref();
    for wanted in &case.allow {
        for tool in matching(wanted, &known, false, &mut failures) {
            match asking.ask(tool, arguments) {
                Decision::Allowed { .. } => {}
                decision => failures.not_allowed(wanted, tool.object(), &decision, arguments),
            }
        }
    }
    for wanted in &case.deny {
        for tool in matching(wanted, &known, case.unmatched_ok, &mut failures) {
            match asking.ask(tool, arguments) {
                Decision::Denied { .. } => {}
                decision => failures.not_denied(wanted, tool.object(), &decision),
            }
        }
    }
    let mut notes = Vec::new();
    if let Some((only, place)) = &case.only {
        let callable: Vec<(&Tool<'_>, Decision)> = known
            .iter()
            .map(|tool| (tool, asking.ask(tool, None)))
            .filter(|(_, decision)| decision.is_listed())
            .collect();
        for (tool, decision) in &callable {
            if !only.iter().any(|wanted| wanted.pattern.is_match(&tool.full_name)) {
                failures.not_only(*place, tool.object(), decision);
            }
        }
        for wanted in only {
            let is_match = |tool: &&Tool<'_>| wanted.pattern.is_match(&tool.full_name);
            if callable.iter().any(|(tool, _)| is_match(tool)) {
                continue;
            }
            match known.iter().find(is_match) {
                Some(tool) => failures.not_callable(wanted, tool.object(), &asking.ask(tool, None)),
                None => failures.unmatched(wanted),
            }
        }
        notes = unseen(endpoint, world);
    }
    Test {
        kind: Kind::Access,
        name: case.name.clone(),
        place: case.place,
        questions: asking.questions,
        outcome: failures.outcome(),
        notes,
    }
}

struct Tool<'a> {
    server: &'a ServerName,
    name: &'a str,
    /// `server/tool`
    full_name: String,
}

impl Tool<'_> {
    fn object(&self) -> Object<'_> {
        Object::Tool {
            server: self.server,
            tool: self.name,
        }
    }
}

/// The endpoint's selected tools, in its order.
fn known<'a>(case: &'a Case, endpoint: &'a Endpoint, world: World<'a>) -> Vec<Tool<'a>> {
    let mut known = Vec::new();
    for selection in &endpoint.servers {
        let lock = world.snapshot.locks.get(&selection.server).map(|lock| &**lock);
        let mut tools = selection.known_tools(lock);
        if lock.is_none() {
            tools.extend(named(case, selection));
        }
        known.extend(tools.into_iter().map(|name| Tool {
            server: &selection.server,
            name,
            full_name: format!("{}/{name}", selection.server),
        }));
    }
    known
}

/// Tools of the server that the test names without a glob.
fn named<'a>(case: &'a Case, selection: &'a Selection) -> impl Iterator<Item = &'a str> {
    let only = case.only.iter().flat_map(|(only, _)| only);
    let names = case.allow.iter().chain(&case.deny).chain(only);
    names
        .filter_map(|wanted| {
            wanted
                .pattern
                .literal()?
                .strip_prefix(selection.server.as_str())?
                .strip_prefix('/')
        })
        .filter(|tool| !tool.is_empty() && selection.tools.is_match(tool))
}

fn matching<'k, 'a>(
    wanted: &Wanted,
    known: &'k [Tool<'a>],
    unmatched_ok: bool,
    failures: &mut Failures<'_>,
) -> Vec<&'k Tool<'a>> {
    let found: Vec<_> = known
        .iter()
        .filter(|tool| wanted.pattern.is_match(&tool.full_name))
        .collect();
    if found.is_empty() && !unmatched_ok {
        failures.unmatched(wanted);
    }
    found
}

/// `only` cannot vouch for tools that nobody has written down.
fn unseen(endpoint: &Endpoint, world: World<'_>) -> Vec<String> {
    let open = |selection: &&Selection| !world.snapshot.locks.contains_key(&selection.server);
    let note = |selection: &Selection| {
        let glob = selection.tool_glob()?;
        Some(format!(
            "`only` does not see all tools of `{}`: `{}` selects them by glob, and the server is not locked",
            selection.server,
            text::safe(glob.as_str())
        ))
    };
    endpoint.servers.iter().filter(open).filter_map(note).collect()
}

struct Asking<'a> {
    case: &'a Case,
    world: World<'a>,
    rights: Rights,
    touched: &'a mut BTreeSet<RuleId>,
    questions: usize,
}

impl Asking<'_> {
    fn ask(&mut self, tool: &Tool<'_>, arguments: Option<&Arguments>) -> Decision {
        self.questions += 1;
        let decision = self.rights.decide(&self.case.endpoint, tool.object(), arguments);
        self.touch(tool, arguments, &decision);
        decision
    }

    /// A rule is touched where all its conditions hold of what was asked, and rules decide at all.
    fn touch(&mut self, tool: &Tool<'_>, arguments: Option<&Arguments>, decision: &Decision) {
        let held_back = matches!(
            decision,
            Decision::Denied {
                reason: Reason::NoCredential | Reason::NotLocked | Reason::NotSelected | Reason::UnsafeUri
            }
        );
        if held_back {
            return;
        }
        let (caller, endpoint) = (&self.case.caller, &self.case.endpoint);
        let considered = trace(self.world.snapshot, caller, endpoint, tool.object(), arguments);
        let matching = considered.into_iter().filter(|one| one.verdict == Verdict::Matches);
        self.touched.extend(matching.map(|one| one.rule));
    }
}

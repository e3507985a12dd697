//! Before files are applied: do the servers answer, and have they the tools that the files count on?
//!
//! Servers that are new or changed are asked, each in a conversation of its own that is over afterwards. A server that
//! stays as it is is not disturbed: what the new files newly ask of it is looked for in what it lists.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::name::ServerName;
use crate::serve::apply::{Answer, Answered, Event, Required};
use crate::serve::world::{Upstreams, World};
use crate::snapshot::{Auth, OAuthGrant, Server, Snapshot};
use crate::upstream::{Catalogue, CatalogueState, Context, Failure, FailureKind, survey};

/// For all servers together.
const LIMIT: Duration = Duration::from_secs(30);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// One line each; any of them refuses the files.
    pub(super) problems: Vec<String>,
    /// Servers that do not answer yet and need not.
    pub(super) passed: Vec<Answered>,
}

pub(super) async fn servers(
    next: &World,
    now: &World,
    running: &Upstreams,
    required: &Required,
    context: &Context,
    events: &mpsc::Sender<Event>,
) -> Found {
    let mut found = Found::default();
    let (mut asked, mut kept) = (Vec::new(), Vec::new());
    for (name, settings) in &next.settings {
        if now.settings.get(name) == Some(settings) {
            kept.push(name);
        } else {
            asked.push(settings.clone());
        }
    }
    tell(events, Event::Checking { servers: asked.len() });
    let deadline = Instant::now() + LIMIT;
    survey(asked, context, deadline, |name, outcome| {
        let answered = match outcome {
            Ok(catalogue) => {
                let lacking = lacking(&next.files.snapshot, None, name, catalogue);
                let answered = Answered::new(name, Answer::Answers, catalogue, lacking.first().cloned());
                found.problems.extend(lacking);
                answered
            }
            Err(failure) => failed(next, name, failure, required, &mut found),
        };
        tell(events, Event::Server(answered));
    })
    .await;
    let (new, old) = (&next.files.snapshot, &now.files.snapshot);
    for name in kept.into_iter().filter(|name| counts_on_more(new, old, name)) {
        let Some(upstream) = running.get(name) else { continue };
        // It may have been started a moment ago.
        let _late = timeout_at(deadline, upstream.first_catalogue()).await;
        let catalogue = upstream.catalogue();
        if catalogue.state == CatalogueState::Ready {
            found.problems.extend(lacking(new, Some(old), name, &catalogue));
        }
    }
    for name in &required.unreachable_ok {
        if !next.files.snapshot.servers.contains_key(name) {
            found
                .problems
                .push(format!("`--unreachable-ok {name}`: there is no such server"));
        }
    }
    found.problems.sort();
    found
}

fn failed(next: &World, name: &ServerName, failure: &Failure, required: &Required, found: &mut Found) -> Answered {
    let waits = next
        .files
        .snapshot
        .servers
        .get(name)
        .is_some_and(|server| waits_for_people(server));
    let reason = crate::text::safe(&failure.detail).into_owned();
    let (answer, passes) = if failure.kind == FailureKind::Unauthorized && waits {
        (Answer::NotAuthorizedYet, true)
    } else if required.unreachable_ok.contains(name) {
        (Answer::LetThrough, true)
    } else {
        (Answer::Failed, false)
    };
    let answered = Answered {
        server: name.to_string(),
        answer,
        tools: None,
        reason: Some(reason),
    };
    if passes {
        found.passed.push(answered.clone());
    } else {
        let detail = crate::text::safe(&failure.detail);
        found
            .problems
            .push(format!("server `{name}`: {}: {detail}", failure.kind.as_str()));
    }
    answered
}

/// Its credentials come from people, later: each their own, or an administrator's who authorizes it.
fn waits_for_people(server: &Server) -> bool {
    match server.auth.as_ref().map(|auth| &auth.auth) {
        Some(Auth::OAuth(table)) => table.grant == OAuthGrant::AuthorizationCode,
        Some(Auth::Bearer { token }) => token.is_none(),
        None => false,
    }
}

/// What the files count on and the server does not have; with `before`, only what those files did not count on.
fn lacking(snapshot: &Snapshot, before: Option<&Snapshot>, name: &ServerName, catalogue: &Catalogue) -> Vec<String> {
    let known = before.map(|before| named(before, name)).unwrap_or_default();
    let listed = |tool: &str| catalogue.tools.iter().find(|listed| &*listed.item.name == tool);
    let mut problems: Vec<String> = named(snapshot, name)
        .into_iter()
        .filter(|(_, tool)| listed(tool).is_none())
        .filter(|(_, tool)| !known.iter().any(|(_, known)| known == tool))
        .map(|(endpoint, tool)| {
            let tool = crate::text::safe(tool);
            format!("server `{name}` has no tool `{tool}`, which the endpoint `{endpoint}` selects")
        })
        .collect();
    let lock = snapshot.locks.get(name);
    let is_known = before.is_some_and(|before| before.locks.get(name) == lock);
    for (tool, locked) in lock.iter().filter(|_| !is_known).flat_map(|lock| lock.tools()) {
        let tool = &**tool;
        let safe = crate::text::safe(tool);
        match listed(tool).map(|listed| locked.differs(&listed.item.raw)) {
            Some(None) => {}
            None => problems.push(format!(
                "server `{name}`: the lock has the tool `{safe}`, and the server has not"
            )),
            Some(Some(difference)) => problems.push(format!(
                "server `{name}`: the tool `{safe}` is not as the lock has it: {}",
                difference.reason()
            )),
        }
    }
    problems
}

/// Do the files name tools, or have a lock, that the files before did not?
fn counts_on_more(snapshot: &Snapshot, before: &Snapshot, name: &ServerName) -> bool {
    let known = named(before, name);
    let names_more = named(snapshot, name)
        .iter()
        .any(|(_, tool)| !known.iter().any(|(_, known)| known == tool));
    names_more || snapshot.locks.get(name) != before.locks.get(name)
}

/// Endpoint and tool, for tools that are selected by their very name.
fn named<'a>(snapshot: &'a Snapshot, server: &ServerName) -> BTreeSet<(&'a str, &'a str)> {
    let mut named = BTreeSet::new();
    for (endpoint, table) in &snapshot.endpoints {
        for selection in table.servers.iter().filter(|selection| selection.server == *server) {
            let literals = selection.tools.with.iter().filter_map(|pattern| pattern.literal());
            let selected = literals.filter(|name| selection.tools.is_match(name));
            named.extend(selected.map(|name| (endpoint.as_str(), name)));
        }
    }
    named
}

impl Answered {
    fn new(name: &ServerName, answer: Answer, catalogue: &Catalogue, reason: Option<String>) -> Self {
        Self {
            server: name.to_string(),
            answer: if reason.is_some() { Answer::Failed } else { answer },
            tools: Some(catalogue.tools.len()),
            reason,
        }
    }
}

/// Who reads too slowly, or has gone, hears less.
fn tell(events: &mpsc::Sender<Event>, event: Event) {
    let _unheard = events.try_send(event);
}

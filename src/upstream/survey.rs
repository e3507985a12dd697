//! What servers list right now, asked once and outside of any generation: for the lock, and before a generation is applied.
//!
//! In come resolved settings, out comes for each server its catalogue or why there is none. What was opened or started
//! for it is over when the survey is.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use crate::name::ServerName;
use crate::upstream::catalogue::Catalogue;
use crate::upstream::conversation::Conversation;
use crate::upstream::core::{Core, Transport};
use crate::upstream::credentials::{can_be_authorized, everybodys};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::listing::list;
use crate::upstream::settings::{Context, Settings};

/// Servers that are asked at a time.
const PARALLEL: usize = 16;

/// By server: all pages of all its lists, with the bytes that it sent.
pub type Survey = BTreeMap<ServerName, Result<Catalogue, Failure>>;

/// Asks every server what it lists, in parallel. `told` hears of each as soon as its outcome is known; a server that has
/// not listed everything by `deadline`, or within its own `timeout` per request, failed.
pub async fn survey(
    servers: Vec<Settings>,
    context: &Context,
    deadline: Instant,
    mut told: impl FnMut(&ServerName, &Result<Catalogue, Failure>),
) -> Survey {
    let asked = servers.into_iter().map(|settings| async {
        let name = settings.name.clone();
        let outcome = ask(settings, context, deadline).await;
        (name, outcome)
    });
    let mut asked = stream::iter(asked).buffer_unordered(PARALLEL);
    let mut survey = Survey::new();
    while let Some((name, outcome)) = asked.next().await {
        told(&name, &outcome);
        survey.insert(name, outcome);
    }
    survey
}

async fn ask(settings: Settings, context: &Context, deadline: Instant) -> Result<Catalogue, Failure> {
    let credential = timeout_at(deadline, everybodys(&settings, context)).await;
    let late = |_| Failure::new(FailureKind::Timeout, &settings.name, "no token came in time");
    let credential = credential.map_err(late)??;
    let is_bare = credential.is_none();
    let transport = Transport::new(&settings, context)
        .map_err(|error| Failure::new(FailureKind::Unreachable, &settings.name, error.problem))?;
    let core = Arc::new(Core::new(settings.clone(), transport, credential));
    core.learn_version(core.settings.server.protocol);
    let conversation = Conversation::own(&core);
    let listing = async {
        let session = conversation.session().await?;
        Box::pin(list(&conversation, &session)).await
    };
    let late = |_| Err(core.failure(FailureKind::Timeout, "the lists did not come in time"));
    let listed = timeout_at(deadline, Box::pin(listing)).await.unwrap_or_else(late);
    conversation.end().await;
    if is_bare && matches!(&listed, Err(failure) if failure.kind == FailureKind::Unauthorized) {
        can_be_authorized(&settings, context).await?;
    }
    Ok(listed?.catalogue)
}

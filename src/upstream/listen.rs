//! The one `subscriptions/listen` stream of a modern conversation: changes of lists, and of all resources that anybody
//! is subscribed to. When the set changes, the new stream is open before the old one is closed.

use std::fmt::Write as _;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::mcp::{Era, Method, json};
use crate::upstream::call::{Messages, Reply};
use crate::upstream::conversation::{Conversation, Session};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::Greeting;
use crate::upstream::health::jitter;
use crate::upstream::request::Outgoing;

/// A stream is renewed after so long, if it lasts.
const LONG: Duration = Duration::from_secs(24 * 3_600);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Listens as long as this session of the conversation lives, if the server has anything to tell.
pub(super) fn start(conversation: &Arc<Conversation>, session: &Session) {
    let greeting = session.greeting();
    let lists = lists(greeting);
    if lists.is_empty() && !greeting.flag("resources", "subscribe") {
        return;
    }
    let task = tokio::spawn(follow(Arc::downgrade(conversation), lists));
    conversation.keep_listener(tokio_util::task::AbortOnDropHandle::new(task));
}

/// Members of `notifications` for the lists whose changes the server tells.
fn lists(greeting: &Greeting) -> String {
    let kinds = [
        ("tools", "toolsListChanged"),
        ("prompts", "promptsListChanged"),
        ("resources", "resourcesListChanged"),
    ];
    let told = kinds
        .iter()
        .filter(|(capability, _)| greeting.flag(capability, "listChanged"));
    told.map(|(_, kind)| format!("\"{kind}\":true"))
        .collect::<Vec<_>>()
        .join(",")
}

async fn follow(conversation: Weak<Conversation>, lists: String) {
    let Some(mut wanted) = conversation
        .upgrade()
        .map(|conversation| conversation.subscriptions.wanted())
    else {
        return;
    };
    let mut old: Option<Messages> = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(this) = conversation.upgrade() else { return };
        if this.live().is_none() {
            // The next session starts its own listener.
            return;
        }
        let state = *wanted.borrow_and_update();
        let uris = this.subscriptions.uris();
        if lists.is_empty() && uris.is_empty() {
            drop((old.take(), this));
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        }
        let opened = open(&this, &lists, &uris).await;
        let core = Arc::clone(&this.core);
        drop(this);
        let mut stream = match opened {
            Ok(stream) => stream,
            Err(failure) => {
                tracing::debug!(server = %core.name(), %failure, "no stream of changes");
                sleep(jitter(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        // Ends the stream that this one replaces.
        drop(old.take());
        if let Some(this) = conversation.upgrade() {
            this.subscriptions.acknowledge(state);
        }
        let mut batch = Vec::new();
        loop {
            let more = tokio::select! {
                more = stream.next_batch(&mut batch) => more,
                changed = wanted.changed() => match changed {
                    Ok(()) => { old = Some(stream); break; }
                    Err(_) => return,
                },
            };
            let Some(this) = conversation.upgrade() else { return };
            batch.drain(..).for_each(|message| this.hear_bytes(&message));
            if !matches!(more, Ok(true)) {
                // What changed until the next stream is open is not told.
                core.suspect();
                drop(this);
                sleep(jitter(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                break;
            }
            pause = FIRST_PAUSE;
        }
    }
}

/// Returns when the server has acknowledged the stream by its first message.
async fn open(conversation: &Arc<Conversation>, lists: &str, uris: &[String]) -> Result<Messages, Failure> {
    let mut filter = lists.to_owned();
    if !uris.is_empty() {
        let uris: Vec<String> = uris.iter().map(|uri| json::quote(uri)).collect();
        let comma = if filter.is_empty() { "" } else { "," };
        let _ = write!(filter, "{comma}\"resourceSubscriptions\":[{}]", uris.join(","));
    }
    let core = &conversation.core;
    let params = format!("\"notifications\":{{{filter}}}");
    let outgoing = Outgoing::own(
        core,
        Era::Modern,
        Method::SubscriptionsListen,
        &params,
        Instant::now() + LONG,
    );
    // The stream lasts; its acknowledgement may not.
    let late = |_| {
        core.failure(
            FailureKind::Timeout,
            "`subscriptions/listen` was not acknowledged in time",
        )
    };
    let opened = timeout(core.settings.limits.timeout, conversation.send(outgoing, Era::Modern))
        .await
        .map_err(late)??;
    match opened {
        Reply::Messages(messages) => Ok(messages),
        Reply::Json { .. } => Err(core.failure(
            FailureKind::Protocol,
            "`subscriptions/listen` was answered at once, without a stream",
        )),
    }
}

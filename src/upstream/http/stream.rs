//! The standing GET stream of a legacy session, on which the server sends what belongs to no call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::upstream::conversation::Conversation;
use crate::upstream::core::Transport;
use crate::upstream::health::jitter;
use crate::upstream::http::Stamp;
use crate::upstream::http::answer::{Content, content};
use crate::upstream::http::events::{is_message, parser};

const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Runs until the session is dropped, is lost, or the server turns out to offer no such stream.
pub(super) fn open(conversation: &Arc<Conversation>, stamp: &Stamp, lost: &Arc<AtomicBool>) -> AbortOnDropHandle<()> {
    let (conversation, stamp, lost) = (Arc::downgrade(conversation), stamp.clone(), Arc::clone(lost));
    AbortOnDropHandle::new(tokio::spawn(follow(conversation, stamp, lost)))
}

async fn follow(conversation: Weak<Conversation>, stamp: Stamp, lost: Arc<AtomicBool>) {
    let mut behind: Option<Bytes> = None;
    let (mut retry, mut failures) = (RETRY, 0_u32);
    loop {
        let Some(core) = conversation
            .upgrade()
            .map(|conversation| Arc::clone(&conversation.core))
        else {
            return;
        };
        let Transport::Http(server) = &core.transport else {
            return;
        };
        if let Ok(response) = server
            .get(&core, &stamp, behind.as_ref(), Instant::now() + LONGEST_RETRY)
            .await
        {
            match (response.status(), content(response.headers())) {
                (StatusCode::OK, Content::Events) => {}
                // MCP 2025-11-25, Listening for Messages: 405 where a server offers none.
                (StatusCode::NOT_FOUND, _) => {
                    if stamp.id.is_some() {
                        lost.store(true, Ordering::Release);
                    }
                    return;
                }
                (status, _) if status.is_client_error() || status.is_success() || status.is_redirection() => return,
                _ => {
                    failures += 1;
                    sleep(jitter(pause(retry, failures))).await;
                    continue;
                }
            }
            failures = 0;
            let mut body = response.into_body();
            let mut parser = parser(core.settings.limits.response_body);
            while let Some(Ok(frame)) = body.frame().await {
                let Ok(data) = frame.into_data() else { continue };
                parser.feed(data);
                for event in parser.by_ref() {
                    let Ok(event) = event else { return };
                    if let Some(id) = &event.id {
                        behind = (!id.is_empty()).then(|| id.clone());
                    }
                    if let Some(millis) = event.retry {
                        retry = Duration::from_millis(millis).min(LONGEST_RETRY);
                    }
                    if is_message(&event) {
                        let Some(conversation) = conversation.upgrade() else {
                            return;
                        };
                        conversation.hear_bytes(&event.data);
                    }
                }
            }
            // What changed while nobody listened is not told again.
            core.suspect();
        } else {
            failures += 1;
        }
        sleep(jitter(pause(retry, failures))).await;
    }
}

fn pause(retry: Duration, failures: u32) -> Duration {
    retry
        .max(Duration::from_millis(50))
        .saturating_mul(1 << failures.min(6))
        .min(LONGEST_RETRY)
}

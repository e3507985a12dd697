//! The token that a process was started with, and another one in its place when that has come.
//!
//! A process cannot be given another token, so it is replaced: at once where it has nothing to do, else when its token has ended. What
//! it still does then it finishes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::upstream::conversation::{Conversation, Session};
use crate::upstream::failure::Failure;

const PAUSE: Duration = Duration::from_millis(50);

impl Conversation {
    /// Can the next call go to this session? Where not, it is no longer the conversation's. Over HTTP always: each request carries
    /// the token that counts. An error where there is no token any more.
    pub(in crate::upstream) async fn has_its_token(self: &Arc<Self>, session: &Arc<Session>) -> Result<bool, Failure> {
        let (Session::Stdio(process), Some(holder)) = (&**session, &self.core.credential) else {
            return Ok(true);
        };
        let now = holder.token().await?;
        let Some(started) = process.token().filter(|started| started.value != now.value) else {
            return Ok(true);
        };
        let is_idle = self.in_flight() == 0;
        if !is_idle && started.counts() {
            return Ok(true);
        }
        tracing::info!(server = %self.core.name(), "the token was refreshed: a process is started anew with it");
        self.lose(session);
        if is_idle {
            process.stop().await;
        } else {
            let (session, deadline) = (Arc::clone(session), Instant::now() + self.core.settings.limits.timeout);
            tokio::spawn(async move {
                while session.is_busy() && Instant::now() < deadline {
                    sleep(PAUSE).await;
                }
            });
        }
        Ok(false)
    }
}

impl Session {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Stdio(process) if process.is_busy())
    }
}

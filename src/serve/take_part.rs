//! The part of a replica in what another proposes, and what it takes from the store when it has missed the word.

use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep};

use crate::serve::adopt::{Ready, Reason};
use crate::serve::agree::{LOOK, Proposal, SETTLE};
use crate::serve::apply::{Outcome, Required};
use crate::serve::changes;
use crate::serve::files;
use crate::serve::follow::{Follower, GATEWAY};
use crate::serve::live::Failure;
use crate::serve::replicas::Group;
use crate::serve::running;
use crate::store::{Generations as _, How};

/// How soon a generation that could not be taken is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Reasons that one replica tells, and characters of each.
const MAX_REASONS: usize = 64;
const MAX_REASON: usize = 1_000;

/// What a replica did about others' changes.
#[derive(Default)]
pub(super) struct Known {
    /// The proposal that was answered last.
    pub(super) answered: Option<String>,
    /// The generation that could not be taken, and when it is tried again.
    failed: Option<(u64, Instant)>,
}

impl Follower {
    /// What others have decided, or propose. False: there was nothing to do.
    pub(super) async fn follow_others(&mut self, group: &Group) -> bool {
        // That the store is away is told by the beat.
        let Ok(look) = group.store.look().await else {
            return false;
        };
        if let Some(id) = look.proposal.filter(|id| self.known.answered.as_ref() != Some(id)) {
            self.take_part(group, &id).await;
        } else if look.newest > self.live.served().generation {
            self.catch_up(group, look.newest).await;
        } else {
            return false;
        }
        true
    }

    /// Makes this replica ready for what another proposes, says so, and does what is decided.
    async fn take_part(&mut self, group: &Group, id: &str) {
        let body = match group.store.proposed(id).await {
            Ok(Some(body)) => body,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "what another replica proposes cannot be read");
                return;
            }
        };
        self.known.answered = Some(id.to_owned());
        let proposal: Proposal = match serde_json::from_slice(&body) {
            Ok(proposal) => proposal,
            Err(error) => {
                tracing::error!(%error, "another replica proposes what this version does not read");
                let version = env!("CARGO_PKG_VERSION");
                let failure =
                    Failure::of_problems(vec![format!("mcpgw {version} cannot read what is proposed: {error}")]);
                answer(group, id, Some(&failure)).await;
                return;
            }
        };
        let (by, how) = (proposal.by.clone(), proposal.how);
        let failure = match self.prepare(proposal).await {
            Ok(Ready::Prepared(prepared)) => {
                if answer(group, id, None).await && is_decided(group, id).await {
                    let outcome = self.adopter.commit(*prepared, &by, how).await;
                    self.tell(&by, &outcome);
                    let _told_again = group.beat(&self.live).await;
                    return;
                }
                prepared.discard();
                Failure::of_problems(vec![
                    "not every replica was ready, or who asked for it has gone".to_owned(),
                ])
            }
            // The number of a proposal is never that of what is served.
            Ok(Ready::Unchanged { .. }) => return,
            Err(failure) => {
                answer(group, id, Some(&failure)).await;
                failure
            }
        };
        let outcome = Outcome::Refused(failure);
        self.tell(&by, &outcome);
        let generation = self.live.gate.generation();
        changes::refused(generation.recording.log(), &outcome, &by, how).await;
    }

    async fn prepare(&mut self, proposal: Proposal) -> Result<Ready, Failure> {
        let locked = proposal.locked || self.locked;
        let compiled =
            tokio::task::spawn_blocking(move || (files::of_bundle(&proposal.bundle, locked), proposal)).await;
        let (files, proposal) = compiled.map_err(|error| Failure::of_problems(vec![error.to_string()]))?;
        let files = files.map_err(|refused| Failure::of_findings(&refused))?;
        let servers = proposal.unreachable_ok.as_ref().map(Required::of).transpose();
        let servers = servers.map_err(|problem| Failure::of_problems(vec![problem]))?;
        // Nobody reads along here: whoever asked is at another replica.
        let (events, _unread) = mpsc::channel(1);
        let reason = Reason {
            by: &proposal.by,
            how: proposal.how,
            waiting: Some(&events),
            servers: servers.as_ref(),
        };
        self.adopter.prepare(files, &reason, Some(proposal.generation)).await
    }

    /// The newest generation was decided without this replica.
    async fn catch_up(&mut self, group: &Group, newest: u64) {
        if self
            .known
            .failed
            .is_some_and(|(number, again)| number == newest && Instant::now() < again)
        {
            return;
        }
        let outcome = match self.take_newest(group).await {
            Ok(outcome) => outcome,
            Err((failure, by, how)) => {
                let is_known = self.live.report().failure.as_ref() == Some(&failure);
                let outcome = Outcome::Refused(failure.clone());
                if !is_known {
                    self.tell(&by, &outcome);
                    let generation = self.live.gate.generation();
                    changes::refused(generation.recording.log(), &outcome, &by, how).await;
                }
                self.live.update(|report| report.failure = Some(failure));
                self.known.failed = Some((newest, Instant::now() + AGAIN));
                return;
            }
        };
        self.known.failed = None;
        self.live.update(|report| report.failure = None);
        if let Outcome::Swapped { generation, .. } = outcome {
            tracing::info!(generation, "took the newest generation of the store");
        }
        let _told_again = group.beat(&self.live).await;
    }

    async fn take_newest(&mut self, group: &Group) -> Result<Outcome, (Failure, String, How)> {
        let by = GATEWAY;
        let unread = |problem: String| (Failure::of_problems(vec![problem]), by.to_owned(), How::Apply);
        let kept = group.store.newest().await.map_err(|error| unread(error.to_string()))?;
        let kept = kept.ok_or_else(|| unread("the store has no generation any more".to_owned()))?;
        let bundle = running::bundle_of(&kept).map_err(unread)?;
        let (head, locked) = (kept.head, self.locked);
        let compiled = tokio::task::spawn_blocking(move || files::of_bundle(&bundle, locked)).await;
        let why = |failure| (failure, head.by.clone(), head.how);
        let files = compiled
            .map_err(|error| Failure::of_problems(vec![error.to_string()]))
            .and_then(|files| files.map_err(|refused| Failure::of_findings(&refused)))
            .map_err(why)?;
        let reason = Reason {
            by: &head.by,
            how: head.how,
            waiting: None,
            servers: None,
        };
        match self
            .adopter
            .prepare(files, &reason, Some(head.generation))
            .await
            .map_err(why)?
        {
            Ready::Prepared(prepared) => Ok(self.adopter.commit(*prepared, &head.by, head.how).await),
            Ready::Unchanged { generation } => Ok(Outcome::Unchanged { generation }),
        }
    }
}

/// False: it has come too late.
async fn answer(group: &Group, id: &str, failure: Option<&Failure>) -> bool {
    let reasons = failure.map(|failure| {
        let found = failure
            .findings
            .iter()
            .map(|told| format!("{}: {} [{}]", told.place, told.title, told.code));
        let all = found.chain(failure.problems.iter().cloned()).take(MAX_REASONS);
        let all: Vec<String> = all.map(|reason| reason.chars().take(MAX_REASON).collect()).collect();
        serde_json::to_vec(&all).unwrap_or_default()
    });
    match group.store.answer(id, &group.id, reasons.as_deref()).await {
        Ok(is_in_time) => is_in_time,
        Err(error) => {
            tracing::error!(%error, "the other replicas do not hear whether this one is ready");
            false
        }
    }
}

/// Waits until it is committed or has gone.
async fn is_decided(group: &Group, id: &str) -> bool {
    let mut heard = Instant::now();
    loop {
        match group.store.look().await {
            Ok(look) if look.committed.as_deref() == Some(id) => return true,
            Ok(look) if look.proposal.as_deref() != Some(id) => return false,
            Ok(_) => heard = Instant::now(),
            // Decided or not, it is learnt from the newest generation.
            Err(_) if heard.elapsed() > SETTLE => return false,
            Err(_) => {}
        }
        sleep(LOOK).await;
    }
}

//! How several gateways change together: one proposes, each makes itself ready or says why not, then all swap or none does.
//!
//! Whoever was asked proposes. A replica that is ready waits for the word and does nothing else meanwhile; the word is one
//! write in the store, and who misses it takes the newest generation of the store afterwards. A proposer that is gone
//! takes its proposal with it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::config::Bundle;
use crate::name::ServerName;
use crate::serve::adopt::{Ready, Reason, given_up};
use crate::serve::apply::{Apply, Event, Outcome, Required};
use crate::serve::files::Files;
use crate::serve::follow::Follower;
use crate::serve::live::Failure;
use crate::serve::replicas::{Group, random};
use crate::store::{Answers, Committed, How, New, Proposed};

/// How often the others are looked at.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// For each replica to make itself ready: its servers have 30 seconds.
const ANSWER: Duration = Duration::from_secs(45);
/// For another's change to end, when one waits for its turn.
const TURN: Duration = Duration::from_secs(60);
/// For every replica to swap once it is decided, and for a store that went away to say what was decided.
pub(super) const SETTLE: Duration = Duration::from_secs(10);

/// What is proposed, for replicas of this version and later ones.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Proposal {
    /// Of the replica that proposes.
    pub(super) replica: String,
    /// The number that it will have.
    pub(super) generation: u64,
    pub(super) by: String,
    pub(super) how: How,
    pub(super) locked: bool,
    /// Those that need not answer; `None`: none needs to.
    pub(super) unreachable_ok: Option<BTreeSet<String>>,
    pub(super) bundle: Bundle,
}

impl Follower {
    /// Changes all replicas, or none.
    pub(super) async fn apply_to_all(
        &mut self,
        group: &Group,
        apply: &Apply,
        files: &Files,
        by: &str,
        events: &mpsc::Sender<Event>,
    ) -> Outcome {
        let reason = Reason {
            by,
            how: apply.how,
            waiting: Some(events),
            servers: apply.servers.as_ref(),
        };
        // Secrets and certificates may have changed here, which is nobody else's matter.
        if files.is_same(&self.adopter.world.files) {
            let outcome = self.adopter.adopt(files.clone(), &reason).await;
            return outcome.unwrap_or_else(Outcome::Refused);
        }
        let deadline = Instant::now() + TURN;
        loop {
            let served = self.live.served();
            if *apply.base != *served.digest {
                return self.stale();
            }
            if events.is_closed() || Instant::now() > deadline {
                return refused("other changes are under way, one after the other: try again later".to_owned());
            }
            let proposed = match self.propose(group, apply, by, served.generation).await {
                Ok(proposed) => proposed,
                Err(problem) => return refused(problem),
            };
            match proposed {
                (Proposed::Yes, id) => {
                    return self.agree(group, &id, files.clone(), served.generation, &reason).await;
                }
                (Proposed::Busy | Proposed::Moved, _) => {
                    self.follow_others(group).await;
                    sleep(LOOK).await;
                }
            }
        }
    }

    pub(super) fn stale(&self) -> Outcome {
        let served = self.live.served();
        let reason = format!(
            "the gateway has moved on to generation {}, digest {}",
            served.generation, served.digest
        );
        Outcome::Stale { reason }
    }

    async fn propose(
        &mut self,
        group: &Group,
        apply: &Apply,
        by: &str,
        after: u64,
    ) -> Result<(Proposed, String), String> {
        let id = random()?;
        let proposal = Proposal {
            replica: group.id.clone(),
            generation: after + 1,
            by: by.to_owned(),
            how: apply.how,
            locked: apply.locked || self.locked,
            unreachable_ok: apply.servers.as_ref().map(Required::names),
            bundle: apply.bundle.clone(),
        };
        let body = serde_json::to_vec(&proposal).map_err(|error| error.to_string())?;
        let proposed = group.store.propose(&id, after, &body).await;
        // Nobody takes part in one's own.
        self.known.answered = Some(id.clone());
        Ok((proposed.map_err(|error| error.to_string())?, id))
    }

    /// From a proposal to the swap on all, or to nothing.
    async fn agree(&mut self, group: &Group, id: &str, files: Files, after: u64, reason: &Reason<'_>) -> Outcome {
        let ready = tokio::select! {
            ready = self.adopter.prepare(files, reason, Some(after + 1)) => ready,
            () = look_after(group, id) => Err(lost()),
        };
        let prepared = match ready {
            Ok(Ready::Prepared(prepared)) => prepared,
            Ok(Ready::Unchanged { generation }) => {
                abandon(group, id).await;
                return Outcome::Unchanged { generation };
            }
            Err(failure) => {
                abandon(group, id).await;
                return Outcome::Refused(failure);
            }
        };
        let decided = match prepared.kept(reason) {
            Ok(new) => decide(group, id, after, &new, reason).await,
            Err(problem) => Err(refused(problem)),
        };
        if let Err(outcome) = decided {
            if !matches!(outcome, Outcome::Unknown { .. }) {
                abandon(group, id).await;
            }
            prepared.discard();
            return outcome;
        }
        let outcome = self.adopter.commit(*prepared, reason.by, reason.how).await;
        match outcome {
            Outcome::Swapped {
                generation,
                digest,
                servers,
                ..
            } => Outcome::Swapped {
                behind: self.wait_for_all(group, generation).await,
                generation,
                digest,
                servers,
            },
            other => other,
        }
    }

    /// Names of those that have not swapped in time; they do so when they can.
    async fn wait_for_all(&self, group: &Group, generation: u64) -> Vec<String> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let behind: Vec<String> = match group.beat(&self.live).await {
                Ok(all) => all
                    .iter()
                    .filter(|replica| replica.follows == "applies" && replica.generation < generation)
                    .map(|replica| group.name(&replica.id))
                    .collect(),
                Err(error) => vec![format!("nobody knows which, since {error}")],
            };
            if behind.is_empty() || Instant::now() > deadline {
                return behind;
            }
            sleep(LOOK).await;
        }
    }
}

impl Required {
    pub(super) fn of(names: &BTreeSet<String>) -> Result<Self, String> {
        let names = names.iter().map(|name| ServerName::new(name));
        let unreachable_ok = names
            .collect::<Result<_, _>>()
            .map_err(|_| "what may be unreachable is no name of a server".to_owned())?;
        Ok(Self { unreachable_ok })
    }

    fn names(&self) -> BTreeSet<String> {
        self.unreachable_ok.iter().map(ToString::to_string).collect()
    }
}

/// Waits for everybody's answer; `Ok`: it is committed for all.
async fn decide(group: &Group, id: &str, after: u64, new: &New, reason: &Reason<'_>) -> Result<(), Outcome> {
    let deadline = Instant::now() + ANSWER;
    let told = group.store.answer(id, &group.id, None).await;
    told.map_err(|error| refused(error.to_string()))?;
    loop {
        if reason.waiting.is_some_and(mpsc::Sender::is_closed) {
            return Err(Outcome::Refused(given_up()));
        }
        match group.store.answers(id).await {
            Ok(None) => return Err(Outcome::Refused(lost())),
            Err(error) if Instant::now() > deadline => return Err(refused(error.to_string())),
            // It may answer again before the proposal has gone.
            Err(_) => {}
            Ok(Some(answers)) => {
                let silent: Vec<&String> = answers
                    .live
                    .iter()
                    .filter(|id| !answers.given.contains_key(*id))
                    .collect();
                if silent.is_empty() {
                    no_refusal(group, &answers)?;
                    match commit(group, id, after, new).await? {
                        Committed::Yes => return Ok(()),
                        Committed::Lost => return Err(Outcome::Refused(lost())),
                        Committed::Moved => {
                            let reason = "the store has moved to a newer generation".to_owned();
                            return Err(Outcome::Stale { reason });
                        }
                        // Somebody has come.
                        Committed::NotReady => {}
                    }
                } else if Instant::now() > deadline {
                    let mut problems: Vec<String> = refusals(group, &answers);
                    problems.extend(silent.into_iter().map(|id| {
                        let seconds = ANSWER.as_secs();
                        format!(
                            "replica {} has not said within {seconds} s whether it is ready",
                            group.name(id)
                        )
                    }));
                    return Err(Outcome::Refused(Failure::of_problems(problems)));
                }
            }
        }
        sleep(LOOK).await;
    }
}

/// Whether it happened is asked again where the store does not say so.
async fn commit(group: &Group, id: &str, after: u64, new: &New) -> Result<Committed, Outcome> {
    let error = match group.store.commit(id, after, new.clone()).await {
        Ok(committed) => return Ok(committed),
        Err(error) => error,
    };
    let deadline = Instant::now() + SETTLE;
    while Instant::now() < deadline {
        // Once it is abandoned, a commit that is still on its way finds nothing.
        if group.store.abandon(id).await.is_ok()
            && let Ok(look) = group.store.look().await
        {
            return if look.committed.as_deref() == Some(id) {
                Ok(Committed::Yes)
            } else {
                Err(refused(error.to_string()))
            };
        }
        sleep(LOOK).await;
    }
    Err(Outcome::Unknown {
        reason: format!("the replicas had all agreed, then the store went away: {error}"),
    })
}

fn no_refusal(group: &Group, answers: &Answers) -> Result<(), Outcome> {
    let problems = refusals(group, answers);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Outcome::Refused(Failure::of_problems(problems)))
    }
}

/// Of those that are there, each with the replica's name.
fn refusals(group: &Group, answers: &Answers) -> Vec<String> {
    let refused = answers
        .live
        .iter()
        .filter_map(|id| Some((id, answers.given.get(id)?.as_ref()?)));
    refused
        .flat_map(|(id, bytes)| {
            let reasons: Vec<String> = serde_json::from_slice(bytes).unwrap_or_default();
            let reasons = if reasons.is_empty() {
                vec!["it gives no reason".to_owned()]
            } else {
                reasons
            };
            let name = group.name(id);
            reasons
                .into_iter()
                .map(move |reason| format!("replica {name}: {reason}"))
        })
        .collect()
}

/// Ends when the proposal has gone.
async fn look_after(group: &Group, id: &str) {
    loop {
        sleep(LOOK).await;
        if matches!(group.store.answers(id).await, Ok(None)) {
            return;
        }
    }
}

/// Where this fails it goes by itself.
async fn abandon(group: &Group, id: &str) {
    if let Err(error) = group.store.abandon(id).await {
        tracing::warn!(%error, "a proposal is left to expire");
    }
}

fn lost() -> Failure {
    let why = "the store was away for too long while the replicas made themselves ready";
    Failure::of_problems(vec![why.to_owned()])
}

fn refused(problem: String) -> Outcome {
    Outcome::Refused(Failure::of_problems(vec![problem]))
}

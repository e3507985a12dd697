//! Holds: what an administrator takes away at once, and what only a release gives back.
//!
//! They stand in the store, so that they survive restart, apply and rollback; every decision looks at a copy in memory, which follows
//! the store's mirror. A hold that cannot be read lets nobody in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::Line;
use crate::auth::audit;
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::request::World;
use crate::auth::server::Auth;
use crate::name::{Caller, Principal, Target};
use crate::snapshot::Snapshot;
use crate::snapshot::access::{Holds, LiveHolds};
use crate::store::{Expect, Kind, Mirror};
use crate::text::safe;

/// Bytes of a reason.
pub const MAX_REASON: usize = 1024;

/// Something that is held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hold {
    pub target: Target,
    /// Who held it, as history names them.
    pub by: String,
    pub reason: Option<String>,
    pub since: Timestamp,
}

/// What is remembered of it; its key is the target.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told {
    by: String,
    reason: Option<String>,
    since: Timestamp,
}

/// The copy that decides.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) mirror: Arc<Mirror>,
    live: Arc<LiveHolds>,
    /// One stands in the store that this version cannot read.
    is_unreadable: AtomicBool,
}

impl Held {
    pub(super) fn new(mirror: Arc<Mirror>) -> Self {
        let held = Self {
            mirror,
            live: LiveHolds::new(Holds::default()),
            is_unreadable: AtomicBool::new(false),
        };
        held.follow();
        held
    }

    /// `false`: nothing has changed.
    fn follow(&self) -> bool {
        let keys = self.mirror.all(Kind::Hold);
        let targets: Vec<Option<Target>> = keys.iter().map(|(key, _)| Target::parse(key)).collect();
        let is_unreadable = targets.iter().any(Option::is_none);
        let was_unreadable = self.is_unreadable.swap(is_unreadable, Ordering::Relaxed);
        if is_unreadable && !was_unreadable {
            tracing::error!("the store has a hold of a kind that this version does not know: nobody is let in");
        }
        self.live.set(Holds::new(targets.into_iter().flatten()))
    }
}

impl Auth {
    /// What is held now, for who decides.
    pub fn held(&self) -> &Arc<LiveHolds> {
        &self.held.live
    }

    /// False: nobody can say what is held, so nobody is let in.
    pub fn knows_holds(&self) -> bool {
        self.held.mirror.is_current() && !self.held.is_unreadable.load(Ordering::Relaxed)
    }

    /// To be called when the store's mirror has changed. Gives what is held then.
    pub fn follow_holds(&self, snapshot: &Snapshot) -> Arc<Holds> {
        let is_new = self.held.follow();
        let holds = self.held.live.now();
        if is_new {
            let is_held = |caller: &Caller| holds.on_caller(snapshot, caller).is_some();
            self.grants
                .cut(|grant| grant.caller(snapshot).is_none_or(|caller| is_held(&caller)));
        }
        holds
    }

    /// All of them, by target. From memory.
    pub fn holds(&self) -> Vec<Hold> {
        let all = self.held.mirror.all(Kind::Hold).into_iter();
        all.filter_map(|(key, record)| {
            // What is told of it may be unreadable: it holds all the same.
            let told = record::read::<Told>(&record, "a hold").inspect_err(Problem::log).ok();
            Some(Hold {
                target: Target::parse(&key)?,
                by: told.as_ref().map_or("somebody", |told| &*told.by).to_owned(),
                since: told.as_ref().map_or(Timestamp::UNIX_EPOCH, |told| told.since),
                reason: told.and_then(|told| told.reason),
            })
        })
        .collect()
    }

    /// Confirmed when this returns; a person's grants have ended then. Returns how many did. Where it is held already, the new
    /// reason counts.
    pub async fn hold(
        &self,
        world: &dyn World,
        target: &Target,
        reason: Option<&str>,
        by: &str,
    ) -> Result<usize, String> {
        self.try_hold(world, target, reason, by)
            .await
            .map_err(|problem| public(&problem))
    }

    async fn try_hold(
        &self,
        world: &dyn World,
        target: &Target,
        reason: Option<&str>,
        by: &str,
    ) -> Result<usize, Problem> {
        let told = Told {
            by: by.to_owned(),
            reason: reason.map(|reason| safe(reason).into_owned()),
            since: Timestamp::now(),
        };
        let (key, value) = (target.to_string(), record::written(&told)?);
        self.records.put(Kind::Hold, &key, Expect::Any, &value, None).await?;
        self.follow_holds(world.snapshot());
        audit::after(world, line("hold", target, reason, by)).await;
        // One of the two that fails keeps the other from nothing.
        let sessions = match target {
            Target::Principal(principal) => self.end_sessions(principal).await,
            _ => Ok(()),
        };
        let ended = self.end_grants(world, target, by).await?;
        sessions.map(|()| ended)
    }

    /// Returns how many ended.
    async fn end_grants(&self, world: &dyn World, target: &Target, by: &str) -> Result<usize, Problem> {
        let Target::Principal(Principal::User(user)) = target else {
            return Ok(0);
        };
        let mut ended = 0;
        for grant in self.grants.list().await?.iter().filter(|grant| grant.user == *user) {
            if self.grants.remove(&grant.id).await? {
                audit::after(world, audit::grant("grant-revoked", grant, by)).await;
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// Confirmed when this returns; `false`: it was not held.
    pub async fn release(&self, world: &dyn World, target: &Target, by: &str) -> Result<bool, String> {
        let key = target.to_string();
        // What began while the hold was not known everywhere ends too.
        if let Target::Principal(principal) = target
            && self.held.mirror.find(Kind::Hold, &key).is_some()
        {
            self.end_sessions(principal).await.map_err(|problem| public(&problem))?;
        }
        let removed = self.records.remove(Kind::Hold, &key, Expect::Any).await;
        let was_held = removed.map_err(|error| public(&error.into()))?;
        if was_held {
            self.follow_holds(world.snapshot());
            audit::after(world, line("release", target, None, by)).await;
        }
        Ok(was_held)
    }
}

fn line(event: &str, target: &Target, reason: Option<&str>, by: &str) -> Line {
    let line = Line::new(event, Timestamp::now())
        .text("what", &safe(&target.to_string()))
        .text("by", by);
    match reason {
        Some(reason) => line.text("reason", &safe(reason)),
        None => line,
    }
}

fn public(problem: &Problem) -> String {
    problem.log();
    problem.public().to_owned()
}

//! Does the session that would run a call still list what was reviewed?
//!
//! Asked for pinned servers only: a session is listed before the first call of a pinned thing, again after it said that
//! its lists changed, and when what it listed is old. In comes a lock, out comes the reason why something is held back.
//! What always holds: a call that was let through goes to the very session that was compared.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout_at};

use crate::lock::Lock;
use crate::mcp::Method;
use crate::snapshot::access::{ObjectKind, Permit};
use crate::upstream::catalogue::{Catalogue, Item};
use crate::upstream::conversation::{Conversation, Session};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::listing::{fetch_prompts, fetch_tools};

/// What a session listed so long ago is asked anew: not every server says what it changes.
const OLD: Duration = Duration::from_secs(300);
/// Sessions that are listed for one call: one that is lost meanwhile is replaced.
const ATTEMPTS: usize = 2;

/// A thing of a pinned server that is about to be used.
#[derive(Clone, Debug)]
pub(super) struct Pin {
    kind: Kind,
    name: Arc<str>,
    lock: Arc<Lock>,
}

/// What a lock holds back and a session can list on its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Prompt,
    Tool,
}

/// What one conversation's session listed last, beside the lock.
#[derive(Debug, Default)]
pub(super) struct Review {
    tools: Slot,
    prompts: Slot,
}

#[derive(Debug, Default)]
struct Slot {
    /// Grows when the server says that the list changed.
    changes: AtomicU64,
    listed: ArcSwapOption<Listed>,
    /// Held while it is being listed: those who wait share the outcome.
    listing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Listed {
    session: Weak<Session>,
    /// Of the slot, before the first page was asked for.
    changes: u64,
    at: Instant,
    items: Vec<Item>,
    /// For the lock that was asked for last.
    verdict: Mutex<Option<Arc<Verdict>>>,
}

/// A session's list of one kind, compared with one lock.
#[derive(Debug)]
pub struct Verdict {
    kind: Kind,
    lock: Arc<Lock>,
    as_reviewed: HashSet<Arc<str>>,
    held_back: BTreeMap<Arc<str>, String>,
}

impl Pin {
    /// `None` for what a session does not list by name.
    pub(super) fn new(permit: &Permit, lock: Arc<Lock>) -> Option<Self> {
        let kind = match permit.kind() {
            ObjectKind::Tool => Kind::Tool,
            ObjectKind::Prompt => Kind::Prompt,
            ObjectKind::Resource => return None,
        };
        Some(Self {
            kind,
            name: Arc::clone(permit.name()),
            lock,
        })
    }
}

#[cfg(test)]
impl Pin {
    pub(super) fn tool(name: &str, lock: &Arc<Lock>) -> Self {
        Self {
            kind: Kind::Tool,
            name: name.into(),
            lock: Arc::clone(lock),
        }
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Tool => "tool",
        }
    }
}

impl Verdict {
    /// Why a thing is not served in this session; `None`: it is as reviewed.
    pub fn reason(&self, name: &str) -> Option<&str> {
        if self.as_reviewed.contains(name) {
            return None;
        }
        Some(self.held_back.get(name).map_or("it is not listed", String::as_str))
    }

    /// Is everything as it was reviewed?
    pub fn is_clean(&self) -> bool {
        self.held_back.is_empty()
    }

    /// By name, with the reasons.
    pub fn held_back(&self) -> impl Iterator<Item = (&str, &str)> {
        self.held_back.iter().map(|(name, reason)| (&**name, reason.as_str()))
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn of(kind: Kind, lock: &Arc<Lock>, items: &[Item]) -> Self {
        let (mut as_reviewed, mut held_back) = (HashSet::new(), BTreeMap::new());
        for item in items {
            let reason = match kind {
                Kind::Prompt => lock.prompt_differs(&item.name, &item.raw),
                Kind::Tool => lock.tool_differs(&item.name, &item.raw),
            };
            match reason {
                None => drop(as_reviewed.insert(Arc::clone(&item.name))),
                Some(reason) => drop(held_back.insert(Arc::clone(&item.name), reason)),
            }
        }
        let reviewed: Vec<&Arc<str>> = match kind {
            Kind::Prompt => lock.prompts().map(|(name, _)| name).collect(),
            Kind::Tool => lock.tools().map(|(name, _)| name).collect(),
        };
        for gone in reviewed.into_iter().filter(|name| !as_reviewed.contains(*name)) {
            held_back
                .entry(Arc::clone(gone))
                .or_insert_with(|| "it is gone".to_owned());
        }
        Self {
            kind,
            lock: Arc::clone(lock),
            as_reviewed,
            held_back,
        }
    }
}

impl Review {
    /// The server says that a list changed: what it listed before says nothing any more.
    pub(super) fn changed(&self, method: &Method) {
        match method {
            Method::NotificationPromptsChanged => self.prompts.changes.fetch_add(1, Ordering::AcqRel),
            Method::NotificationToolsChanged => self.tools.changes.fetch_add(1, Ordering::AcqRel),
            _ => 0,
        };
    }

    /// To be taken before a whole listing, for [`Review::note`].
    pub(super) fn stamp(&self) -> [u64; 2] {
        [&self.tools, &self.prompts].map(|slot| slot.changes.load(Ordering::Acquire))
    }

    /// What the keeper listed counts here too.
    pub(super) fn note(&self, session: &Arc<Session>, stamp: [u64; 2], catalogue: &Catalogue) {
        let tools = catalogue.tools.iter().map(|tool| tool.item.clone()).collect();
        self.tools.store(session, stamp[0], tools);
        self.prompts.store(session, stamp[1], catalogue.prompts.clone());
    }

    /// All that is known to be held back in the session, for the lock that was asked for last.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = Arc<Verdict>> {
        [&self.tools, &self.prompts]
            .into_iter()
            .filter_map(|slot| slot.listed.load_full()?.verdict().clone())
    }

    fn slot(&self, kind: Kind) -> &Slot {
        match kind {
            Kind::Prompt => &self.prompts,
            Kind::Tool => &self.tools,
        }
    }
}

impl Slot {
    /// What this very session listed, if nothing was heard since.
    fn fresh(&self, session: &Arc<Session>) -> Option<Arc<Listed>> {
        let listed = self.of(session)?;
        let holds = listed.changes == self.changes.load(Ordering::Acquire) && listed.at.elapsed() < OLD;
        holds.then_some(listed)
    }

    fn of(&self, session: &Arc<Session>) -> Option<Arc<Listed>> {
        let listed = self.listed.load_full()?;
        std::ptr::eq(listed.session.as_ptr(), Arc::as_ptr(session)).then_some(listed)
    }

    fn store(&self, session: &Arc<Session>, changes: u64, items: Vec<Item>) -> Arc<Listed> {
        let listed = Arc::new(Listed {
            session: Arc::downgrade(session),
            changes,
            at: Instant::now(),
            items,
            verdict: Mutex::default(),
        });
        self.listed.store(Some(Arc::clone(&listed)));
        listed
    }
}

impl Listed {
    fn compare(&self, kind: Kind, lock: &Arc<Lock>, conversation: &Conversation) -> Arc<Verdict> {
        let mut kept = self.verdict();
        if let Some(verdict) = kept.as_ref().filter(|verdict| Arc::ptr_eq(&verdict.lock, lock)) {
            return Arc::clone(verdict);
        }
        let verdict = Arc::new(Verdict::of(kind, lock, &self.items));
        for (name, reason) in verdict.held_back() {
            tracing::warn!(
                server = %conversation.core.name(),
                kind = kind.as_str(),
                name = &*crate::text::safe(name),
                reason = &*crate::text::safe(reason),
                "a session does not list what was reviewed: held back by the lock"
            );
        }
        *kept = Some(Arc::clone(&verdict));
        verdict
    }

    fn verdict(&self) -> std::sync::MutexGuard<'_, Option<Arc<Verdict>>> {
        self.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conversation {
    /// The session that there is, where nothing has to be asked to know that it lists the pinned thing as reviewed: what
    /// nearly every call of a pinned server costs.
    pub(super) fn reviewed_already(&self, pin: &Pin) -> Option<Arc<Session>> {
        let session = self.live()?;
        let listed = self.review.slot(pin.kind).fresh(&session)?;
        let is_reviewed = listed
            .verdict()
            .as_ref()
            .is_some_and(|verdict| Arc::ptr_eq(&verdict.lock, &pin.lock) && verdict.reason(&pin.name).is_none());
        is_reviewed.then_some(session)
    }

    /// A session that lists the pinned thing as it was reviewed, and is to run the call.
    pub(super) async fn reviewed(self: &Arc<Self>, pin: &Pin, deadline: Instant) -> Result<Arc<Session>, Failure> {
        for _ in 0..ATTEMPTS {
            let session = self.session_until(deadline).await?;
            let Some(verdict) = self.verdict(&session, pin.kind, &pin.lock, deadline).await? else {
                continue;
            };
            return match verdict.reason(&pin.name) {
                None => Ok(session),
                Some(reason) => {
                    let detail = format!(
                        "the {} `{}` is held back by the lock: {reason}",
                        pin.kind.as_str(),
                        pin.name
                    );
                    Err(self.core.failure(FailureKind::HeldBack, detail))
                }
            };
        }
        Err(self
            .core
            .failure(FailureKind::Ended, "the session was lost while it was being listed"))
    }

    /// What the session that there is holds back, if it was ever listed; listed anew where it said that it changed.
    pub(super) async fn known_verdict(
        self: &Arc<Self>,
        kind: Kind,
        lock: &Arc<Lock>,
        deadline: Instant,
    ) -> Result<Option<Arc<Verdict>>, Failure> {
        match self.live() {
            Some(session) if self.review.slot(kind).of(&session).is_some() => {
                self.verdict(&session, kind, lock, deadline).await
            }
            _ => Ok(None),
        }
    }

    /// `None`: the session was lost while it was being listed.
    async fn verdict(
        self: &Arc<Self>,
        session: &Arc<Session>,
        kind: Kind,
        lock: &Arc<Lock>,
        deadline: Instant,
    ) -> Result<Option<Arc<Verdict>>, Failure> {
        let slot = self.review.slot(kind);
        if let Some(listed) = slot.fresh(session) {
            return Ok(Some(listed.compare(kind, lock, self)));
        }
        let late = |_| {
            self.core
                .failure(FailureKind::Timeout, "the lists did not come in time")
        };
        let listed = timeout_at(deadline, self.list_one(session, kind))
            .await
            .map_err(late)??;
        Ok(listed.map(|listed| listed.compare(kind, lock, self)))
    }

    /// Boxed: a listing sends requests, and a request may need a listing.
    fn list_one<'a>(
        self: &'a Arc<Self>,
        session: &'a Arc<Session>,
        kind: Kind,
    ) -> BoxFuture<'a, Result<Option<Arc<Listed>>, Failure>> {
        Box::pin(async move {
            let slot = self.review.slot(kind);
            let _listing = slot.listing.lock().await;
            if let Some(listed) = slot.fresh(session) {
                return Ok(Some(listed));
            }
            let changes = slot.changes.load(Ordering::Acquire);
            let items = match kind {
                Kind::Prompt => fetch_prompts(self, session).await?,
                Kind::Tool => fetch_tools(self, session).await?,
            };
            let same = self.live().is_some_and(|live| Arc::ptr_eq(&live, session));
            Ok(same.then(|| slot.store(session, changes, items)))
        })
    }
}

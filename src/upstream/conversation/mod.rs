//! One conversation with a server: made when it is needed, made anew once where it was lost, ended when nobody holds it.
//!
//! Over HTTP it is a session (legacy) or nothing but a version (modern); over stdio it is a process.

mod hear;
mod send;
mod wishes;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::mcp::{Era, Version};
use crate::upstream::core::{Core, Transport};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::Greeting;
use crate::upstream::renewable::Renewable;
use crate::upstream::review::Review;
use crate::upstream::scope::{Profile, Sink};
use crate::upstream::stdio::{Crashes, Process};
use crate::upstream::subscribe::Subscriptions;
use crate::upstream::{http, listen};

pub(super) use send::collect;

#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) core: Arc<Core>,
    /// What a legacy `initialize` is told.
    pub(super) profile: Profile,
    /// One client's alone: what the server asks or says can be attributed.
    pub(super) exclusive: bool,
    /// The gateway's own, from which the catalogue is listed.
    own: bool,
    current: Renewable<Session>,
    sink: Mutex<Option<Sink>>,
    pub(super) subscriptions: Subscriptions,
    /// Of `logging/setLevel`, to be set again in a new session.
    level: Mutex<Option<String>>,
    in_flight: AtomicUsize,
    used: Mutex<Instant>,
    pub(super) crashes: Crashes,
    listener: Mutex<Option<AbortOnDropHandle<()>>>,
    /// What the session listed, where somebody asked because the server is pinned.
    pub(super) review: Review,
}

/// A conversation after its greeting.
#[derive(Debug)]
pub(super) enum Session {
    Http(http::Session),
    Stdio(Process),
}

/// How one attempt to send a request failed.
#[derive(Debug)]
pub(super) enum Attempt {
    Failed(Failure),
    /// The session or process is gone, and the request was surely not executed.
    Lost,
}

impl Conversation {
    pub(super) fn new(core: &Arc<Core>, profile: Profile, exclusive: bool) -> Arc<Self> {
        Arc::new(Self::with(core, profile, exclusive, false))
    }

    pub(super) fn own(core: &Arc<Core>) -> Arc<Self> {
        Arc::new(Self::with(core, Profile::own(), false, true))
    }

    fn with(core: &Arc<Core>, profile: Profile, exclusive: bool, own: bool) -> Self {
        Self {
            core: Arc::clone(core),
            profile,
            exclusive,
            own,
            current: Renewable::new(),
            sink: Mutex::new(None),
            subscriptions: Subscriptions::new(),
            level: Mutex::new(None),
            in_flight: AtomicUsize::new(0),
            used: Mutex::new(Instant::now()),
            crashes: Crashes::default(),
            listener: Mutex::new(None),
            review: Review::default(),
        }
    }

    /// The greeted session; greets first where there is none.
    pub(super) async fn session(self: &Arc<Self>) -> Result<Arc<Session>, Failure> {
        if let Some(session) = self.current.current() {
            if !session.is_alive() {
                self.current.lose(&session);
            } else if self.core.credential.is_none() || self.has_its_token(&session).await? {
                return Ok(session);
            }
        }
        // Boxed: what happens once should not make the future of every call large.
        self.current.get_or_make(|| Box::pin(self.connect())).await
    }

    /// The session, if there is one that lives.
    pub(super) fn live(&self) -> Option<Arc<Session>> {
        self.current.current().filter(|session| session.is_alive())
    }

    pub(super) fn lose(&self, session: &Arc<Session>) {
        self.current.lose(session);
    }

    async fn connect(self: &Arc<Self>) -> Result<Session, Failure> {
        let deadline = self.core.deadline();
        let connecting = async {
            match &self.core.transport {
                Transport::Http(server) => http::connect(self, server, deadline).await.map(Session::Http),
                Transport::Stdio(command) => Process::start(self, command, deadline).await.map(Session::Stdio),
            }
        };
        let late = |_| {
            self.core
                .failure(FailureKind::Timeout, "the server did not answer the greeting in time")
        };
        let session = timeout_at(deadline, connecting).await.map_err(late)??;
        self.core.learn_version(Some(session.greeting().version));
        self.restore(&session, deadline).await;
        if session.greeting().version.era() == Era::Modern {
            listen::start(self, &session);
        }
        if self.own {
            // Another session may list other things.
            self.core.suspect();
        }
        Ok(session)
    }

    /// What `initialize` asks for: what the table fixes, else what the client speaks, at most what the server offered.
    pub(super) fn legacy_version(&self, offered: Option<Version>) -> Version {
        if let Some(fixed) = self.core.settings.server.protocol {
            return fixed;
        }
        let asked = self.profile.version.min(Version::NEWEST_LEGACY);
        offered.map_or(asked, |offered| asked.min(offered))
    }

    /// The task that follows a modern server's changes; it replaces that of the session before.
    pub(super) fn keep_listener(&self, task: AbortOnDropHandle<()>) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    pub(super) async fn session_until(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Session>, Failure> {
        if let Some(session) = self.live() {
            return Ok(session);
        }
        let late = |_| {
            self.core
                .failure(FailureKind::Timeout, "no session with the server came about in time")
        };
        timeout_at(deadline, self.session()).await.map_err(late)?
    }

    pub(super) fn set_sink(&self, sink: Option<Sink>) {
        if sink.is_some() {
            *self.sink.lock().unwrap_or_else(PoisonError::into_inner) = sink;
        }
    }

    pub(super) fn has_sink(&self) -> bool {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.touch();
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// For how long nobody has used it; `None` while a call is in flight.
    pub(super) fn idle(&self) -> Option<Duration> {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        (self.in_flight() == 0).then(|| used.elapsed())
    }

    /// Ends the session or process, if there is one.
    pub(super) async fn end(&self) {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(session) = self.current.take() else { return };
        match (&*session, &self.core.transport) {
            (Session::Http(session), Transport::Http(server)) => server.end(&self.core, session).await,
            (Session::Stdio(process), _) => process.stop().await,
            (Session::Http(_), Transport::Stdio(_)) => {}
        }
    }
}

impl Drop for Conversation {
    /// Nobody holds it any more. A process stops by itself when it is dropped; an HTTP session has to be told.
    fn drop(&mut self) {
        let Some(session) = self.current.take() else { return };
        let core = Arc::clone(&self.core);
        self.core.aside(async move {
            if let (Session::Http(session), Transport::Http(server)) = (&*session, &core.transport) {
                server.end(&core, session).await;
            }
        });
    }
}

impl Session {
    pub(super) fn greeting(&self) -> &Greeting {
        match self {
            Self::Http(session) => &session.greeting,
            Self::Stdio(process) => process.greeting(),
        }
    }

    pub(super) fn version(&self) -> Version {
        self.greeting().version
    }

    fn is_alive(&self) -> bool {
        match self {
            Self::Http(session) => !session.is_lost(),
            Self::Stdio(process) => process.is_alive(),
        }
    }

    fn can_be_lost(&self) -> bool {
        match self {
            Self::Http(session) => session.stamp.id.is_some(),
            Self::Stdio(_) => true,
        }
    }
}

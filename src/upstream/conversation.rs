//! One conversation with a server: made when it is needed, made anew once where it was lost, ended when nobody holds it.
//!
//! Over HTTP it is a session (legacy) or nothing but a version (modern); over stdio it is a process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::mcp::error::code;
use crate::mcp::{Era, Kind, Message, Method, Version, envelope, error, json};
use crate::upstream::call::Reply;
use crate::upstream::core::{Core, Transport};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::{Greeting, Response};
use crate::upstream::renewable::Renewable;
use crate::upstream::request::{Outgoing, cancelled};
use crate::upstream::review::Review;
use crate::upstream::scope::{Profile, Sink, Unsolicited};
use crate::upstream::stdio::{Crashes, Process};
use crate::upstream::subscribe::{Change, Subscriptions};
use crate::upstream::ticket::Cancel;
use crate::upstream::{http, listen};

/// How long a subscriber waits for the server's word that it will be told.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(2);

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

    /// What the lost session knew, told to the new one. A server that refuses it has lost it for good.
    async fn restore(self: &Arc<Self>, session: &Session, deadline: Instant) {
        if session.greeting().version.era() == Era::Modern {
            return;
        }
        let level = self.level.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let level = level.map(|level| (Method::LoggingSetLevel, format!("\"level\":{}", json::quote(&level))));
        let uris = self.subscriptions.uris();
        let uris = uris
            .iter()
            .map(|uri| (Method::ResourcesSubscribe, format!("\"uri\":{}", json::quote(uri))));
        for (method, params) in level.into_iter().chain(uris) {
            let outgoing = Outgoing::own(&self.core, Era::Legacy, method.clone(), &params, deadline);
            match self.attempt(session, outgoing).await {
                Ok(reply) => {
                    if let Err(failure) = collect(reply, self.core.settings.limits.response_body).await {
                        tracing::debug!(server = %self.core.name(), %method, %failure, "not restored in the new session");
                    }
                }
                Err(_) => return,
            }
        }
    }

    /// Sends a request. Where the session turns out to be lost, and the request surely was not executed, once more in a new one.
    pub(super) async fn send(self: &Arc<Self>, outgoing: Outgoing, era: Era) -> Result<Reply, Failure> {
        let session = self.session_for(&outgoing).await?;
        self.check_era(&session, era)?;
        let again = session.can_be_lost().then(|| outgoing.again());
        match self.attempt(&session, outgoing).await {
            Ok(reply) => return Ok(reply),
            Err(Attempt::Failed(failure)) => return Err(failure),
            Err(Attempt::Lost) => {}
        }
        let lost = || {
            self.core
                .failure(FailureKind::Ended, "the session was lost, and the one after it too")
        };
        let again = again.ok_or_else(lost)?;
        tracing::info!(server = %self.core.name(), "the session is lost: a new one is made");
        self.current.lose(&session);
        let session = self.session_for(&again).await?;
        self.check_era(&session, era)?;
        match Box::pin(self.attempt(&session, again)).await {
            Ok(reply) => Ok(reply),
            Err(Attempt::Failed(failure)) => Err(failure),
            Err(Attempt::Lost) => {
                self.current.lose(&session);
                Err(lost())
            }
        }
    }

    /// A request of the gateway's own; returns the response, which may be an error of the server.
    pub(super) async fn ask(self: &Arc<Self>, method: Method, params: &str) -> Result<Bytes, Failure> {
        let era = self.session().await?.greeting().version.era();
        let deadline = self.core.deadline();
        let outgoing = Outgoing::own(&self.core, era, method, params, deadline);
        let reply = self.send(outgoing, era).await?;
        collect(reply, self.core.settings.limits.response_body).await
    }

    /// Sends a notification or a response, in the session that there is.
    pub(super) async fn tell(&self, message: Bytes) -> Result<(), Failure> {
        let gone = || self.core.failure(FailureKind::Ended, "the conversation is over");
        let session = self.live().ok_or_else(gone)?;
        let sending = async {
            match (&*session, &self.core.transport) {
                (Session::Http(session), Transport::Http(server)) => {
                    server.tell(&self.core, &session.stamp, message).await
                }
                (Session::Stdio(process), _) => process.tell(&self.core, message).await,
                (Session::Http(_), Transport::Stdio(_)) => Err(gone()),
            }
        };
        let late = |_| {
            self.core
                .failure(FailureKind::Timeout, "the server did not take a message in time")
        };
        timeout(Duration::from_secs(10), sending).await.map_err(late)?
    }

    async fn attempt(self: &Arc<Self>, session: &Session, outgoing: Outgoing) -> Result<Reply, Attempt> {
        match (session, &self.core.transport) {
            (Session::Http(session), Transport::Http(server)) => server.call(self, &session.stamp, outgoing).await,
            (Session::Stdio(process), _) => process.call(self, outgoing).await,
            (Session::Http(_), Transport::Stdio(_)) => Err(Attempt::Lost),
        }
    }

    /// The session that this request goes to; of a pinned server one that still lists what was reviewed.
    async fn session_for(self: &Arc<Self>, outgoing: &Outgoing) -> Result<Arc<Session>, Failure> {
        match &outgoing.pin {
            None => self.session_until(outgoing.deadline).await,
            Some(pin) => match self.reviewed_already(pin) {
                Some(session) => Ok(session),
                None => Box::pin(self.reviewed(pin, outgoing.deadline)).await,
            },
        }
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

    /// A body is written in one era; a server that came back in the other one cannot read it.
    fn check_era(&self, session: &Session, era: Era) -> Result<(), Failure> {
        if session.greeting().version.era() == era {
            return Ok(());
        }
        self.core.suspect();
        Err(self
            .core
            .failure(FailureKind::Ended, "the server came back with another protocol era"))
    }

    /// Takes a message that belongs to no call.
    pub(super) fn hear(self: &Arc<Self>, raw: &Bytes, message: &Message) {
        match &message.kind {
            Kind::Notification { method } => self.hear_notification(raw, message, method),
            Kind::Request {
                id,
                method: Method::Ping,
            } => {
                let pong = error::result(id.of(raw), b"{}");
                self.tell_aside(pong);
            }
            Kind::Request { id, method } => {
                if self.exclusive && self.to_sink(raw) {
                    return;
                }
                tracing::warn!(server = %self.core.name(), %method, "the server asks something that belongs to no call: refused");
                let text = "this client cannot tell which call the question belongs to";
                self.tell_aside(error::response(Some(id.of(raw)), code::METHOD_NOT_FOUND, text, None));
            }
            Kind::Response { .. } => tracing::debug!(server = %self.core.name(), "a response that nobody waits for"),
        }
    }

    /// Like [`Conversation::hear`], from the bytes.
    pub(super) fn hear_bytes(self: &Arc<Self>, raw: &Bytes) {
        match envelope::read(raw) {
            Ok(message) => self.hear(raw, &message),
            Err(problem) => tracing::debug!(server = %self.core.name(), %problem, "not a message"),
        }
    }

    fn hear_notification(&self, raw: &Bytes, message: &Message, method: &Method) {
        match method {
            Method::NotificationToolsChanged
            | Method::NotificationPromptsChanged
            | Method::NotificationResourcesChanged => {
                self.review.changed(method);
                self.core.suspect();
            }
            Method::NotificationResourceUpdated => {
                let uri = message
                    .params
                    .as_ref()
                    .and_then(|params| json::string(raw, params.uri?));
                let dropped = uri.map_or(0, |uri| self.subscriptions.deliver(&uri, &self.unsolicited(raw)));
                (0..dropped).for_each(|_| self.core.count_dropped());
            }
            // What `listen` waits for comes on its own stream; here it is too late.
            Method::NotificationProgress | Method::NotificationSubscriptionsAcknowledged => {}
            _ if self.exclusive => {
                self.to_sink(raw);
            }
            _ => self.core.count_dropped(),
        }
    }

    fn to_sink(&self, raw: &Bytes) -> bool {
        let sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = sink.is_some_and(|sink| sink.try_send(self.unsolicited(raw)).is_ok());
        if !sent {
            self.core.count_dropped();
        }
        sent
    }

    fn unsolicited(&self, raw: &Bytes) -> Unsolicited {
        Unsolicited {
            server: self.core.name().clone(),
            message: raw.clone(),
        }
    }

    pub(super) fn tell_aside(self: &Arc<Self>, message: Bytes) {
        let conversation = Arc::clone(self);
        self.core.aside(async move {
            if let Err(failure) = conversation.tell(message).await {
                tracing::debug!(server = %conversation.core.name(), %failure, "a message could not be sent");
            }
        });
    }

    /// Tells the server that nobody waits for a call any more.
    pub(super) fn cancel_later(self: &Arc<Self>, cancel: Cancel) {
        match cancel {
            Cancel::Stdio { number, tell } => {
                if let Some(Session::Stdio(process)) = self.live().as_deref() {
                    process.forget(number);
                }
                if tell {
                    self.tell_aside(cancelled(number.to_string().as_bytes(), None));
                }
            }
            Cancel::Http { id, stamp } => {
                let core = Arc::clone(&self.core);
                self.core.aside(async move {
                    if let Transport::Http(server) = &core.transport {
                        let _ = server.tell(&core, &stamp, cancelled(&id, None)).await;
                    }
                });
            }
        }
    }

    /// The client cancels by its own id.
    pub(super) async fn cancel(&self, link: u64, id: &[u8], reason: Option<&str>) {
        let message = match self.live().as_deref() {
            None => return,
            Some(Session::Stdio(process)) => match process.number_of(link, id) {
                Some(number) => cancelled(number.to_string().as_bytes(), reason),
                None => return,
            },
            // A modern server sees the stream's end.
            Some(Session::Http(session)) if session.greeting.version.era() == Era::Modern => return,
            Some(Session::Http(_)) => cancelled(id, reason),
        };
        if let Err(failure) = self.tell(message).await {
            tracing::debug!(server = %self.core.name(), %failure, "a cancellation could not be sent");
        }
    }

    pub(super) async fn set_level(self: &Arc<Self>, level: &str) -> Result<(), Failure> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(level.into());
        self.ask_plainly(Method::LoggingSetLevel, &format!("\"level\":{}", json::quote(level)))
            .await
    }

    pub(super) async fn subscribe(self: &Arc<Self>, era: Era, link: u64, uri: &str, sink: Sink) -> Result<(), Failure> {
        match self.subscriptions.add(uri, link, sink) {
            Change::Full => Err(self.core.failure(FailureKind::Busy, "too many subscriptions")),
            Change::None => Ok(()),
            Change::Uri if era == Era::Modern => {
                if timeout(ACKNOWLEDGEMENT, self.subscriptions.until_acknowledged())
                    .await
                    .is_err()
                {
                    tracing::info!(server = %self.core.name(), "the server has not acknowledged a subscription yet");
                }
                Ok(())
            }
            Change::Uri => {
                let params = format!("\"uri\":{}", json::quote(uri));
                let subscribed = self.ask_plainly(Method::ResourcesSubscribe, &params).await;
                if subscribed.is_err() {
                    self.subscriptions.remove(uri, link);
                }
                subscribed
            }
        }
    }

    pub(super) async fn unsubscribe(self: &Arc<Self>, era: Era, link: u64, uri: &str) -> Result<(), Failure> {
        if self.subscriptions.remove(uri, link) == Change::None || era == Era::Modern || self.live().is_none() {
            return Ok(());
        }
        self.ask_plainly(Method::ResourcesUnsubscribe, &format!("\"uri\":{}", json::quote(uri)))
            .await
    }

    /// A link is gone: what only it was subscribed to is given back.
    pub(super) fn forget_link(self: &Arc<Self>, link: u64, era: Era) {
        let gone = self.subscriptions.remove_link(link);
        if gone.is_empty() || era == Era::Modern || self.live().is_none() {
            return;
        }
        let conversation = Arc::clone(self);
        self.core.aside(async move {
            for uri in gone {
                let _ = conversation
                    .ask(Method::ResourcesUnsubscribe, &format!("\"uri\":{}", json::quote(&uri)))
                    .await;
            }
        });
    }

    async fn ask_plainly(self: &Arc<Self>, method: Method, params: &str) -> Result<(), Failure> {
        let response = self.ask(method.clone(), params).await?;
        match Response::read(&response) {
            Some(Response::Result { .. }) => Ok(()),
            Some(Response::Error { code, text, .. }) => Err(self
                .core
                .failure(FailureKind::Protocol, format!("`{method}` was refused: {code} {text}"))),
            None => Err(self.core.failure(
                FailureKind::Protocol,
                format!("the answer to `{method}` is no response"),
            )),
        }
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

/// The response of a reply, whole; other messages of it are left out.
pub(super) async fn collect(reply: Reply, limit: u64) -> Result<Bytes, Failure> {
    match reply {
        Reply::Json { body, .. } => body.collect().await.map(http_body_util::Collected::to_bytes),
        Reply::Messages(mut messages) => {
            let (mut last, mut batch, mut total) = (Bytes::new(), Vec::new(), 0);
            while messages.next_batch(&mut batch).await? {
                total += batch.iter().map(|message| message.len() as u64).sum::<u64>();
                if total > limit {
                    return Err(messages.too_large());
                }
                last = batch.pop().unwrap_or(last);
                batch.clear();
            }
            Ok(last)
        }
    }
}

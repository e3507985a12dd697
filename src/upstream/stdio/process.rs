//! One child, from its start and greeting to its end with all that it started.
//!
//! Four tasks: one writes, one reads, one passes standard error to the log, one sees to the end: close standard input,
//! wait, SIGTERM, wait, SIGKILL, the last two to the whole group. Dropping the [`Process`] begins that end.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Pid;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::mcp::{Era, Method, Version};
use crate::upstream::call::{JsonBody, Messages, Reply};
use crate::upstream::conversation::{Attempt, Conversation, collect};
use crate::upstream::core::Core;
use crate::upstream::credentials::Token;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::greeting::{Greeting, Response};
use crate::upstream::probe::{Verdict, of_message};
use crate::upstream::request::{INITIALIZED, Outgoing, initialize_params};
use crate::upstream::stdio::command::Command;
use crate::upstream::stdio::deliveries::Deliveries;
use crate::upstream::stdio::end::{End, Group};
use crate::upstream::stdio::mux::{Delivery, Mux, Refusal, Registered};
use crate::upstream::stdio::streams::{Outline, log, read, write};
use crate::upstream::ticket::{Cancel, Ticket};

/// For an answer to `server/discover`; a legacy server may give none.
const PROBE: Duration = Duration::from_secs(10);
const LINES_WAITING: usize = 64;

/// A child that has been greeted.
pub(in crate::upstream) struct Process {
    greeting: Greeting,
    pipe: Pipe,
}

/// A running child.
struct Pipe {
    mux: Arc<Mux>,
    token: Option<Token>,
    lines: mpsc::Sender<Outline>,
    /// Cancelled when the child and its group are gone.
    gone: CancellationToken,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Process {
    /// Starts a child and greets it in the era that the server is known for, or finds out.
    pub(in crate::upstream) async fn start(
        conversation: &Arc<Conversation>,
        command: &Command,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let core = &conversation.core;
        if let Some(wait) = conversation.crashes.wait() {
            let detail = format!(
                "the process keeps ending: the next start is in {} s",
                wait.as_secs() + 1
            );
            return Err(core.failure(FailureKind::Refused, detail));
        }
        let fixed = core.settings.server.protocol.map(Version::era);
        let pipe = Pipe::open(conversation, command).await?;
        let era = fixed.or_else(|| core.known_version().map(Version::era));
        if era == Some(Era::Legacy) {
            let greeting = initialize(conversation, &pipe, None, deadline).await?;
            return Ok(Self { greeting, pipe });
        }
        let probe_by = deadline.min(Instant::now() + PROBE);
        let answer = ask(conversation, &pipe, Era::Modern, Method::Discover, "", probe_by).await;
        let verdict = match answer {
            Ok(message) => of_message(&message),
            Err(failure) if failure.kind == FailureKind::Timeout => Verdict::Legacy(None),
            // Some servers end when anything comes before `initialize`.
            Err(_) => {
                if fixed == Some(Era::Modern) {
                    let detail = format!(
                        "the process ended when it was greeted: {}",
                        pipe.mux.reason().unwrap_or_default()
                    );
                    return Err(core.failure(FailureKind::Ended, detail));
                }
                tracing::debug!(server = %core.name(), "the process ended when it was asked for its era: started again as a legacy server");
                pipe.stop().await;
                let pipe = Pipe::open(conversation, command).await?;
                let greeting = initialize(conversation, &pipe, None, deadline).await?;
                return Ok(Self { greeting, pipe });
            }
        };
        let greeting = match verdict {
            Verdict::Modern(greeting) => greeting,
            // -32020 and -32021 are modern errors, and over stdio there are no headers that a second attempt could mend.
            Verdict::PerhapsModern if fixed == Some(Era::Modern) => Greeting::unasked(Version::NEWEST),
            Verdict::Stranger(spoken) => {
                return Err(core.failure(FailureKind::Protocol, format!("no revision in common: {spoken}")));
            }
            _ if fixed == Some(Era::Modern) => {
                return Err(core.failure(
                    FailureKind::Protocol,
                    "`protocol` says 2026-07-28, and the server does not answer `server/discover`",
                ));
            }
            Verdict::Legacy(version) => legacy_or_late(conversation, &pipe, version, deadline).await?,
            _ => legacy_or_late(conversation, &pipe, None, deadline).await?,
        };
        Ok(Self { greeting, pipe })
    }

    pub(in crate::upstream) fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// That it was started with.
    pub(super) fn token(&self) -> Option<&Token> {
        self.pipe.token.as_ref()
    }

    /// Does a caller wait for an answer of it?
    pub(super) fn is_busy(&self) -> bool {
        self.pipe.mux.is_waited_for()
    }

    pub(in crate::upstream) fn is_alive(&self) -> bool {
        !self.pipe.gone.is_cancelled() && self.pipe.mux.reason().is_none()
    }

    pub(in crate::upstream) async fn call(
        &self,
        conversation: &Arc<Conversation>,
        outgoing: Outgoing,
    ) -> Result<Reply, Attempt> {
        self.pipe.call(conversation, outgoing).await
    }

    pub(in crate::upstream) async fn tell(&self, core: &Core, message: Bytes) -> Result<(), Failure> {
        self.pipe.tell(core, message).await
    }

    pub(in crate::upstream) fn forget(&self, number: u64) {
        self.pipe.mux.forget(number);
    }

    pub(in crate::upstream) fn number_of(&self, link: u64, id: &[u8]) -> Option<u64> {
        self.pipe.mux.number_of(link, id)
    }

    /// Begins the end and waits for it.
    pub(in crate::upstream) async fn stop(&self) {
        self.pipe.stop().await;
    }
}

/// `initialize`; where that fails, the server may be a modern one that was slow to start.
async fn legacy_or_late(
    conversation: &Arc<Conversation>,
    pipe: &Pipe,
    version: Option<Version>,
    deadline: Instant,
) -> Result<Greeting, Failure> {
    let failure = match initialize(conversation, pipe, version, deadline).await {
        Ok(greeting) => return Ok(greeting),
        Err(failure) if failure.kind == FailureKind::Protocol => failure,
        Err(failure) => return Err(failure),
    };
    let again = deadline.min(Instant::now() + PROBE);
    match ask(conversation, pipe, Era::Modern, Method::Discover, "", again)
        .await
        .map(|message| of_message(&message))
    {
        Ok(Verdict::Modern(greeting)) => Ok(greeting),
        _ => Err(failure),
    }
}

async fn initialize(
    conversation: &Arc<Conversation>,
    pipe: &Pipe,
    offered: Option<Version>,
    deadline: Instant,
) -> Result<Greeting, Failure> {
    let core = &conversation.core;
    let protocol = |detail: String| core.failure(FailureKind::Protocol, detail);
    let params = initialize_params(conversation.legacy_version(offered), &conversation.profile.capabilities);
    let answer = ask(conversation, pipe, Era::Legacy, Method::Initialize, &params, deadline).await?;
    let greeting = match Response::read(&answer) {
        Some(Response::Result { message, result }) => Greeting::of_initialize(&message, result).map_err(protocol)?,
        Some(Response::Error { code, text, .. }) => {
            return Err(protocol(format!("`initialize` was refused: {code} {text}")));
        }
        None => return Err(protocol("the answer to `initialize` is no response".into())),
    };
    pipe.tell(core, Bytes::from_static(INITIALIZED)).await?;
    Ok(greeting)
}

async fn ask(
    conversation: &Arc<Conversation>,
    pipe: &Pipe,
    era: Era,
    method: Method,
    params: &str,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    let core = &conversation.core;
    let outgoing = Outgoing::own(core, era, method.clone(), params, deadline);
    match pipe.call(conversation, outgoing).await {
        Ok(reply) => collect(reply, core.settings.limits.response_body).await,
        Err(Attempt::Failed(failure)) => Err(failure),
        Err(Attempt::Lost) => {
            let reason = pipe.mux.reason().unwrap_or_default();
            Err(core.failure(
                FailureKind::Ended,
                format!("the process ended before it was sent `{method}`: {reason}"),
            ))
        }
    }
}

impl Pipe {
    async fn open(conversation: &Arc<Conversation>, command: &Command) -> Result<Self, Failure> {
        let core = &conversation.core;
        // Before a place is taken: it may have to be fetched. A process keeps the token that it was started with.
        let token = match &core.credential {
            Some(holder) => Some(holder.token().await?),
            None => None,
        };
        let place = command.place(conversation).await.ok_or_else(|| {
            core.failure(
                FailureKind::Busy,
                format!(
                    "all {} processes that `max-processes` allows are running",
                    command.most()
                ),
            )
        })?;
        let mut child = command
            .spawn(token.as_ref().map(|token| &token.value))
            .map_err(|why| core.failure(FailureKind::Unreachable, why))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(core.failure(FailureKind::Unreachable, "the process has no standard streams"));
        };
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        tracing::debug!(server = %core.name(), pid = child.id(), "started a process");
        let (mux, stop, gone) = (
            Arc::new(Mux::default()),
            CancellationToken::new(),
            CancellationToken::new(),
        );
        let (lines, outlines) = mpsc::channel(LINES_WAITING);
        let most = usize::try_from(core.settings.limits.response_body).unwrap_or(usize::MAX);
        tokio::spawn(write(stdin, outlines, Arc::clone(&mux), stop.clone()));
        let reader = tokio::spawn(read(
            stdout,
            most,
            Arc::clone(&mux),
            Arc::downgrade(conversation),
            stop.clone(),
        ));
        let logger = tokio::spawn(log(stderr, core.name().to_string()));
        let end = End {
            group: Group(group),
            child,
            reader,
            logger,
            mux: Arc::clone(&mux),
            conversation: Arc::downgrade(conversation),
            gone: gone.clone().drop_guard(),
            place,
        };
        tokio::spawn(end.see_to_it(stop.clone()));
        Ok(Self {
            mux,
            token,
            lines,
            gone,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        })
    }

    async fn call(&self, conversation: &Arc<Conversation>, outgoing: Outgoing) -> Result<Reply, Attempt> {
        let core = &conversation.core;
        let failed = |kind, detail: &str| Attempt::Failed(core.failure(kind, detail));
        let (deadline, counted, initialize) = (
            outgoing.deadline,
            outgoing.link.is_some(),
            outgoing.method == Method::Initialize,
        );
        let tell = outgoing.cancel_on_drop;
        let Registered {
            number,
            line,
            deliveries,
        } = self.mux.register(outgoing).map_err(|refusal| match refusal {
            Refusal::Ended => Attempt::Lost,
            Refusal::Full => failed(FailureKind::Busy, "too many calls in flight in one process"),
            Refusal::Malformed => failed(FailureKind::Protocol, "the request is not one JSON-RPC request"),
        })?;
        // MCP 2025-11-25, Cancellation: `initialize` MUST NOT be cancelled.
        let cancel = (!initialize).then_some(Cancel::Stdio { number, tell });
        let ticket = Ticket::new(conversation, cancel, counted);
        let outline = Outline {
            pieces: line,
            number: Some(number),
        };
        match timeout_at(deadline, self.lines.send(outline)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                ticket.done();
                self.mux.forget(number);
                return Err(Attempt::Lost);
            }
            Err(_) => {
                // Never written: there is nothing to cancel.
                ticket.done();
                self.mux.forget(number);
                return Err(failed(
                    FailureKind::Timeout,
                    "the server does not read its standard input",
                ));
            }
        }
        let mut source = Deliveries {
            receiver: deliveries,
            core: Arc::clone(core),
            over: false,
        };
        let first = timeout_at(deadline, source.receiver.recv())
            .await
            .map_err(|_| failed(FailureKind::Timeout, "no answer in time"))?;
        let mut ready = VecDeque::new();
        match first {
            Some(Delivery::Response(pieces)) => {
                ticket.done();
                let body = JsonBody::ready(pieces, core.name().clone());
                return Ok(Reply::Json { status: 200, body });
            }
            Some(Delivery::Lost) => {
                ticket.done();
                return Err(Attempt::Lost);
            }
            Some(Delivery::Message(message)) => ready.push_back(message),
            Some(Delivery::Failed { kind, detail }) => {
                ticket.done();
                return Err(failed(kind, &detail));
            }
            None => return Err(failed(FailureKind::Ended, "the call was given up")),
        }
        let messages = Messages::new(Box::pin(source), core.name().clone(), deadline, Some(ticket));
        Ok(Reply::Messages(messages.with_ready(ready)))
    }

    async fn tell(&self, core: &Core, message: Bytes) -> Result<(), Failure> {
        let mut line = message;
        if memchr::memchr2(b'\n', b'\r', &line).is_some() {
            line = line
                .iter()
                .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte })
                .collect();
        }
        let outline = Outline {
            pieces: vec![line],
            number: None,
        };
        self.lines
            .send(outline)
            .await
            .map_err(|_| core.failure(FailureKind::Ended, "the process has ended"))
    }

    async fn stop(&self) {
        self.mux.end("the gateway stops the process");
        self.stop.cancel();
        self.gone.cancelled().await;
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.greeting.version)
    }
}

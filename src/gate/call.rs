//! What reaches a server: `tools/call`, `prompts/get`, `resources/read`, `completion/complete`.
//!
//! Name → permit → limit → conversation → body for that server's era → call → answer.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Response};
use bytes::Bytes;
use tokio::time::Instant;

use crate::gate::body::Body;
use crate::gate::bounds::{deadline, response_limit, take_limits};
use crate::gate::bridge;
use crate::gate::connect;
use crate::gate::counters::{CallCounters, Outcome, Running};
use crate::gate::error::Error;
use crate::gate::exchange::{Client, Exchange};
use crate::gate::filter::{Filter, Way};
use crate::gate::listen;
use crate::gate::pump::session_link;
use crate::gate::record::{self, Recorded, Redactions, Unrecorded};
use crate::gate::reply::{self, Context};
use crate::gate::session::Session;
use crate::gate::target::{Refusal, Target, look_up, name_span, named};
use crate::gate::tasks;
use crate::gate::trace::Told;
use crate::gate::view::View;
use crate::mcp::edit::Edits;
use crate::mcp::envelope;
use crate::mcp::error::code;
use crate::mcp::json::{self, quote};
use crate::mcp::{Era, Method};
use crate::name::ServerName;
use crate::pii::{Counts, Redacted};
use crate::snapshot::access::ObjectKind;
use crate::upstream::{Call, FailureKind, Link};

/// Does a server do it?
pub(super) fn is_call(method: &Method) -> bool {
    matches!(
        method,
        Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead | Method::CompletionComplete
    ) || tasks::is_task_method(method)
}

pub(super) async fn answer(exchange: &Exchange<'_>, headers: &HeaderMap) -> Result<Response<Body>, Error> {
    let view = exchange.view().await?;
    let looked_up = look_up(exchange, &view, Some(headers));
    let filter = match &looked_up {
        Ok(target) => exchange.filter(target.permit.server()),
        // With what is put back its arguments may be others.
        Err(Refusal::Tool { server, .. }) => exchange.filter(server),
        Err(_) => Filter::none(),
    };
    let redacted = filter.request.redact(vec![exchange.body.clone()]);
    match looked_up {
        Err(refusal) if !filter.restores() => refuse(exchange, &view, "denied", refusal).await,
        Ok(target) if redacted.counts().is_empty() && !filter.restores() => {
            go(exchange, view, target, filter, None).await
        }
        _ => Box::pin(changed_call(exchange, view, redacted, filter)).await,
    }
}

/// A call whose body is not what the client sent. What is judged is what the server will get: rules about arguments, and headers that repeat
/// them, see what was redacted and what is put back. The record, and all else, sees what the client may.
async fn changed_call(
    exchange: &Exchange<'_>,
    view: Arc<View>,
    redacted: Redacted,
    filter: Filter,
) -> Result<Response<Body>, Error> {
    let counts = redacted.counts().clone();
    let body = redacted.into_bytes();
    let message = envelope::read(&body)
        .map_err(|_| Error::internal("the request cannot be redacted").with_detail("it is no message any more"))?;
    let exchange = exchange.with(&body, &message);
    // The client's headers were compared with what the client sent.
    let looked_up = match filter.restored(&body) {
        None => look_up(&exchange, &view, None),
        Some(restored) => look_up_restored(&exchange, &view, &restored.into()),
    };
    match looked_up {
        Ok(target) => go(&exchange, view, target, filter, Some(counts)).await,
        Err(refusal) => refuse(&exchange, &view, "denied", refusal).await,
    }
}

/// The target of a call whose values were put back, for the body in which they were not: the name stands elsewhere there.
fn look_up_restored(exchange: &Exchange<'_>, view: &View, body: &Bytes) -> Result<Target, Refusal> {
    let message = envelope::read(body)
        .map_err(|_| Error::internal("the request cannot be restored").with_detail("it is no message any more"))?;
    let mut target = look_up(&exchange.with(body, &message), view, None)?;
    if let Some((span, _)) = &mut target.rename {
        *span = name_span(exchange).ok_or_else(|| Error::invalid_params("the request has no name"))?;
    }
    Ok(target)
}

/// `redacted`: what was found in the request.
async fn go(
    exchange: &Exchange<'_>,
    view: Arc<View>,
    target: Target,
    filter: Filter,
    redacted: Option<Counts>,
) -> Result<Response<Body>, Error> {
    let mut found = Redactions::default();
    if let Some(counts) = redacted {
        found.add(&counts, &filter.request);
        exchange.request.gate.counters.add_masked(counts.masked());
    }
    let mut running = Running::begin(counters(exchange, &view, &target));
    if let Err(error) = take_limits(exchange, &target).await {
        running.end(Outcome::Refused);
        return refuse(exchange, &view, "refused", error.into()).await;
    }
    drop(view);
    let recorded = match record::begin(exchange, &target.permit, found, running).await {
        Ok(recorded) => recorded,
        Err(Unrecorded) => return Err(Unrecorded::before_the_call()),
    };
    match open(exchange, &target).await {
        Ok(link) => send(exchange, target, filter, link, recorded).await,
        Err(failure) => failed(exchange, &failure, recorded).await,
    }
}

/// A call that is not made is recorded too, and answered after that.
async fn refuse(
    exchange: &Exchange<'_>,
    view: &View,
    status: &'static str,
    refusal: Refusal,
) -> Result<Response<Body>, Error> {
    exchange.traced.span.outcome(status);
    exchange.traced.span.fail(status);
    let reason = match &refusal {
        Refusal::Error(error) => error.detail.as_deref().unwrap_or(&error.public),
        Refusal::Tool { reason, .. } => reason,
        Refusal::Connect(_) => "no account is connected",
    };
    if record::refused(exchange, view, status, reason).await.is_err() {
        return Err(Unrecorded::before_the_call());
    }
    match refusal {
        Refusal::Error(error) => Err(error),
        Refusal::Connect(server) => connect(exchange, &server),
        Refusal::Tool { text, .. } => Ok(tool_error(exchange, text)),
    }
}

async fn send(
    exchange: &Exchange<'_>,
    target: Target,
    mut filter: Filter,
    link: Link,
    mut recorded: Recorded,
) -> Result<Response<Body>, Error> {
    let server_era = link.version().era();
    let cancelled = match exchange.session() {
        None => None,
        Some(session) => {
            let begun = session.begin_call(exchange.id.clone(), link.clone());
            if begun.is_none() {
                let reason = "a request with this id is in flight, or too many are";
                let closed = recorded.failed(reason).written().await;
                closed.map_err(|Unrecorded| Unrecorded::before_the_call())?;
                return Err(Error::bad_request(code::INVALID_REQUEST, reason));
            }
            begun
        }
    };
    let in_session = exchange.session().map(|session| InSession {
        session: Arc::clone(session),
        id: exchange.id.clone(),
    });
    // A task belongs to a call that was let through: it may be asked for, and cancelled, whatever its tool says now.
    let is_call = !tasks::is_task_method(exchange.method);
    let locks = &exchange.request.generation.snapshot.locks;
    let lock = locks.get(target.permit.server()).filter(|_| is_call);
    let mut edits = Edits::default();
    if let Some((span, name)) = &target.rename {
        edits.replace(*span, quote(name));
    }
    let told = exchange.traced.told(&recorded.call);
    if let Some(answers) = own_answers(exchange) {
        edits.remove_members(&[answers]);
    }
    bridge::adapt_request(exchange, server_era, told.as_ref(), &mut edits);
    recorded.call.set("mcp.protocol.version", link.version().as_str());
    let call = Call {
        method: exchange.method.clone(),
        id: exchange.id.clone(),
        body: filter.restore(filter.request.redact(edits.apply(exchange.body).into_iter().collect())),
        name: target.name,
        headers: sent_headers(told.as_ref(), server_era, target.headers),
        progress_token: exchange
            .params()
            .and_then(|params| params.meta.as_ref())
            .and_then(|meta| meta.progress_token)
            .map(|span| exchange.slice(span)),
        deadline: Instant::now() + deadline(exchange, &target.limits),
        response_limit: response_limit(exchange, &target.limits),
        // A legacy client whose stream is lost has not cancelled (MCP 2025-11-25, Streamable HTTP); a modern one has.
        cancel_on_drop: exchange.era() == Era::Modern,
        lock: lock.cloned(),
    };
    let watch = tasks::Watch::of(exchange, &target.permit, link.version());
    let sent = link.call(target.permit, call);
    let answered = match &cancelled {
        None => sent.await,
        Some(token) => tokio::select! {
            answered = sent => answered,
            () = token.cancelled() => return Ok(reply::nothing()),
        },
    };
    match answered {
        Ok(reply) => {
            let context = Context {
                watch,
                filter,
                rules: bridge::result_rules(exchange.era(), server_era, exchange.method),
                client: exchange.era(),
                level: match &exchange.client {
                    Client::Legacy(session) => session.level(),
                    Client::Modern(claim) => claim.level,
                },
                session: exchange.session().cloned(),
                id: exchange.id.clone(),
                link,
                recorded,
                in_session,
                cancelled,
            };
            Ok(reply::answer(reply, context).await)
        }
        Err(failure) if failure.kind == FailureKind::HeldBack => {
            let closed = recorded
                .held_back(&exchange.request.generation.cover().text(&failure.detail))
                .written()
                .await;
            closed.map_err(|Unrecorded| Unrecorded::before_the_call())?;
            Err(held_back(exchange, &failure))
        }
        Err(failure) => {
            if failure.kind == FailureKind::Timeout {
                link.cancel(&exchange.id, Some("timed out")).await;
            }
            failed(exchange, &failure, recorded).await
        }
    }
}

/// The answer to our own question, which is none of the server's.
fn own_answers(exchange: &Exchange<'_>) -> Option<json::Member> {
    let params = exchange.params()?;
    let answers = params.input_responses?;
    json::find(exchange.body, answers, connect::QUESTION).ok().flatten()?;
    json::members(exchange.body, params.span).find(|member| member.value == answers)
}

/// `Mcp-Param-*` are modern; traces are of no era.
fn sent_headers(
    told: Option<&Told>,
    server: Era,
    mut headers: Vec<(HeaderName, HeaderValue)>,
) -> Vec<(HeaderName, HeaderValue)> {
    if server == Era::Legacy {
        headers.clear();
    }
    headers.extend(told.into_iter().flat_map(Told::headers));
    headers
}

/// Takes the call out of its session's table at its end.
pub(super) struct InSession {
    session: Arc<Session>,
    id: Bytes,
}

impl Drop for InSession {
    fn drop(&mut self) {
        self.session.end_call(&self.id);
    }
}

/// Where the call is counted: known to the tool's offer, else looked up.
fn counters(exchange: &Exchange<'_>, view: &View, target: &Target) -> Arc<CallCounters> {
    let permit = &target.permit;
    let tool = (permit.kind() == ObjectKind::Tool).then(|| &**permit.name());
    let look_up = || {
        let counters = &exchange.request.gate.counters;
        counters.calls(&exchange.request.endpoint, permit.server(), tool)
    };
    match target.offered {
        Some(at) => Arc::clone(view.offer.tools[at].counters.get_or_init(look_up)),
        None => look_up(),
    }
}

async fn open(exchange: &Exchange<'_>, target: &Target) -> Result<Link, crate::upstream::Failure> {
    match &exchange.client {
        Client::Legacy(session) => {
            let way = Way::of(exchange.request, target.upstream.name());
            session_link(way, session, &target.upstream).await
        }
        Client::Modern(_) => target.upstream.open(&bridge::scope(exchange, None)).await,
    }
}

/// Answered like a name that does not exist; the client, who was listed it, is told to list anew.
fn held_back(exchange: &Exchange<'_>, failure: &crate::upstream::Failure) -> Error {
    tracing::warn!(endpoint = %exchange.request.endpoint, method = exchange.method.as_str(), detail = &*crate::text::safe(&failure.detail), "a call is held back");
    let (what, changed) = match exchange.method {
        Method::ToolsCall => ("tool", Method::NotificationToolsChanged),
        _ => ("prompt", Method::NotificationPromptsChanged),
    };
    if let Some(session) = exchange.session() {
        session.tell(listen::notification(&changed, None));
    }
    match named(exchange, |params| params.name, "name") {
        Ok((_, shown)) => Error::invalid_params(format!("there is no {what} `{shown}`")),
        Err(_) => Error::invalid_params(format!("there is no such {what}")),
    }
}

/// A server that fails is told to the model where a tool was called, else to the client.
async fn failed(
    exchange: &Exchange<'_>,
    failure: &crate::upstream::Failure,
    mut recorded: Recorded,
) -> Result<Response<Body>, Error> {
    recorded.call.fail(failure.kind.as_str());
    tracing::warn!(endpoint = %exchange.request.endpoint, method = exchange.method.as_str(), public = failure.public(), detail = failure.detail, "a call failed");
    if recorded.failed(&failure.public()).written().await.is_err() {
        return Err(Error::internal(Unrecorded::AFTER_THE_CALL));
    }
    if failure.kind == FailureKind::NotConnected {
        return connect(exchange, &failure.server);
    }
    Ok(match exchange.method {
        Method::ToolsCall => tool_error(exchange, &failure.public()),
        _ => Error::internal(failure.public()).into_response(Some(&exchange.id)),
    })
}

/// The way to connect: a question of the client's user, else the tool's error, else the method's.
fn connect(exchange: &Exchange<'_>, server: &ServerName) -> Result<Response<Body>, Error> {
    if let Some(asked) = connect::question(exchange, server) {
        return asked;
    }
    let words = connect::words(exchange.request, server);
    match exchange.method {
        Method::ToolsCall => Ok(tool_error(exchange, &words)),
        _ => Err(Error::internal(words)),
    }
}

fn tool_error(exchange: &Exchange<'_>, text: &str) -> Response<Body> {
    let result_type = if exchange.era() == Era::Modern {
        r#","resultType":"complete""#
    } else {
        ""
    };
    exchange.result(
        format!(
            r#"{{"content":[{{"type":"text","text":{}}}],"isError":true{result_type}}}"#,
            quote(text)
        )
        .as_bytes(),
    )
}

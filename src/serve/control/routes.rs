//! The routes of the control API, what right each needs, and what each answers. They are versioned: `/v1/…`.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::config::Bundle;
use crate::name::ServerName;
use crate::serve::apply::{Apply, Asked, Change, EVENTS, Event, Outcome, Required};
use crate::serve::control::access::Caller;
use crate::serve::control::{credentials, grants, holds, kept_credentials, logs};
use crate::serve::live::Live;
use crate::serve::{Follows, running, status};
use crate::snapshot::ControlRight;
use crate::store::{Head, How, Kept, StoreError};

/// Bytes of one request: the files of a configuration and its lock.
const MAX_BODY: usize = 64 << 20;
/// From the head of a request to the end of its body.
const BODY: Duration = Duration::from_secs(60);

/// Of one that is under way, with its ticket.
const AUTHORIZATION: &str = "/v1/credentials/authorize/";

pub(super) type Reply = UnsyncBoxBody<Bytes, Infallible>;

type Outgoing = Result<Response<Reply>, Refusal>;

/// Why there is no answer, for people.
#[derive(Debug)]
struct Refusal(StatusCode, String);

pub(super) async fn answer(
    live: Arc<Live>,
    ask: mpsc::Sender<Asked>,
    caller: Caller,
    request: Request<Incoming>,
) -> Response<Reply> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let (method, right) = match path {
        "/v1/status" | "/v1/configuration" | "/v1/catalogue" | "/v1/credentials" | "/v1/grants" | "/v1/history"
        | "/v1/holds" => (Method::GET, ControlRight::Read),
        _ if path.starts_with("/v1/history/") => (Method::GET, ControlRight::Read),
        "/v1/credentials/forget" => (Method::POST, ControlRight::Hold),
        "/v1/credentials/authorize" => (Method::POST, ControlRight::Apply),
        _ if path.starts_with(AUTHORIZATION) => (Method::GET, ControlRight::Apply),
        "/v1/grants/revoke" | "/v1/hold" | "/v1/release" => (Method::POST, ControlRight::Hold),
        "/v1/logs" => (Method::POST, ControlRight::Logs),
        "/v1/logs/verify" => (Method::GET, ControlRight::Logs),
        "/v1/reload" | "/v1/apply" | "/v1/rollback" => (Method::POST, ControlRight::Apply),
        _ => return refuse(StatusCode::NOT_FOUND, &format!("this gateway has no `{path}`")),
    };
    if !caller.may(right) {
        let why = format!("`{}` may not do this: its `may` lacks {}", caller.name, word(right));
        return refuse(StatusCode::FORBIDDEN, &why);
    }
    if head.method != method {
        return not_allowed(&method);
    }
    let outgoing = match path {
        "/v1/status" => Ok(reply(StatusCode::OK, &status::status(&live))),
        "/v1/configuration" => Ok(reply(StatusCode::OK, &running::configuration(&live, &live.served()))),
        "/v1/catalogue" => Ok(reply(StatusCode::OK, &running::catalogues(&live))),
        "/v1/grants" => grants::list(&live)
            .await
            .map(|body| reply(StatusCode::OK, &body))
            .map_err(unavailable),
        "/v1/grants/revoke" => revoke(&live, &caller, body).await,
        "/v1/holds" => {
            let body = json!({ "format-version": 1, "holds": holds::list(&live) });
            Ok(reply(StatusCode::OK, &body))
        }
        "/v1/hold" => hold(&live, &caller, body).await,
        "/v1/release" => release(&live, &caller, body).await,
        "/v1/logs" => read_logs(&live, caller, body).await,
        "/v1/logs/verify" => logs::verified(&live)
            .await
            .map(|verified| reply(StatusCode::OK, &verified))
            .map_err(Refusal::from),
        "/v1/credentials" => kept_credentials::list(&live)
            .await
            .map(|body| reply(StatusCode::OK, &body))
            .map_err(Refusal::from),
        "/v1/credentials/forget" => forget(&live, &caller, body).await,
        "/v1/credentials/authorize" => authorize(&live, &caller, body).await,
        _ if path.starts_with(AUTHORIZATION) => {
            let outcome = credentials::outcome(&live, path.trim_start_matches(AUTHORIZATION)).await;
            outcome.map(|body| reply(StatusCode::OK, &body)).map_err(Refusal::from)
        }
        "/v1/history" => history(&live).await,
        "/v1/reload" => reload(&live, &ask, caller, body).await,
        "/v1/apply" => apply(&live, &ask, caller, body).await,
        "/v1/rollback" => rollback(&live, &ask, caller, body).await,
        _ => kept(&live, path.trim_start_matches("/v1/history/")).await,
    };
    outgoing.unwrap_or_else(|Refusal(status, why)| refuse(status, &why))
}

async fn revoke(live: &Live, caller: &Caller, body: Incoming) -> Outgoing {
    let which: grants::Which = parse(&collect(body).await?)?;
    if which.is_nothing() {
        let why = "say which grants: `user`, `endpoint`, `id` or `all`";
        return Err(Refusal(StatusCode::BAD_REQUEST, why.to_owned()));
    }
    let revoked = grants::revoke(live, &which, &caller.name).await;
    revoked.map(|body| reply(StatusCode::OK, &body)).map_err(unavailable)
}

async fn read_logs(live: &Arc<Live>, caller: Caller, body: Incoming) -> Outgoing {
    let bytes = collect(body).await?;
    let which = if bytes.is_empty() {
        logs::Which::default()
    } else {
        parse(&bytes)?
    };
    let asked = Arc::clone(live);
    let may_go_on = move || asked.control.access.load().still_lets(&caller, ControlRight::Logs);
    let lines = logs::read(live, which, Box::new(may_go_on))?;
    Ok(lines_of_json(StreamBody::new(lines).boxed_unsync()))
}

async fn authorize(live: &Live, caller: &Caller, body: Incoming) -> Outgoing {
    let asked: credentials::Authorize = parse(&collect(body).await?)?;
    let begun = credentials::authorize(live, &asked, &caller.name).await;
    begun.map(|body| reply(StatusCode::OK, &body)).map_err(Refusal::from)
}

impl From<(StatusCode, String)> for Refusal {
    fn from((status, why): (StatusCode, String)) -> Self {
        Self(status, why)
    }
}

async fn forget(live: &Live, caller: &Caller, body: Incoming) -> Outgoing {
    let asked = parse(&collect(body).await?)?;
    let forgotten = kept_credentials::forget(live, &asked, &caller.name).await?;
    Ok(reply(StatusCode::OK, &forgotten))
}

async fn hold(live: &Live, caller: &Caller, body: Incoming) -> Outgoing {
    let what: holds::What = parse(&collect(body).await?)?;
    let held = holds::hold(live, &what, &caller.name).await;
    held.map(|body| reply(StatusCode::OK, &body)).map_err(Refusal::from)
}

async fn release(live: &Live, caller: &Caller, body: Incoming) -> Outgoing {
    let what: holds::What = parse(&collect(body).await?)?;
    let released = holds::release(live, &what, &caller.name).await;
    released.map(|body| reply(StatusCode::OK, &body)).map_err(Refusal::from)
}

/// The store does not answer.
fn unavailable(why: String) -> Refusal {
    Refusal(StatusCode::SERVICE_UNAVAILABLE, why)
}

/// With an error for people: `{"error": …}`.
pub(super) fn refuse(status: StatusCode, why: &str) -> Response<Reply> {
    let mut answer = reply(status, &json!({ "error": why }));
    if status == StatusCode::UNAUTHORIZED {
        answer
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

async fn history(live: &Live) -> Outgoing {
    let mut generations = live.store.list().await.map_err(|error| unkept(&error))?;
    generations.reverse();
    let body = json!({
        "format-version": 1,
        "current": live.served().generation,
        // Newest first.
        "generations": generations,
    });
    Ok(reply(StatusCode::OK, &body))
}

/// A generation of history with its files.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Generation<'a> {
    format_version: u64,
    #[serde(flatten)]
    head: &'a Head,
    bundle: &'a serde_json::value::RawValue,
}

async fn kept(live: &Live, number: &str) -> Outgoing {
    let number = number
        .parse()
        .map_err(|_| Refusal(StatusCode::NOT_FOUND, "generations have numbers".to_owned()))?;
    let kept = find(live, number).await?;
    let body = Generation {
        format_version: 1,
        head: &kept.head,
        bundle: &kept.files,
    };
    Ok(reply(StatusCode::OK, &body))
}

async fn find(live: &Live, number: u64) -> Result<Kept, Refusal> {
    let found = live.store.find(number).await.map_err(|error| unkept(&error))?;
    found.ok_or_else(|| {
        let why = format!("generation {number} is not kept: `mcpgw history` shows those that are");
        Refusal(StatusCode::NOT_FOUND, why)
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
struct ReloadRequest {
    /// The digest that the files were seen with.
    digest: Option<String>,
}

async fn reload(live: &Live, ask: &mpsc::Sender<Asked>, caller: Caller, body: Incoming) -> Outgoing {
    if live.follows != Follows::Files {
        let why = "this gateway follows no files: only `mcpgw apply` changes it";
        return Err(Refusal(StatusCode::CONFLICT, why.to_owned()));
    }
    let bytes = collect(body).await?;
    let request: ReloadRequest = if bytes.is_empty() {
        ReloadRequest::default()
    } else {
        parse(&bytes)?
    };
    change(
        ask,
        caller,
        Change::Reload {
            expected: request.digest,
        },
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ApplyRequest {
    /// Digest of the files that are to be replaced.
    base: String,
    bundle: Bundle,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    unreachable_ok: BTreeSet<String>,
}

async fn apply(live: &Live, ask: &mpsc::Sender<Asked>, caller: Caller, body: Incoming) -> Outgoing {
    if live.follows == Follows::Files {
        return Err(Refusal(StatusCode::CONFLICT, follows_files(live)));
    }
    let request: ApplyRequest = parse(&collect(body).await?)?;
    if request.bundle.roots.is_empty() {
        let why = "the bundle has no files";
        return Err(Refusal(StatusCode::BAD_REQUEST, why.to_owned()));
    }
    let names = request.unreachable_ok.iter().map(|name| {
        ServerName::new(name).map_err(|_| {
            let why = format!("`{}` is no name of a server", crate::text::safe(name));
            Refusal(StatusCode::BAD_REQUEST, why)
        })
    });
    let apply = Apply {
        base: request.base,
        bundle: request.bundle,
        how: How::Apply,
        locked: request.locked,
        servers: Some(Required {
            unreachable_ok: names.collect::<Result<_, _>>()?,
        }),
    };
    change(ask, caller, Change::Apply(Box::new(apply)))
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RollbackRequest {
    base: String,
    to: u64,
}

/// The files come from the store, whatever the client has seen; so no server needs to answer.
async fn rollback(live: &Live, ask: &mpsc::Sender<Asked>, caller: Caller, body: Incoming) -> Outgoing {
    if live.follows == Follows::Files {
        return Err(Refusal(StatusCode::CONFLICT, follows_files(live)));
    }
    let request: RollbackRequest = parse(&collect(body).await?)?;
    let kept = find(live, request.to).await?;
    let bundle = running::bundle_of(&kept).map_err(|why| Refusal(StatusCode::INTERNAL_SERVER_ERROR, why))?;
    let apply = Apply {
        base: request.base,
        bundle,
        how: How::Rollback { to: request.to },
        locked: false,
        servers: None,
    };
    change(ask, caller, Change::Apply(Box::new(apply)))
}

fn follows_files(live: &Live) -> String {
    let paths: Vec<String> = live.paths.iter().map(|path| path.display().to_string()).collect();
    format!(
        "this gateway follows the files at {}: change them, and it changes; or run it with `--no-watch`",
        paths.join(" ")
    )
}

/// Lines of JSON as they come: events, and last the outcome.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Event(Event),
    Outcome(Outcome),
}

fn change(ask: &mpsc::Sender<Asked>, caller: Caller, what: Change) -> Outgoing {
    let ((events, told), (outcome, ended)) = (mpsc::channel(EVENTS), oneshot::channel());
    let asked = Asked {
        what,
        by: caller.name,
        events,
        outcome,
    };
    if let Err(error) = ask.try_send(asked) {
        let why = match error {
            mpsc::error::TrySendError::Full(_) => "too many changes wait for their turn: try again later",
            mpsc::error::TrySendError::Closed(_) => "the gateway is ending",
        };
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, why.to_owned()));
    }
    let lines = stream::unfold(Some((told, ended)), |state| async {
        let (mut told, ended) = state?;
        if let Some(event) = told.recv().await {
            return Some((Line::Event(event), Some((told, ended))));
        }
        // A gateway that ends before there is an outcome says nothing more: who waits sees the end of the stream.
        Some((Line::Outcome(ended.await.ok()?), None))
    });
    let frames = stream::StreamExt::map(lines, |line| {
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        Ok::<_, Infallible>(Frame::data(Bytes::from(bytes)))
    });
    Ok(lines_of_json(StreamBody::new(frames).boxed_unsync()))
}

/// As they come.
fn lines_of_json(lines: Reply) -> Response<Reply> {
    let mut answer = Response::new(lines);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    answer
}

async fn collect(body: Incoming) -> Result<Bytes, Refusal> {
    match timeout(BODY, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(_)) => {
            let why = format!("the body is broken, or larger than {MAX_BODY} bytes");
            Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, why))
        }
        Err(_late) => Err(Refusal(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come in time".to_owned(),
        )),
    }
}

fn parse<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        let why = format!("the body is not as this gateway reads it: {error}");
        Refusal(StatusCode::BAD_REQUEST, crate::text::safe(&why).into_owned())
    })
}

fn unkept(error: &StoreError) -> Refusal {
    tracing::error!(%error, "history cannot be read");
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn word(right: ControlRight) -> &'static str {
    match right {
        ControlRight::Apply => "`apply`",
        ControlRight::Hold => "`hold`",
        ControlRight::Logs => "`logs`",
        ControlRight::Read => "`read`",
    }
}

fn not_allowed(allow: &Method) -> Response<Reply> {
    let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED, &format!("this answers {allow}"));
    if let Ok(value) = HeaderValue::from_str(allow.as_str()) {
        answer.headers_mut().insert(ALLOW, value);
    }
    answer
}

fn reply(status: StatusCode, body: &impl Serialize) -> Response<Reply> {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer of the control API cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, b"{}".to_vec())
        }
    };
    let mut answer = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

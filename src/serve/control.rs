//! The control API on its Unix socket: HTTP/1.1 and JSON, for `status`, `apply` and their like.
//!
//! Who may open the socket (mode 0600, in a directory of mode 0700) may do everything. Routes are versioned: `/v1/…`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::json;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::serve::follow::Asked;
use crate::serve::live::Live;
use crate::serve::state::State;
use crate::serve::{Error, connection, running, status};

/// Clients of the socket at a time.
const CONNECTIONS: usize = 64;

/// The socket, bound and not yet answering.
pub(super) struct Bound {
    listener: UnixListener,
    path: PathBuf,
}

/// Answers until it is dropped; then the socket is gone.
pub(super) struct Control {
    path: PathBuf,
    _closing: DropGuard,
}

/// Binds the socket. One that is left of a gateway that was killed is removed: nobody answers it.
pub(super) async fn bind(state: &State) -> Result<Bound, Error> {
    let path = state.socket();
    let cannot = |error: io::Error| {
        Error::new(format!("cannot make the control socket {}: {error}", path.display()))
            .hint("name another state directory with `--state DIR`")
    };
    if UnixStream::connect(&path).await.is_ok() {
        return Err(Error::new(format!("another gateway answers on {}", path.display()))
            .hint("stop it, or give this one a directory of its own with `--state DIR`"));
    }
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot(error)),
    }
    let listener = UnixListener::bind(&path).map_err(cannot)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(cannot)?;
    Ok(Bound { listener, path })
}

impl Bound {
    pub(super) fn start(self, live: &Arc<Live>, ask: mpsc::Sender<Asked>) -> Control {
        let closing = CancellationToken::new();
        tokio::spawn(accept(self.listener, Arc::clone(live), ask, closing.clone()));
        Control {
            path: self.path,
            _closing: closing.drop_guard(),
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(%error, path = %path.display(), "the control socket cannot be removed");
    }
}

async fn accept(listener: UnixListener, live: Arc<Live>, ask: mpsc::Sender<Asked>, closing: CancellationToken) {
    let builder = Arc::new(connection::builder());
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let room = Arc::clone(&room).acquire_owned().await;
            (room, listener.accept().await)
        };
        let (room, accepted) = tokio::select! {
            () = closing.cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let (live, ask, builder, closing) =
                    (Arc::clone(&live), ask.clone(), Arc::clone(&builder), closing.clone());
                tokio::spawn(async move {
                    let service = |request| answer(Arc::clone(&live), ask.clone(), request);
                    connection::serve(stream, &builder, closing, service).await;
                    drop(room);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(live: Arc<Live>, ask: mpsc::Sender<Asked>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match (request.uri().path(), request.method()) {
        ("/v1/status", &Method::GET) => reply(StatusCode::OK, &status::status(&live)),
        ("/v1/configuration", &Method::GET) => reply(StatusCode::OK, &running::configuration(&live, &live.served())),
        ("/v1/catalogue", &Method::GET) => reply(StatusCode::OK, &running::catalogues(&live)),
        ("/v1/status" | "/v1/configuration" | "/v1/catalogue", _) => not_allowed("GET"),
        ("/v1/reload", &Method::POST) => reload(&ask).await,
        ("/v1/reload", _) => not_allowed("POST"),
        (path, _) => reply(
            StatusCode::NOT_FOUND,
            &json!({ "error": format!("this gateway has no `{path}`") }),
        ),
    }
}

/// Reloads now and waits: 200 with the outcome, 422 where it was refused.
async fn reload(ask: &mpsc::Sender<Asked>) -> Response<Full<Bytes>> {
    let (asked, outcome) = oneshot::channel();
    let sent = ask.send(asked).await.is_ok();
    match outcome.await {
        Ok(outcome) if sent => {
            let status = if outcome.word() == "refused" {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::OK
            };
            reply(status, &outcome)
        }
        _ => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "error": "the gateway is ending" }),
        ),
    }
}

fn not_allowed(allow: &'static str) -> Response<Full<Bytes>> {
    let mut answer = reply(
        StatusCode::METHOD_NOT_ALLOWED,
        &json!({ "error": format!("this answers {allow}") }),
    );
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    answer
}

fn reply(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer of the control API cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, b"{}".to_vec())
        }
    };
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

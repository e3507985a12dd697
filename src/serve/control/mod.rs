//! The control API: HTTP and JSON, for `status`, `apply` and their like; on a Unix socket always, over TCP if asked for.
//!
//! Who may open the socket (mode 0600, in a directory of mode 0700) may do everything; over TCP a token says what.
//! Neither answers a web page.

mod access;
mod credentials;
mod grants;
mod holds;
mod kept_credentials;
mod logs;
mod routes;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(super) use access::{Access, Remote};
pub(super) use holds::list as holds;

use crate::serve::apply::Asked;
use crate::serve::control::access::Caller;
use crate::serve::control::routes::Reply;
use crate::serve::listener::{Listener, Shared};
use crate::serve::live::Live;
use crate::serve::state::State;
use crate::serve::{Error, connection, hosts};

/// Why there is no answer, for people, with its status.
type Refused = (http::StatusCode, String);

/// Clients at a time, of the socket and of the listener.
const CONNECTIONS: u32 = 64;

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

/// What connections over TCP share, over all generations.
pub(super) struct Remotes {
    shared: Arc<Shared>,
    access: ArcSwap<Access>,
}

impl Remotes {
    pub(super) fn new(remote: Option<&Remote>) -> Self {
        let remotes = Self {
            shared: Shared::new(None, CONNECTIONS),
            access: ArcSwap::default(),
        };
        remotes.follow(remote);
        remotes
    }

    pub(super) fn is_tls(&self) -> bool {
        self.shared.tls.load().is_some()
    }

    /// Certificate and tokens count from the next connection and the next request.
    pub(super) fn follow(&self, remote: Option<&Remote>) {
        let identity = remote.and_then(|remote| remote.tls.as_ref());
        self.shared.tls.store(identity.map(|tls| Arc::clone(&tls.config)));
        let access = remote.map(|remote| remote.access.clone()).unwrap_or_default();
        self.access.store(Arc::new(access));
    }
}

/// Hands the connections of a bound address to the control API.
pub(super) fn serve_remote(bound: TcpListener, live: &Arc<Live>, ask: &mpsc::Sender<Asked>) -> io::Result<Listener> {
    let (live, ask, address) = (Arc::clone(live), ask.clone(), bound.local_addr()?);
    Listener::start(bound, &Arc::clone(&live.control.shared), move |_peer, request| {
        answer_remote(Arc::clone(&live), ask.clone(), address, request)
    })
}

/// Host and origin first, then the token: a web page learns nothing.
async fn answer_remote(
    live: Arc<Live>,
    ask: mpsc::Sender<Asked>,
    bound: std::net::SocketAddr,
    request: Request<Incoming>,
) -> Response<Reply> {
    if !hosts::may_answer(&request, bound, &live.gate.generation().snapshot.gateway) {
        return routes::refuse(
            http::StatusCode::FORBIDDEN,
            "this listener does not answer to that `Host` or `Origin`",
        );
    }
    let caller = live.control.access.load().caller(request.headers());
    match caller {
        Ok(caller) => routes::answer(live, ask, caller, request).await,
        Err((status, why)) => routes::refuse(status, why),
    }
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
    let room = Arc::new(Semaphore::new(CONNECTIONS as usize));
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
                let caller = Caller::local(stream.peer_cred().ok().as_ref());
                tokio::spawn(async move {
                    let service = |request| routes::answer(Arc::clone(&live), ask.clone(), caller.clone(), request);
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

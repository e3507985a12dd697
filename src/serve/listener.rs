//! A TCP listener: accepts up to the cap of connections, and can be closed while its connections go on.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::serve::connection;

/// Connections that the system keeps for us while we are busy.
const BACKLOG: u32 = 1024;
/// After an error such as "too many open files", which does not go away by asking again at once.
const PAUSE: Duration = Duration::from_millis(100);

/// What the connections of one kind of listener share, over all its generations.
pub(super) struct Shared {
    /// Read when a connection is accepted: a new certificate counts from the next one.
    pub(super) tls: ArcSwapOption<ServerConfig>,
    pub(super) connections: Connections,
    pub(super) tasks: TaskTracker,
    /// The process ends: connections finish what they have begun.
    pub(super) draining: CancellationToken,
}

/// How many connections there are, and may be.
pub(super) struct Connections {
    open: AtomicUsize,
    most: AtomicUsize,
    less: Notify,
}

/// A bound address that accepts until it is dropped.
pub(super) struct Listener {
    /// As bound: port 0 is a real one here.
    pub(super) address: SocketAddr,
    closing: CancellationToken,
}

/// Binds an address; the error names it, and says what to do.
pub(super) fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    let bound = || -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        // A restart need not wait for connections of the last run to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("`{key}`: {address} is in use by another process, or by this one for another purpose")
        }
        io::ErrorKind::PermissionDenied => {
            format!("`{key}`: this user may not listen on {address}; take a port above 1023")
        }
        io::ErrorKind::AddrNotAvailable => format!("`{key}`: this machine does not have the address {}", address.ip()),
        _ => format!("`{key}`: cannot listen on {address}: {error}"),
    })
}

impl Listener {
    pub(super) fn start<S, F, B>(listener: TcpListener, shared: &Arc<Shared>, service: S) -> io::Result<Self>
    where
        S: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let address = listener.local_addr()?;
        // Closed with the process, or alone when a reload moves the listener.
        let closing = shared.draining.child_token();
        tokio::spawn(accept(listener, Arc::clone(shared), closing.clone(), service));
        Ok(Self { address, closing })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Shared {
    pub(super) fn new(tls: Option<Arc<ServerConfig>>, connections: u32) -> Arc<Self> {
        Arc::new(Self {
            tls: ArcSwapOption::new(tls),
            connections: Connections {
                open: AtomicUsize::new(0),
                most: AtomicUsize::new(connections as usize),
                less: Notify::new(),
            },
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
        })
    }
}

impl Connections {
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn limit(&self, most: u32) {
        self.most.store(most as usize, Ordering::Relaxed);
        self.less.notify_one();
    }

    /// Waits for room: at the cap the system's backlog keeps who comes, then refuses them.
    async fn room(&self) {
        while self.open() >= self.most.load(Ordering::Relaxed) {
            self.less.notified().await;
        }
    }
}

/// Counts a connection for as long as it lives.
struct Counted(Arc<Shared>);

impl Counted {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.connections.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.open.fetch_sub(1, Ordering::Relaxed);
        self.0.connections.less.notify_one();
    }
}

async fn accept<S, F, B>(listener: TcpListener, shared: Arc<Shared>, closing: CancellationToken, service: S)
where
    S: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let builder = Arc::new(connection::builder());
    loop {
        let next = async {
            shared.connections.room().await;
            listener.accept().await
        };
        let accepted = tokio::select! {
            () = closing.cancelled() => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (counted, builder, service) = (Counted::new(&shared), Arc::clone(&builder), service.clone());
                let (tls, closing) = (shared.tls.load_full(), closing.clone());
                shared.tasks.spawn(async move {
                    connection::tcp(stream, peer, tls, &builder, closing, service).await;
                    drop(counted);
                });
            }
            // The peer has gone again before we looked.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

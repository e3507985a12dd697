//! A plain proxy before several gateways: every request goes to the next one in turn, and where that one does not take the connection, to
//! the one after it. It knows nothing of MCP, sessions or health.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Proxy {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

struct Turn {
    backends: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn before(backends: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let turn = Arc::new(Turn {
            backends,
            next: AtomicUsize::new(0),
        });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let turn = Arc::clone(&turn);
                let service = service_fn(move |request| {
                    let turn = Arc::clone(&turn);
                    async move { Ok::<_, std::convert::Infallible>(turn.pass(request).await) }
                });
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                tokio::spawn(async move {
                    let _gone = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("http://{}/mcp/{endpoint}", self.address)
    }
}

impl Turn {
    async fn pass(&self, request: Request<Incoming>) -> Response<Either<Incoming, Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return refused(StatusCode::BAD_REQUEST);
        };
        let body = body.to_bytes();
        for _ in &self.backends {
            let at = self.next.fetch_add(1, Ordering::Relaxed) % self.backends.len();
            let Ok(stream) = TcpStream::connect(self.backends[at]).await else {
                continue;
            };
            let Ok((mut sender, connection)) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await else {
                continue;
            };
            tokio::spawn(connection);
            let request = Request::from_parts(parts.clone(), Full::new(body.clone()));
            return match sender.send_request(request).await {
                Ok(answer) => answer.map(Either::Left),
                Err(_) => refused(StatusCode::BAD_GATEWAY),
            };
        }
        refused(StatusCode::BAD_GATEWAY)
    }
}

fn refused(status: StatusCode) -> Response<Either<Incoming, Full<Bytes>>> {
    let mut answer = Response::new(Either::Right(Full::default()));
    *answer.status_mut() = status;
    answer
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

//! One connection: TLS where it is asked for, HTTP/1.1 or HTTP/2, from its first byte to its graceful end.
//!
//! Everything a peer can make us wait for or keep has a bound.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// From the connection to the first whole request head: a peer that opens and says nothing goes.
const FIRST_REQUEST: Duration = Duration::from_secs(30);
/// Of one request head, and of silence between requests of HTTP/1.1.
const HEAD: Duration = Duration::from_secs(60);
/// Bytes of one request head of HTTP/1.1, which is read into one buffer.
const HEAD_BYTES: usize = 128 << 10;
const H2_STREAMS: u32 = 256;
const H2_HEADERS: u32 = 64 << 10;
const H2_STREAM_WINDOW: u32 = 256 << 10;
const H2_CONNECTION_WINDOW: u32 = 1 << 20;
const H2_PING: Duration = Duration::from_secs(30);
const H2_PONG: Duration = Duration::from_secs(20);

/// How connections of a listener speak HTTP.
pub(super) fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(H2_STREAMS)
        .max_header_list_size(H2_HEADERS)
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_CONNECTION_WINDOW)
        .keep_alive_interval(H2_PING)
        .keep_alive_timeout(H2_PONG);
    builder
}

/// Serves one TCP connection until it ends, or until `draining` and what is in flight is answered.
pub(super) async fn tcp<S, F, B>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    builder: &Builder<TokioExecutor>,
    draining: CancellationToken,
    service: S,
) where
    S: Fn(SocketAddr, Request<Incoming>) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    // Answers are whole when they are written: waiting for more would only delay them.
    let _best_effort = stream.set_nodelay(true);
    let service = |request| service(peer, request);
    match tls {
        None => serve(stream, builder, draining, service).await,
        Some(config) => match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => serve(stream, builder, draining, service).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_late) => tracing::debug!(%peer, "TLS handshake took too long"),
        },
    }
}

/// Serves one connection of any kind.
pub(super) async fn serve<I, S, F, B>(
    stream: I,
    builder: &Builder<TokioExecutor>,
    draining: CancellationToken,
    service: S,
) where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let spoke = AtomicBool::new(false);
    let service = service_fn(|request| {
        spoke.store(true, Ordering::Relaxed);
        let answer = service(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut silence = pin!(sleep(FIRST_REQUEST));
    let (mut ending, mut heard) = (false, false);
    loop {
        tokio::select! {
            biased;
            outcome = connection.as_mut() => {
                if let Err(error) = outcome {
                    tracing::debug!(error, "a connection ended early");
                }
                return;
            }
            () = draining.cancelled(), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            () = silence.as_mut(), if !heard => {
                heard = spoke.load(Ordering::Relaxed);
                if !heard {
                    return;
                }
            }
        }
    }
}

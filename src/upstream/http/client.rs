//! The pooled HTTP client of one server, and the body of what it sends.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;

use crate::fetch::{Connector, Reach, connector, roots_with};

pub(super) type Client = hyper_util::client::legacy::Client<Connector, Outbody>;

const IDLE: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS: usize = 512;

/// Follows no redirect and no proxy variable; HTTP/2 where TLS negotiates it.
pub(super) fn build(ca: Option<&[u8]>, roots: &Arc<RootCertStore>, reach: Reach) -> Result<Client, String> {
    let roots = match ca {
        None => Arc::clone(roots),
        Some(pem) => Arc::new(roots_with(pem, roots)?),
    };
    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .build(connector(&roots, reach)?))
}

/// Pieces that are sent one after the other, uncopied, with an exact length.
#[derive(Clone, Debug)]
pub(super) struct Outbody {
    pieces: std::vec::IntoIter<Bytes>,
    left: u64,
}

impl Outbody {
    pub(super) fn new(pieces: Vec<Bytes>) -> Self {
        Self {
            left: pieces.iter().map(|piece| piece.len() as u64).sum(),
            pieces: pieces.into_iter(),
        }
    }
}

impl Body for Outbody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces.find(|piece| !piece.is_empty());
        self.left -= next.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

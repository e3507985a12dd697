//! The pooled HTTP client of one server, and the body of what it sends.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::upstream::http::guard::Resolver;

pub(super) type Client = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector<Resolver>>, Outbody>;

const CONNECT: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS: usize = 512;

/// Follows no redirect and no proxy variable; HTTP/2 where TLS negotiates it.
pub(super) fn build(ca: Option<&[u8]>, roots: &Arc<RootCertStore>, allow_private: bool) -> Result<Client, String> {
    let roots = match ca {
        None => Arc::clone(roots),
        Some(pem) => Arc::new(with_ca(pem, roots)?),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new_with_resolver(Resolver { allow_private });
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(IDLE));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp);
    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .build(connector))
}

fn with_ca(pem: &[u8], roots: &RootCertStore) -> Result<RootCertStore, String> {
    let mut roots = roots.clone();
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("`ca` is no PEM file: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("`ca` holds a certificate that cannot be used: {error}"))?;
        found += 1;
    }
    if found == 0 {
        Err("`ca` holds no certificate".into())
    } else {
        Ok(roots)
    }
}

/// Pieces that are sent one after the other, uncopied, with an exact length.
#[derive(Debug)]
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

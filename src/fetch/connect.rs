//! Connections that lead where a [`Reach`] says and nowhere else, with TLS.
//!
//! A name is resolved once, and the addresses that passed are those that are connected to: it cannot change in between.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

use crate::fetch::policy::{HOW_TO_PERMIT, Reach};

pub type Connector = HttpsConnector<HttpConnector<Resolver>>;

const CONNECT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Resolves names to addresses that are within reach. Addresses in place of a name never come here: who connects judges them.
#[derive(Clone)]
pub struct Resolver {
    reach: Reach,
    lookup: Lookup,
}

type Lookup = Arc<dyn Fn(String) -> Answering + Send + Sync>;
type Answering = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// HTTP/1.1 and 2, without a proxy variable.
pub fn connector(roots: &Arc<RootCertStore>, reach: Reach) -> Result<Connector, String> {
    with_resolver(roots, Resolver::new(reach))
}

pub(super) fn with_resolver(roots: &Arc<RootCertStore>, resolver: Resolver) -> Result<Connector, String> {
    let tls = tls(roots)?;
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(KEEPALIVE));
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp))
}

/// As every connection out of the gateway is secured.
pub fn tls(roots: &Arc<RootCertStore>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth())
}

/// The system's roots; one that cannot be read is logged and left out.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(%error, "a root certificate of the system cannot be read");
    }
    let (_, ignored) = roots.add_parsable_certificates(found.certs);
    if ignored > 0 {
        tracing::debug!(ignored, "root certificates of the system that cannot be parsed");
    }
    roots
}

/// `roots` and those of a table's `ca`.
pub fn roots_with(pem: &[u8], roots: &RootCertStore) -> Result<RootCertStore, String> {
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

impl Resolver {
    pub fn new(reach: Reach) -> Self {
        let system = |name: String| -> Answering {
            Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
        };
        Self {
            reach,
            lookup: Arc::new(system),
        }
    }

    /// With answers of a test's own.
    #[cfg(test)]
    pub(super) fn scripted(
        reach: Reach,
        lookup: impl Fn(String) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            reach,
            lookup: Arc::new(move |name| Box::pin(std::future::ready(lookup(name)))),
        }
    }
}

impl Service<Name> for Resolver {
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;
    type Response = std::vec::IntoIter<SocketAddr>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (reach, found) = (self.reach, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move { select(name.as_str(), found.await?, reach).map(Vec::into_iter) })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({})", self.reach)
    }
}

fn select(name: &str, found: Vec<SocketAddr>, reach: Reach) -> io::Result<Vec<SocketAddr>> {
    let (passed, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| reach.admits(address.ip()));
    match refused.first() {
        Some(address) if passed.is_empty() => {
            let why = format!(
                "`{name}` resolves to {}, which is not public; {HOW_TO_PERMIT}",
                address.ip()
            );
            Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
        }
        _ => Ok(passed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|text| SocketAddr::new(text.parse().unwrap(), 0))
            .collect()
    }

    #[test]
    fn a_name_that_resolves_to_a_private_address_is_refused() {
        let error = select("crm.internal", addresses(&["10.0.0.5"]), Reach::Public).unwrap_err();
        let why = "`crm.internal` resolves to 10.0.0.5, which is not public; `allow-private-network = true` in the table that asks permits it";
        assert_eq!(error.to_string(), why);
        assert!(select("crm.internal", addresses(&["10.0.0.5"]), Reach::Private).is_ok());
        assert_eq!(
            select("a.example", addresses(&["10.0.0.5", "1.1.1.1"]), Reach::Public).unwrap(),
            addresses(&["1.1.1.1"])
        );
    }

    #[test]
    fn loopback_is_reached_where_the_table_names_it() {
        let loopback = addresses(&["127.0.0.1", "::1"]);
        assert_eq!(select("localhost", loopback.clone(), Reach::Loopback).unwrap().len(), 2);
        assert!(select("localhost", loopback, Reach::Public).is_err());
        assert!(select("localhost", addresses(&["10.0.0.5"]), Reach::Loopback).is_err());
    }
}

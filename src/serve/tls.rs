//! TLS of a listener: a chain and its key, made ready before anything is swapped.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::upstream::Secret;

/// What the files and the secret hold, and what was made of it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    chain: Bytes,
    key: Secret,
    pub(super) config: Arc<ServerConfig>,
}

impl Identity {
    /// `table` is where the files name both, `cert` where `chain` was read.
    pub(super) fn new(table: &str, cert: &Path, chain: Bytes, key: Secret) -> Result<Self, String> {
        let shown = cert.display();
        let certificates = certificates(table, cert, &chain)?;
        // The parser's error may quote what it read.
        let private = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|_| format!("`{table}.key` is no private key in PEM form (PKCS #8, PKCS #1 or SEC 1)"))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_no_client_auth()
            .with_single_cert(certificates, private)
            .map_err(|error| format!("`{table}.cert` {shown} and `{table}.key` cannot be used together: {error}"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            chain,
            key,
            config: Arc::new(config),
        })
    }
}

/// What `chain` holds; at least one.
pub(super) fn certificates(table: &str, cert: &Path, chain: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = cert.display();
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("`{table}.cert` {shown} is no PEM file of certificates: {error}"))?;
    if certificates.is_empty() {
        return Err(format!("`{table}.cert` {shown} holds no certificate"));
    }
    Ok(certificates)
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain && self.key == other.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_pair_loads_and_a_mixed_one_does_not() {
        let load = |chain: &str, key: &str| {
            Identity::new(
                "gateway.tls",
                Path::new("cert.pem"),
                chain.to_owned().into(),
                Secret::new(key),
            )
        };
        let ((cert, key), (_, other)) = (pair(), pair());
        let identity = load(&cert, &key).unwrap();
        assert!(identity == load(&cert, &key).unwrap());
        assert!(load(&cert, &other).unwrap_err().contains("together"));
        let wrong = load(&cert, "hunter2").unwrap_err();
        assert!(wrong.contains("tls.key") && !wrong.contains("hunter2"), "{wrong}");
        assert!(load("", &key).unwrap_err().contains("no certificate"));
    }
}

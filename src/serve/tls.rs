//! TLS of a listener: a chain and its key, made ready before anything is swapped.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::upstream::Secret;

/// What the files and the secret hold, and what was made of it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    chain: Vec<u8>,
    key: Secret,
    pub(super) config: Arc<ServerConfig>,
}

impl Identity {
    pub(super) fn load(cert: &Path, key: Secret) -> Result<Self, String> {
        let shown = cert.display();
        let chain = fs::read(cert).map_err(|error| format!("`tls.cert` {shown} cannot be read: {error}"))?;
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("`tls.cert` {shown} is no PEM file of certificates: {error}"))?;
        if certificates.is_empty() {
            return Err(format!("`tls.cert` {shown} holds no certificate"));
        }
        // The parser's error may quote what it read.
        let private = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|_| "`tls.key` is no private key in PEM form (PKCS #8, PKCS #1 or SEC 1)".to_owned())?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_no_client_auth()
            .with_single_cert(certificates, private)
            .map_err(|error| format!("`tls.cert` {shown} and `tls.key` cannot be used together: {error}"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            chain,
            key,
            config: Arc::new(config),
        })
    }
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
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("cert.pem");
        let ((cert, key), (_, other)) = (pair(), pair());
        fs::write(&path, cert).unwrap();
        let identity = Identity::load(&path, Secret::new(&key)).unwrap();
        assert!(identity == Identity::load(&path, Secret::new(&key)).unwrap());
        assert!(
            Identity::load(&path, Secret::new(&other))
                .unwrap_err()
                .contains("together")
        );
        let wrong = Identity::load(&path, Secret::new("hunter2")).unwrap_err();
        assert!(wrong.contains("tls.key") && !wrong.contains("hunter2"), "{wrong}");
        fs::write(&path, "").unwrap();
        assert!(
            Identity::load(&path, Secret::new(&key))
                .unwrap_err()
                .contains("no certificate")
        );
    }
}

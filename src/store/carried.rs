//! Small things that others carry for the gateway: sealed, and opened where they come back.
//!
//! XChaCha20-Poly1305 with a nonce that is made of what is sealed, under a key of its own: the same at the same place gives the same bytes,
//! on every replica and after every change of the store's keys, and tells nothing else. The place is part of the seal.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

use crate::store::keys;

/// Bytes of the nonce that travel; the others are zero.
const NONCE: usize = 16;

/// Cheap to clone.
#[derive(Clone)]
pub struct Carried {
    cipher: XChaCha20Poly1305,
    nonces: [u8; 32],
}

impl Carried {
    /// From the secret of a store.
    pub(super) fn of(root: &[u8]) -> Self {
        let key: [u8; 32] = keys::derive(root, "carried").into();
        Self {
            cipher: XChaCha20Poly1305::new(&key.into()),
            nonces: keys::derive(root, "nonces of what is carried").into(),
        }
    }

    /// 32 bytes longer than `bytes`; `None` where these are too many.
    pub fn seal(&self, place: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        let nonce = self.nonce(place, bytes);
        let payload = Payload { msg: bytes, aad: place };
        let sealed = self.cipher.encrypt(&whole(nonce), payload).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// `None`: it was not sealed with this store's secret at this place.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: rest, aad: place };
        self.cipher.decrypt(&whole(*nonce), payload).ok()
    }

    /// Hashed twice, so that nobody goes on where the first hash ended.
    fn nonce(&self, place: &[u8], bytes: &[u8]) -> [u8; NONCE] {
        let inner = Sha256::new()
            .chain_update(self.nonces)
            .chain_update((place.len() as u64).to_be_bytes())
            .chain_update(place)
            .chain_update(bytes)
            .finalize();
        let hash: [u8; 32] = Sha256::new()
            .chain_update(self.nonces)
            .chain_update(inner)
            .finalize()
            .into();
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&hash[..NONCE]);
        nonce
    }
}

fn whole(nonce: [u8; NONCE]) -> XNonce {
    let mut whole = [0; 24];
    whole[..NONCE].copy_from_slice(&nonce);
    XNonce::from(whole)
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carried(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_opens_at_its_place_with_its_secret_alone() {
        let (ours, theirs) = (Carried::of(&[1; 32]), Carried::of(&[2; 32]));
        let sealed = ours.seal(b"alice", b"jane@x.io").unwrap();
        assert_eq!(ours.open(b"alice", &sealed).unwrap(), b"jane@x.io");
        assert_eq!(ours.open(b"bob", &sealed), None);
        assert_eq!(theirs.open(b"alice", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(ours.open(b"alice", &changed), None, "{at}");
            assert_eq!(ours.open(b"alice", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn the_same_at_the_same_place_is_the_same() {
        let carried = Carried::of(&[1; 32]);
        assert_eq!(carried.seal(b"a", b"jane"), carried.seal(b"a", b"jane"));
        assert_ne!(carried.seal(b"a", b"jane"), carried.seal(b"aj", b"ane"));
        assert_ne!(carried.seal(b"a", b"jane"), carried.seal(b"a", b"joan"));
    }
}

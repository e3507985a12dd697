//! The keys that seal what is stored: XChaCha20-Poly1305 with a random nonce for each record, the key's id in front.
//!
//! The first key seals, all open: so a key is changed by putting a new one in front, and the old one goes once
//! everything is sealed anew. The place of a record is part of its seal: one that was moved does not open.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

use crate::store::{StoreError, cannot, durable};

/// Characters of one key: 32 random bytes are 44 in base64.
const SHORTEST: usize = 32;
/// The file under the state directory.
const OWN: &str = "store.key";
/// The first byte of what is sealed: the form that this file writes.
const FORM: u8 = 1;
const ID: usize = 8;
const NONCE: usize = 24;
/// Bytes that a seal adds.
pub(super) const ADDED: usize = 1 + ID + NONCE + 16;

/// At least one.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: [u8; ID],
    cipher: XChaCha20Poly1305,
}

/// What was opened, and whether the first key had sealed it.
pub(super) struct Opened {
    pub(super) bytes: Vec<u8>,
    pub(super) is_newest: bool,
}

impl Keys {
    /// From the texts of the secrets, in order.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let keys = texts
            .into_iter()
            .map(|text| {
                if text.len() < SHORTEST {
                    return Err(format!(
                        "a key of the store has {} characters, and needs {SHORTEST}: `openssl rand -base64 32` prints a good one",
                        text.len()
                    ));
                }
                Ok(Key::of(text))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err("the store has no key".to_owned());
        }
        Ok(Self(keys))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0.iter().map(|key| key.id).eq(other.0.iter().map(|key| key.id))
    }

    /// `place` must be the same to open it.
    pub(super) fn seal(&self, place: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = &self.0[0];
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)
            .map_err(|error| StoreError(format!("the system gives no random bytes: {error}")))?;
        let payload = Payload {
            msg: bytes,
            aad: place.as_bytes(),
        };
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError("a record is too long to be sealed".to_owned()))?;
        Ok([&[FORM][..], &key.id, &nonce, &sealed].concat())
    }

    /// `Err`: no key of these has sealed it, or it is damaged, or lay elsewhere.
    pub(super) fn open(&self, place: &str, sealed: &[u8]) -> Result<Opened, Unopened> {
        let rest = sealed.strip_prefix(&[FORM]).ok_or(Unopened::Damaged)?;
        let (id, rest) = rest.split_first_chunk::<ID>().ok_or(Unopened::Damaged)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unopened::Damaged)?;
        let at = self.0.iter().position(|key| key.id == *id).ok_or(Unopened::NoKey)?;
        let payload = Payload {
            msg: rest,
            aad: place.as_bytes(),
        };
        let bytes = self.0[at]
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| Unopened::Damaged)?;
        Ok(Opened {
            bytes,
            is_newest: at == 0,
        })
    }
}

/// Why it does not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unopened {
    Damaged,
    NoKey,
}

impl Unopened {
    /// After what does not open.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Damaged => "is damaged: it does not open",
            Self::NoKey => "was sealed by a key that is not given",
        }
    }
}

impl Key {
    /// A secret of enough characters is as good as a key: one hash brings it to size.
    fn of(text: &str) -> Self {
        let key: [u8; 32] = derive(text.as_bytes(), "seal").into();
        let id: [u8; 32] = derive(text.as_bytes(), "id").into();
        let mut short = [0; ID];
        short.copy_from_slice(&id[..ID]);
        Self {
            id: short,
            cipher: XChaCha20Poly1305::new(&key.into()),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} secret)", self.0.len())
    }
}

/// A key for one use, from a secret of full strength; uses never share bytes.
pub(super) fn derive(secret: &[u8], usage: &str) -> impl Into<[u8; 32]> {
    let hash = Sha256::new()
        .chain_update(b"mcpgw store 1 ")
        .chain_update(usage.as_bytes())
        .chain_update([0])
        .chain_update(secret);
    hash.finalize()
}

/// The key of a gateway that was given none: made at the first start, read at each later one. `is_wanted`: make one where
/// there is none.
pub fn own_key(state: &Path, is_wanted: bool) -> Result<Option<String>, StoreError> {
    let path = state.join(OWN);
    match fs::read(&path) {
        Ok(bytes) => {
            let mode = fs::metadata(&path).map_or(0, |metadata| metadata.mode());
            if mode & 0o077 != 0 {
                return Err(StoreError(format!(
                    "others than its owner may read {}: run `chmod 600 {}`",
                    path.display(),
                    path.display()
                )));
            }
            let text = String::from_utf8(bytes).map_err(|_| StoreError(format!("{} is damaged", path.display())))?;
            Ok(Some(text.trim_end().to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_wanted => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes)
                .map_err(|error| StoreError(format!("the system gives no random bytes: {error}")))?;
            let text = STANDARD.encode(bytes);
            durable::write(&path, ".store.key.new", &[text.as_bytes(), b"\n"])
                .map_err(|error| cannot("write", &path, &error))?;
            Ok(Some(text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", &path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an old key of at least 32 characters";
    const NEW: &str = "a new key of at least 32 characters!";

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = Keys::of([OLD]).unwrap();
        let both = Keys::of([NEW, OLD]).unwrap();
        let sealed = old.seal("grant/1", b"value").unwrap();
        let opened = both.open("grant/1", &sealed).unwrap();
        assert!(opened.bytes == b"value" && !opened.is_newest);
        let anew = both.seal("grant/1", b"value").unwrap();
        assert!(both.open("grant/1", &anew).unwrap().is_newest);
        assert_eq!(old.open("grant/1", &anew).err(), Some(Unopened::NoKey));
        assert!(both.is_same(&Keys::of([NEW, OLD]).unwrap()) && !both.is_same(&old));
        assert!(!both.is_same(&Keys::of([OLD, NEW]).unwrap()), "another one seals");
    }

    #[test]
    fn what_was_moved_or_changed_does_not_open() {
        let keys = Keys::of([OLD]).unwrap();
        let sealed = keys.seal("grant/1", b"value").unwrap();
        assert_eq!(keys.open("grant/2", &sealed).err(), Some(Unopened::Damaged));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys.open("grant/1", &changed).is_err(), "{at}");
            assert!(keys.open("grant/1", &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_short_key_and_no_key_are_refused() {
        assert!(Keys::of(["short"]).unwrap_err().contains("openssl rand"));
        assert!(Keys::of([]).unwrap_err().contains("no key"));
    }

    #[test]
    fn the_own_key_is_made_once_and_must_be_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        assert_eq!(own_key(home.path(), false).unwrap(), None);
        let made = own_key(home.path(), true).unwrap();
        assert_eq!(own_key(home.path(), false).unwrap(), made);
        let path = home.path().join(OWN);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            own_key(home.path(), true)
                .unwrap_err()
                .to_string()
                .contains("chmod 600")
        );
    }
}

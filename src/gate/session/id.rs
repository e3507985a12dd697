//! Ids of sessions: sealed, so that whoever has the store's secret goes on with a session that another gateway, or another process, began.
//!
//! An id opens for its principal at its endpoint alone, and is no authentication: every request proves both anew (MCP 2025-11-25,
//! Security Best Practices, "Session Hijacking").

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::mcp::{Era, Version};
use crate::name::{EndpointName, Principal};
use crate::pii::Seal;

/// Of an id's capabilities, in bytes; longer ones lie in the store.
pub(super) const MAX_CAPABILITIES: usize = 2 << 10;
/// Of a whole id, in characters: what is longer was not made here.
const MAX_ID: usize = 4 << 10;
/// The first byte: the form that this file writes.
const FORM: u8 = 1;
/// Bytes of a version's name.
const VERSION: usize = 10;

/// What an id says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Told {
    /// Of all sessions there ever are.
    pub(super) unique: [u8; 16],
    /// Milliseconds since 1970.
    pub(super) start: u64,
    pub(super) version: Version,
    pub(super) client: Option<Arc<str>>,
    /// `None`: they lie in the store.
    pub(super) capabilities: Option<Bytes>,
}

/// `None`: it cannot be sealed.
pub(super) fn write(seal: &dyn Seal, owner: (&Principal, &EndpointName), told: &Told) -> Option<String> {
    let client = told.client.as_deref().unwrap_or_default();
    let mut bytes = vec![FORM];
    bytes.extend_from_slice(&told.unique);
    bytes.extend_from_slice(&told.start.to_be_bytes());
    bytes.extend_from_slice(told.version.as_str().as_bytes());
    bytes.push(u8::try_from(client.len()).ok()?);
    bytes.extend_from_slice(client.as_bytes());
    if let Some(capabilities) = &told.capabilities {
        bytes.extend_from_slice(capabilities);
    }
    Some(URL_SAFE_NO_PAD.encode(seal.seal(&place(owner), &bytes)?))
}

/// `None`: it was not made here, or not for this owner.
pub(super) fn read(seal: &dyn Seal, owner: (&Principal, &EndpointName), id: &str) -> Option<Told> {
    if id.len() > MAX_ID {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(id).ok()?;
    let opened = seal.open(&place(owner), &sealed)?;
    let rest = opened.strip_prefix(&[FORM])?;
    let (unique, rest) = rest.split_first_chunk::<16>()?;
    let (start, rest) = rest.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk::<VERSION>()?;
    let (client, rest) = rest.split_first()?;
    let (client, capabilities) = rest.split_at_checked((*client).into())?;
    Some(Told {
        unique: *unique,
        start: u64::from_be_bytes(*start),
        version: Version::parse(std::str::from_utf8(version).ok()?).filter(|version| version.era() == Era::Legacy)?,
        client: (!client.is_empty())
            .then(|| std::str::from_utf8(client).ok().map(Arc::from))
            .flatten(),
        capabilities: (!capabilities.is_empty()).then(|| Bytes::copy_from_slice(capabilities)),
    })
}

/// No two owners have one place: a name has no line break in it.
fn place((principal, endpoint): (&Principal, &EndpointName)) -> Vec<u8> {
    format!("session\n{}\n{principal}", endpoint.as_str()).into_bytes()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Says for whom it was sealed, in clear.
    #[derive(Debug)]
    pub(in crate::gate::session) struct Glass;

    impl Seal for Glass {
        fn seal(&self, place: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
            Some([place, b"\0", bytes].concat())
        }

        fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
            Some(sealed.strip_prefix(place)?.strip_prefix(b"\0")?.to_vec())
        }
    }

    #[test]
    fn an_id_tells_its_owner_all_and_others_nothing() {
        let (alice, bob) = (Principal::User("alice".into()), Principal::User("bob".into()));
        let (e, f) = (EndpointName::new("e").unwrap(), EndpointName::new("f").unwrap());
        for (client, capabilities) in [
            (None, None),
            (Some("Claude 1.0".into()), Some(Bytes::from_static(b"{\"roots\":{}}"))),
        ] {
            let told = Told {
                unique: [7; 16],
                start: 1_800_000_000_000,
                version: Version::V2025_03_26,
                client,
                capabilities,
            };
            let id = write(&Glass, (&alice, &e), &told).unwrap();
            assert!(id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
            assert_eq!(read(&Glass, (&alice, &e), &id), Some(told));
            assert_eq!(read(&Glass, (&bob, &e), &id), None);
            assert_eq!(read(&Glass, (&alice, &f), &id), None);
            for at in 0..id.len() {
                // What is cut off is none of ours: a seal proper finds that, here it is only not to panic.
                let _cut = read(&Glass, (&alice, &e), &id[..at]);
            }
        }
    }

    #[test]
    fn what_we_did_not_make_is_no_id() {
        let (alice, e) = (Principal::User("alice".into()), EndpointName::new("e").unwrap());
        for id in ["", "=", "abc", &"A".repeat(MAX_ID + 1)] {
            assert_eq!(read(&Glass, (&alice, &e), id), None);
        }
    }
}

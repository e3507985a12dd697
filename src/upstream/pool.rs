//! Which conversation a caller gets, and which of them have been idle for too long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::mcp::Era;
use crate::name::Principal;
use crate::snapshot::Isolation;
use crate::upstream::conversation::Conversation;
use crate::upstream::scope::{Profile, Scope, SessionKey};

/// Sessions that one server may be held in; beyond, the longest idle one ends.
const MAX_CONVERSATIONS: usize = 10_000;

/// Who shares a conversation. What differs in any part of it never meets.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Key {
    /// Everybody, and the catalogue.
    Shared,
    /// One session of one client. The principal is in it although a session has one only: no mistake elsewhere may mix two.
    Session(Principal, SessionKey),
    /// All clients of one caller; where the handshake names capabilities, those with the same.
    Principal(Principal, Option<Profile>),
    /// Nobody else, and only as long as the link lives.
    Lone,
}

/// `auto`: a modern server's requests describe themselves, so it is shared; a legacy session belongs to one client.
pub(super) fn isolate(isolation: Isolation, era: Era, scope: &Scope) -> Key {
    let by_session = || {
        scope
            .session
            .as_ref()
            .map(|session| Key::Session(scope.principal.clone(), Arc::clone(session)))
    };
    let profile = || (era == Era::Legacy).then(|| scope.profile.clone());
    let by_principal = || Key::Principal(scope.principal.clone(), profile());
    let anonymous = scope.principal == Principal::Anonymous;
    match (isolation, era) {
        (Isolation::Shared, _) | (Isolation::Auto, Era::Modern) => Key::Shared,
        (Isolation::Principal, _) if !anonymous => by_principal(),
        // All anonymous callers are one principal; `auto` would let them share a modern server.
        (Isolation::Principal, Era::Modern) => by_principal(),
        (Isolation::Auto | Isolation::Principal, Era::Legacy) | (Isolation::Session, _) => match by_session() {
            Some(key) => key,
            None if anonymous => Key::Lone,
            None => by_principal(),
        },
    }
}

#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<HashMap<Key, Arc<Conversation>>>);

impl Pool {
    pub(super) fn get_or_insert(&self, key: &Key, make: impl FnOnce() -> Arc<Conversation>) -> Arc<Conversation> {
        let mut map = self.map();
        if let Some(conversation) = map.get(key) {
            conversation.touch();
            return Arc::clone(conversation);
        }
        if map.len() >= MAX_CONVERSATIONS {
            let longest = map
                .iter()
                .filter_map(|(key, conversation)| Some((conversation.idle()?, key.clone())))
                .max_by_key(|(idle, _)| *idle);
            if let Some((_, key)) = longest {
                map.remove(&key);
            }
        }
        let conversation = make();
        map.insert(key.clone(), Arc::clone(&conversation));
        conversation
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Conversation>> {
        self.map().get(key).cloned()
    }

    /// What has been idle for longer than `limit`. It stays in the pool only where a link still holds it.
    pub(super) fn idle(&self, limit: Duration) -> Vec<Arc<Conversation>> {
        let mut found = Vec::new();
        self.map().retain(|_, conversation| {
            let idle = conversation.idle().is_some_and(|idle| idle >= limit);
            let held = Arc::strong_count(conversation) > 1;
            if idle {
                found.push(Arc::clone(conversation));
            }
            held || !idle
        });
        found
    }

    /// A client's session is over.
    pub(super) fn take_session(&self, session: &str) -> Vec<Arc<Conversation>> {
        let mut taken = Vec::new();
        self.map().retain(|key, conversation| {
            let ends = matches!(key, Key::Session(_, own) if **own == *session);
            if ends {
                taken.push(Arc::clone(conversation));
            }
            !ends
        });
        taken
    }

    pub(super) fn take_all(&self) -> Vec<Arc<Conversation>> {
        self.map().drain().map(|(_, conversation)| conversation).collect()
    }

    pub(super) fn conversations(&self) -> Vec<Arc<Conversation>> {
        self.map().values().cloned().collect()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Key, Arc<Conversation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::Version;

    fn scope(principal: &str, session: Option<&str>, capabilities: &'static str) -> Scope {
        Scope {
            principal: Principal::parse(principal).unwrap(),
            session: session.map(SessionKey::from),
            profile: Profile {
                version: Version::V2025_11_25,
                capabilities: capabilities.into(),
            },
            sink: None,
        }
    }

    #[test]
    fn auto_shares_a_modern_server_and_gives_a_legacy_one_to_one_client() {
        let (ann, bob) = (scope("user:ann", Some("1"), "{}"), scope("user:bob", None, "{}"));
        let nobody = scope("anonymous", None, "{}");
        for scope in [&ann, &bob, &nobody] {
            assert_eq!(isolate(Isolation::Auto, Era::Modern, scope), Key::Shared);
            assert_eq!(isolate(Isolation::Shared, Era::Legacy, scope), Key::Shared);
        }
        assert!(matches!(isolate(Isolation::Auto, Era::Legacy, &ann), Key::Session(..)));
        assert!(matches!(
            isolate(Isolation::Auto, Era::Legacy, &bob),
            Key::Principal(_, Some(_))
        ));
        assert_eq!(isolate(Isolation::Auto, Era::Legacy, &nobody), Key::Lone);
    }

    #[test]
    fn two_principals_never_share_what_is_isolated() {
        for isolation in [Isolation::Principal, Isolation::Session] {
            for era in [Era::Legacy, Era::Modern] {
                for session in [None, Some("same")] {
                    let ann = isolate(isolation, era, &scope("user:ann", session, "{}"));
                    let bob = isolate(isolation, era, &scope("user:bob", session, "{}"));
                    assert_ne!(ann, bob);
                    assert_ne!(ann, Key::Shared);
                }
            }
        }
    }

    #[test]
    fn clients_with_other_capabilities_get_another_legacy_session() {
        let plain = isolate(Isolation::Principal, Era::Legacy, &scope("user:ann", None, "{}"));
        let asks = isolate(
            Isolation::Principal,
            Era::Legacy,
            &scope("user:ann", None, r#"{"elicitation":{}}"#),
        );
        assert_ne!(plain, asks);
    }
}

//! What a hold cuts: requests and sessions of those who are let in no more.
//!
//! Who comes later is refused where it is found out who they are; open streams look again whether they may go on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::gate::Gate;
use crate::name::{Caller, Target};
use crate::snapshot::access::Holds;

/// Callers whose requests can be cut; those of more run to their end, and their next ones are refused.
const MAX_KNOWN: usize = 100_000;

/// A token for each caller, which the caller's requests end with.
#[derive(Default)]
pub(super) struct Cuts {
    tokens: Mutex<HashMap<Caller, CancellationToken>>,
    /// What was cut for already.
    done: Mutex<Arc<Holds>>,
}

impl Cuts {
    pub(super) fn token(&self, caller: &Caller) -> CancellationToken {
        let mut all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = all.get(caller) {
            return token.clone();
        }
        let token = CancellationToken::new();
        if all.len() < MAX_KNOWN {
            all.insert(caller.clone(), token.clone());
        }
        token
    }

    /// `false`: there is nothing new to cut for.
    fn begin(&self, holds: &Arc<Holds>) -> bool {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        !Arc::ptr_eq(&std::mem::replace(&mut *done, Arc::clone(holds)), holds)
    }

    fn cut(&self, is_held: impl Fn(&Caller) -> bool) {
        let mut all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|caller, token| {
            let held = is_held(caller);
            if held {
                token.cancel();
            }
            !held
        });
    }
}

impl Gate {
    /// Follows what is held in the store: who is held now is cut off before this returns.
    pub fn follow_holds(&self) {
        let snapshot = &self.generation().snapshot;
        let holds = self.auth.follow_holds(snapshot);
        if !self.cuts.begin(&holds) {
            return;
        }
        self.cuts.cut(|caller| holds.on_caller(snapshot, caller).is_some());
        self.sessions
            .end_of(|principal| holds.contains(&Target::Principal(principal.clone())));
        self.changes.send_modify(|count| *count += 1);
    }
}

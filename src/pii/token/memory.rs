//! What the tokens of one session stand for. Of one process, in memory alone: it ends with the session.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::name::PiiName;
use crate::pii::token::{Given, Literals, Value};

/// What one session may have remembered, in bytes: some 1,500 addresses of mail. What comes after that is masked.
const MAX: usize = 256 << 10;
/// What an entry takes besides its texts, in bytes.
const ENTRY: usize = 96;

/// Filled by one session's answers; every table numbers its tokens here, so that no two of the session are equal.
#[derive(Default)]
pub struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    tokens: HashMap<Arc<Key>, Arc<str>>,
    /// With how many there were before each.
    keys: HashMap<Arc<str>, (Arc<Key>, usize)>,
    /// The last number of each label.
    last: HashMap<String, u32>,
    bytes: usize,
    /// What servers were given; no more than `tokens` has.
    given: HashMap<PiiName, (Given, Option<Arc<Literals>>)>,
}

#[derive(Eq, Hash, PartialEq)]
struct Key {
    table: PiiName,
    label: String,
    value: Value,
}

impl Memory {
    pub(super) fn token(&self, table: &PiiName, label: &str, value: Value) -> Option<String> {
        let key = Key {
            table: table.clone(),
            label: label.to_owned(),
            value,
        };
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        if let Some(token) = state.tokens.get(&key) {
            return Some(token.to_string());
        }
        let size = ENTRY + key.value.text.len() + 3 * label.len() + table.as_str().len();
        if state.bytes + size > MAX {
            return None;
        }
        state.bytes += size;
        let number = state.last.entry(label.to_owned()).or_default();
        *number += 1;
        let token: Arc<str> = format!("[{label}_{number}]").into();
        let key = Arc::new(key);
        state.tokens.insert(Arc::clone(&key), Arc::clone(&token));
        let before = state.keys.len();
        state.keys.insert(Arc::clone(&token), (key, before));
        Some(token.to_string())
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys.len()
    }

    /// Of a token that this table has made, among the first `known` of all.
    pub(super) fn value(&self, table: &PiiName, token: &str, known: usize) -> Option<Value> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, before) = state.keys.get(token)?;
        (*before < known && key.table == *table).then(|| key.value.clone())
    }

    /// Remembers what a server was given of this table, and says what servers were given in all.
    pub(super) fn give(&self, table: &PiiName, new: Given) -> Option<Arc<Literals>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (given, literals) = state.given.entry(table.clone()).or_default();
        if given.extend(new) {
            *literals = given.literals().map(Arc::new);
        }
        literals.clone()
    }

    pub(super) fn given(&self, table: &PiiName) -> Option<Arc<Literals>> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.given.get(table)?.1.clone()
    }
}

/// Values never show.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(..)")
    }
}

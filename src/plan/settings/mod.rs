//! Tables of a Snapshot as keys and values, for the changes between two of them.
//!
//! Every field of every table has its key here, so that what differs shows: each function takes its table apart field by
//! field, and a new field does not compile until it has one.

mod endpoint;
mod gateway;
mod lock;
mod people;
mod pii;
mod role;
mod server;
mod value;

use std::fmt::Display;

pub use value::{Value, Word};

pub(super) use endpoint::{ORDER, endpoint, selection};
pub(super) use gateway::gateway;
pub(super) use lock::{file, lock};
pub(super) use people::{group, issuer, login, service, user};
pub(super) use pii::pii;
pub(super) use role::role;
pub(super) use server::{argv, server};
pub(super) use value::{duration, quote, size};

/// One key of a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    pub key: String,
    pub value: Value,
    /// What holds where the key is absent.
    pub is_default: bool,
}

/// The keys of one table, in the order of the reference.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings(pub Vec<Setting>);

impl Settings {
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.key == key)
    }

    fn push(&mut self, key: impl Display, value: Value, is_default: bool) {
        self.0.push(Setting {
            key: key.to_string(),
            value,
            is_default,
        });
    }

    fn word(&mut self, key: impl Display, word: Word) {
        self.push(key, Value::One(word), false);
    }

    fn text(&mut self, key: impl Display, text: &str) {
        self.word(key, Word::quoted(text));
    }

    /// `text` as it is written, for numbers, durations and references.
    fn plain(&mut self, key: impl Display, text: impl Display) {
        self.word(key, Word::plain(text));
    }

    /// Like `plain`, where the key has a default.
    #[expect(clippy::needless_pass_by_value, reason = "defaults are made on the spot")]
    fn or_default<T: PartialEq>(&mut self, key: impl Display, value: T, default: T, show: impl Fn(T) -> String) {
        let is_default = value == default;
        self.push(key, Value::One(Word::plain(show(value))), is_default);
    }

    fn flag(&mut self, key: impl Display, value: bool) {
        self.push(key, Value::One(Word::plain(value)), !value);
    }

    /// Absent where it is empty.
    fn list(&mut self, key: impl Display, words: Vec<Word>) {
        if !words.is_empty() {
            self.push(key, Value::List(words), false);
        }
    }

    fn texts<'a>(&mut self, key: impl Display, texts: impl IntoIterator<Item = &'a str>) {
        self.list(key, texts.into_iter().map(Word::quoted).collect());
    }
}

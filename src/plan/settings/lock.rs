//! `locked/SERVER.json`: one key for each recorded definition.

use super::{Settings, Word};
use crate::lock::Lock;

/// A definition is compared whole; in its place stand a few words.
pub(in crate::plan) fn lock(lock: &Lock) -> Settings {
    let mut keys = Settings::default();
    keys.text("protocol", lock.protocol());
    for (name, tool) in lock.tools() {
        let hint = match (tool.is_read_only(), tool.is_destructive()) {
            (true, _) => "read-only",
            (false, true) => "may destroy",
            (false, false) => "not destructive",
        };
        keys.word(format_args!("tool.{name}"), Word::hiding(hint, tool));
    }
    for (name, prompt) in lock.prompts() {
        keys.word(format_args!("prompt.{name}"), Word::hiding("recorded", prompt));
    }
    for (uri, template) in lock.templates() {
        keys.word(format_args!("template.{uri}"), Word::hiding("recorded", template));
    }
    keys
}

/// A file that travels with the configuration: it is compared by its digest.
pub(in crate::plan) fn file(digest: &str) -> Settings {
    let mut keys = Settings::default();
    keys.plain("sha256", digest);
    keys
}

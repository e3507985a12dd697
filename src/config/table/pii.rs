//! `[pii.NAME]`.

use crate::config::grammar::{List, Map, PiiType, Text, choice, table};
use crate::name::PiiName;

table! {
    /// A filter for personal data, per direction.
    pub struct Pii {
        /// Types redacted on the way to servers.
        requests / "requests": List<PiiType> = "[]";
        /// Types redacted on the way to clients; `["all"]` is the five built-in ones and the custom ones.
        responses / "responses": List<PiiType> = "[]";
        /// Values that are never redacted, by type: globs, and networks for `ip`.
        keep / "keep": Map<String, List<Text>> = "{}";
        /// What takes the place of a value: a fixed word, or a token that is put back for `restore-to`.
        mode / "mode": PiiMode = "\"mask\"";
        /// Servers that get the original back in place of a token.
        restore_to / "restore-to": List<String> = "[]";
        /// Types of your own.
        custom / "custom": Map<PiiName, PiiCustom>;
    }
}

choice! {
    pub enum PiiMode { Mask "mask", Token "token", }
}

table! {
    /// A type of personal data of your own.
    pub struct PiiCustom {
        /// A regular expression, matched in linear time.
        pattern / "pattern": Text [required];
        /// What takes its place; by default from the name.
        placeholder / "placeholder": Text = "[REDACTED_NAME]";
        /// A checksum that must hold too.
        checksum / "checksum": Checksum;
    }
}

choice! {
    pub enum Checksum { Luhn "luhn", }
}

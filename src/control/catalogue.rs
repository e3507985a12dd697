//! What the servers of a running gateway list: each definition with the bytes that its server sent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// `format-version` 1.
#[derive(Clone, Debug, Deserialize)]
pub struct Catalogues {
    /// By name.
    pub servers: BTreeMap<String, Catalogue>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Catalogue {
    /// `not-yet`, `ready`, or `failed`, with the lists of an earlier time.
    pub state: String,
    /// Why it failed, in words that may be the server's.
    pub reason: Option<String>,
    /// The version that it speaks, once it is known.
    pub protocol: Option<String>,
    pub tools: Vec<Box<RawValue>>,
    pub prompts: Vec<Box<RawValue>>,
    pub resources: Vec<Box<RawValue>>,
    pub templates: Vec<Box<RawValue>>,
}

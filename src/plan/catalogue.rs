//! What the servers list, as far as anybody knows: the running gateway's word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::name::ServerName;

/// By server; one that is not here was not asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Catalogue(pub BTreeMap<ServerName, Known>);

/// What one server lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known {
    pub tools: BTreeSet<Arc<str>>,
    pub prompts: BTreeSet<Arc<str>>,
    /// By URI template.
    pub templates: BTreeSet<Arc<str>>,
}

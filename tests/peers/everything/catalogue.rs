//! What the server lists, read from `catalogue.json`: the tools of both eras, those of 2026-07-28 alone, prompts, resources.

use rmcp::ErrorData;
use rmcp::model::{Prompt, Resource, ResourceTemplate, Tool};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Catalogue {
    both: Vec<Tool>,
    modern: Vec<Tool>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) templates: Vec<ResourceTemplate>,
}

impl Catalogue {
    pub(crate) fn read() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("catalogue.json"))
    }

    pub(crate) fn tools(&self, modern: bool) -> impl Iterator<Item = &Tool> {
        self.both.iter().chain(self.modern.iter().filter(move |_| modern))
    }
}

/// One page of `all` and the cursor of the next. A cursor is the index at which its page starts; any other is refused.
pub(crate) fn page<T: Clone>(
    all: &[T],
    cursor: Option<String>,
    size: Option<usize>,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let start = match cursor {
        None => 0,
        Some(text) => match text.parse::<usize>() {
            Ok(index) if index < all.len() => index,
            _ => return Err(ErrorData::invalid_params("unknown cursor", None)),
        },
    };
    let end = size.map_or(all.len(), |size| (start + size).min(all.len()));
    Ok((all[start..end].to_vec(), (end < all.len()).then(|| end.to_string())))
}

//! What the process runs, as JSON for `plan`, `apply` and `lock`: its configuration from memory, and what its servers list.
//!
//! Fields are only added; `format-version` grows when one changes its meaning.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::config::Bundle;
use crate::mcp::Version;
use crate::pii::Cover;
use crate::serve::live::{Live, Served};
use crate::serve::status::cover_in_place;
use crate::store::Kept;
use crate::upstream::{CatalogueState, Item, Upstream};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Configuration<'a> {
    format_version: u64,
    generation: u64,
    digest: &'a str,
    /// As the gateway was given them.
    paths: Vec<String>,
    /// What changes it: `files`, `applies`, or nothing since the `start`.
    follows: &'static str,
    bundle: &'a Bundle,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Catalogues {
    format_version: u64,
    servers: BTreeMap<String, Catalogue>,
}

#[derive(Serialize)]
struct Catalogue {
    /// `not-yet`, `ready`, or `failed`, with the lists of an earlier time.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    protocol: Option<&'static str>,
    tools: Vec<Box<RawValue>>,
    prompts: Vec<Box<RawValue>>,
    resources: Vec<Box<RawValue>>,
    templates: Vec<Box<RawValue>>,
}

pub(super) fn configuration<'a>(live: &Live, served: &'a Served) -> Configuration<'a> {
    Configuration {
        format_version: 1,
        generation: served.generation,
        digest: &served.digest,
        paths: live
            .paths
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect(),
        follows: live.follows_word(),
        bundle: &served.bundle,
    }
}

pub(super) fn catalogues(live: &Live) -> Catalogues {
    let generation = live.gate.generation();
    let servers = generation.upstreams.values();
    Catalogues {
        format_version: 1,
        servers: servers
            .map(|upstream| (upstream.name().to_string(), catalogue(upstream, generation.cover())))
            .collect(),
    }
}

/// Definitions stand there as the server publishes them, since locks and plans compare them; why there are none is covered.
fn catalogue(upstream: &Upstream, cover: &Cover) -> Catalogue {
    let catalogue = upstream.catalogue();
    let (state, reason) = match &catalogue.state {
        // Each owner of a credential has a list of its own.
        CatalogueState::Several => ("several", None),
        CatalogueState::NotYet => ("not-yet", None),
        CatalogueState::Ready => ("ready", None),
        CatalogueState::Failed(reason) => ("failed", Some(reason.clone())),
    };
    let mut reason = reason;
    cover_in_place(&mut reason, cover);
    let all = |items: &[Item]| items.iter().filter_map(|item| raw(&item.raw)).collect();
    Catalogue {
        state,
        reason,
        protocol: catalogue.version.map(Version::as_str),
        tools: catalogue.tools.iter().filter_map(|tool| raw(&tool.item.raw)).collect(),
        prompts: all(&catalogue.prompts),
        resources: all(&catalogue.resources),
        templates: all(&catalogue.templates),
    }
}

/// The files of a generation that the store has; what has rotted there is not served.
pub(super) fn bundle_of(kept: &Kept) -> Result<Bundle, String> {
    let number = kept.head.generation;
    let bundle: Bundle = serde_json::from_str(kept.files.get())
        .map_err(|error| format!("generation {number} in the store cannot be read: {error}"))?;
    if bundle.digest() == kept.head.digest {
        Ok(bundle)
    } else {
        Err(format!(
            "generation {number} in the store is damaged: its files are not those of its digest"
        ))
    }
}

/// What a server sent is JSON already, or it would not be in a catalogue.
fn raw(bytes: &Bytes) -> Option<Box<RawValue>> {
    RawValue::from_string(String::from_utf8(bytes.to_vec()).ok()?).ok()
}

//! What the running gateway serves, from its memory: the current side of a plan, and what an apply replaces.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::arguments::WhichGateway;
use super::exit::Failure;
use super::gateway;
use super::output::Output;
use super::plan::{Judged, files_base};
use crate::compile::{Settings, validate_bundle};
use crate::config::Bundle;
use crate::control::{ControlError, Gateway};
use crate::name::ServerName;
use crate::plan::render::{Base, Hold};
use crate::plan::{Catalogue, Known};
use crate::store::Head;
use crate::text::safe;

/// A gateway that answers.
pub(super) struct Running {
    pub(super) gateway: Gateway,
    pub(super) generation: u64,
    pub(super) digest: String,
    /// `files`, `applies` or `start`.
    pub(super) follows: String,
    pub(super) bundle: Bundle,
}

/// `GET /v1/configuration`.
#[derive(Deserialize)]
struct Configuration {
    generation: u64,
    digest: String,
    follows: String,
    bundle: Bundle,
}

impl Running {
    /// It must answer.
    pub(super) fn find(which: &WhichGateway, paths: &[PathBuf], output: &Output) -> Result<Self, Failure> {
        Self::find_any(which, paths, output)?.map_err(|error| gateway::told(&error))
    }

    /// `Err` with the error inside: none was named and none answers. One that was named must answer.
    pub(super) fn find_any(
        which: &WhichGateway,
        paths: &[PathBuf],
        output: &Output,
    ) -> Result<Result<Self, ControlError>, Failure> {
        let gateway = gateway::find(which, paths, output)?;
        let configuration = match gateway.configuration() {
            Ok(configuration) => configuration,
            Err(error @ ControlError::NotRunning { explicit: false, .. }) => return Ok(Err(error)),
            Err(error) => return Err(gateway::told(&error)),
        };
        let configuration: Configuration = understood(configuration)?;
        Ok(Ok(Self {
            gateway,
            generation: configuration.generation,
            digest: configuration.digest,
            follows: configuration.follows,
            bundle: configuration.bundle,
        }))
    }

    /// Its configuration as a side of a plan.
    pub(super) fn judged(&self, settings: &Settings) -> Result<Judged, Failure> {
        let name = format!("gateway on {}, generation {}", self.gateway.place(), self.generation);
        taken(&self.bundle, files_base("live", name, self.digest.clone()), settings)
    }

    /// Its generations, newest first.
    pub(super) fn history(&self) -> Result<Vec<Head>, Failure> {
        #[derive(Deserialize)]
        struct History {
            generations: Vec<Head>,
        }
        let history: History = understood(self.gateway.history().map_err(|error| gateway::told(&error))?)?;
        Ok(history.generations)
    }

    /// What is taken away from it, whatever its files say.
    pub(super) fn holds(&self) -> Result<Vec<Hold>, Failure> {
        #[derive(Deserialize)]
        struct Holds {
            holds: Vec<Hold>,
        }
        let holds: Holds = understood(self.gateway.holds().map_err(|error| gateway::told(&error))?)?;
        Ok(holds.holds)
    }

    /// What its servers list.
    pub(super) fn catalogue(&self) -> Result<Catalogue, Failure> {
        let catalogues = self.gateway.catalogue().map_err(|error| gateway::told(&error))?;
        let mut catalogue = Catalogue::default();
        for (name, listed) in &catalogues.servers {
            let is_known = listed.state == "ready" || !listed.tools.is_empty();
            if let (Ok(name), true) = (ServerName::new(name), is_known) {
                let known = Known {
                    tools: keys(&listed.tools, "name"),
                    prompts: keys(&listed.prompts, "name"),
                    templates: keys(&listed.templates, "uriTemplate"),
                };
                catalogue.0.insert(name, known);
            }
        }
        Ok(catalogue)
    }
}

/// Files that a gateway took once, as a side of a plan.
pub(super) fn taken(bundle: &Bundle, base: Base, settings: &Settings) -> Result<Judged, Failure> {
    Judged::new(validate_bundle(bundle, settings), |_| base).map_err(|_| {
        Failure::new("the gateway has a configuration that this version of mcpgw does not take")
            .hint("is it of another version? `mcpgw status` says which; compare with `--against git:REV` instead")
    })
}

/// What a gateway, or its store, tells.
pub(super) fn understood<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| {
        let why = error.to_string();
        Failure::new(format_args!("what the gateway tells cannot be read: {}", safe(&why)))
            .hint("is it of another version of mcpgw? `mcpgw status` says which")
    })
}

fn keys<T: FromIterator<Arc<str>>>(definitions: &[Box<RawValue>], key: &str) -> T {
    let key_of = |raw: &RawValue| {
        let value: serde_json::Value = serde_json::from_str(raw.get()).ok()?;
        value.get(key)?.as_str().map(Into::into)
    };
    definitions.iter().filter_map(|raw| key_of(raw)).collect()
}

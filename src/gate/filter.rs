//! What is redacted between an endpoint's clients and a server, in both directions.
//!
//! Compiled once for a generation, from the `[pii.*]` tables of its snapshot. Whoever sends a text that comes from the one side to the other
//! asks here for the redactor of the generation that is live then.

use std::collections::BTreeMap;
use std::sync::Weak;

use bytes::Bytes;

use crate::gate::Gate;
use crate::name::{EndpointName, PiiName, ServerName};
use crate::pii::{Cover, Direction, PatternError, Redactor};
use crate::snapshot::Snapshot;

/// The redactors of one table.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// On the way to the server.
    pub(super) request: Redactor,
    /// On the way to the client.
    pub(super) response: Redactor,
}

/// Of all tables; and what is taken out of texts that belong to no one call.
#[derive(Clone, Debug, Default)]
pub struct Filters(BTreeMap<PiiName, Filter>, Cover);

impl Filters {
    pub fn compile(snapshot: &Snapshot) -> Result<Self, PatternError> {
        let filters = snapshot.pii.iter().map(|(name, table)| {
            let filter = Filter {
                request: Redactor::new(table, Direction::Request)?,
                response: Redactor::new(table, Direction::Response)?,
            };
            Ok((name.clone(), filter))
        });
        Ok(Self(
            filters.collect::<Result<_, _>>()?,
            Cover::of(snapshot.pii.values())?,
        ))
    }

    /// For the log and for what `status` shows.
    pub fn cover(&self) -> &Cover {
        &self.1
    }

    pub(super) fn of(&self, snapshot: &Snapshot, endpoint: &EndpointName, server: &ServerName) -> Filter {
        let nothing = || Filter {
            request: Redactor::none(),
            response: Redactor::none(),
        };
        if self.0.is_empty() {
            return nothing();
        }
        match snapshot.filter(endpoint, Some(server)) {
            None => nothing(),
            // A name without a table is refused long before; if it came here, nothing personal would pass.
            Some(name) => self.0.get(name).cloned().unwrap_or_else(|| Filter {
                request: Redactor::strict(),
                response: Redactor::strict(),
            }),
        }
    }
}

/// Where messages come from that belong to no call, and to whom they go: the filter is the live generation's each time.
pub(super) struct Way {
    pub(super) gate: Weak<Gate>,
    pub(super) endpoint: EndpointName,
    pub(super) server: ServerName,
}

impl Way {
    /// A message of the server as its client may see it; `None` when the gateway is gone.
    pub(super) fn to_client(&self, message: Bytes) -> Option<Bytes> {
        let generation = self.gate.upgrade()?.generation();
        let filter = generation.filter(&self.endpoint, &self.server);
        Some(filter.response.redact(vec![message]).into_bytes())
    }
}

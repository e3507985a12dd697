//! What is redacted between an endpoint's clients and a server, in both directions.
//!
//! Compiled once for a generation, from the `[pii.*]` tables of its snapshot. Whoever sends a text that comes from the one side to the other
//! asks here for the redactor of the generation that is live then.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use crate::gate::Gate;
use crate::gate::auth::Identity;
use crate::gate::exchange::Request;
use crate::gate::generation::Generation;
use crate::gate::session::Session;
use crate::mcp::json;
use crate::name::{EndpointName, PiiName, ServerName};
use crate::pii::{Cover, Direction, Literals, PatternError, Redacted, Redactor, Tokens};
use crate::snapshot::Snapshot;
use crate::snapshot::access::{Object, Permit, Purpose, Rights};
use crate::upstream::Upstream;

/// The redactors of one table.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// On the way to the server.
    pub(super) request: Redactor,
    /// On the way to the client; without what the server was given.
    response: Redactor,
    /// The table, where what it finds becomes a token for those whose tokens are known here.
    table: Option<PiiName>,
    /// The server is one of `restore-to`.
    is_trusted: bool,
    /// What is put back in requests.
    restored: Option<Tokens>,
    /// What the server was given in this exchange.
    given: Option<Arc<Literals>>,
}

impl Filter {
    /// Every byte passes.
    pub(super) fn none() -> Self {
        Self::of(Redactor::none(), Redactor::none())
    }

    fn of(request: Redactor, response: Redactor) -> Self {
        Self {
            request,
            response,
            table: None,
            is_trusted: false,
            restored: None,
            given: None,
        }
    }

    /// With the tokens of a session.
    pub(super) fn in_session(self, session: &Session) -> Self {
        self.with(|table| session.tokens(table))
    }

    /// With the tokens that a client without a session carries.
    pub(super) fn for_caller(self, request: &Request) -> Self {
        self.with(|table| {
            let account = request.identity.account(request.peer).to_string();
            let owner = [account.as_str(), request.endpoint.as_str()];
            Tokens::sealed(Arc::clone(&request.gate.seal), &owner, table)
        })
    }

    /// What a client itself writes in a request to a server that gets values back is masked: as a token it would be put back at once.
    fn with(mut self, tokens: impl FnOnce(PiiName) -> Tokens) -> Self {
        let Some(tokens) = self.table.take().map(tokens) else {
            return self;
        };
        if self.is_trusted {
            self.restored = Some(tokens.clone().as_of_now());
        } else {
            self.request = self.request.with_tokens(tokens.clone());
        }
        self.response = self.response.with_tokens(tokens);
        self
    }

    /// Are values put back?
    pub(super) fn restores(&self) -> bool {
        self.restored.is_some()
    }

    /// The message as the server will get it, where that differs by what is put back.
    pub(super) fn restored(&self, message: &[u8]) -> Option<Vec<u8>> {
        let (restored, _) = self.restored.as_ref()?.restore(message, &restorable(message))?;
        Some(restored)
    }

    /// The last that is done to a message to a server. What is put back is known again in what the server says after that.
    pub(super) fn restore(&mut self, message: Redacted) -> Redacted {
        let Some(tokens) = &self.restored else { return message };
        let (message, given) = message.restored(tokens, restorable);
        self.given = tokens.give(given);
        message
    }

    /// On the way to the client, as of now: in a session a server may have been given more since, in answer to what it asked.
    pub(super) fn response(&self) -> Redactor {
        let in_session = self.restored.as_ref().and_then(Tokens::given);
        match in_session.or_else(|| self.given.clone()) {
            None => self.response.clone(),
            Some(literals) => self.response.knowing(literals),
        }
    }
}

/// Where values are put back: in arguments, and in answers to what a server has asked.
fn restorable(message: &[u8]) -> Vec<Range<usize>> {
    let Ok(whole) = json::check(message) else {
        return Vec::new();
    };
    let mut spans = Vec::new();
    for member in json::members(message, whole) {
        match member.key_str(message).as_deref() {
            Some("result") => spans.push(member.value.start..member.value.end),
            Some("params") => {
                for param in json::members(message, member.value) {
                    let key = param.key_str(message);
                    if matches!(key.as_deref(), Some("arguments" | "argument" | "inputResponses")) {
                        spans.push(param.value.start..param.value.end);
                    }
                }
            }
            _ => {}
        }
    }
    spans
}

/// Of all tables; and what is taken out of texts that belong to no one call.
#[derive(Clone, Debug, Default)]
pub struct Filters(BTreeMap<PiiName, Filter>, Cover);

impl Filters {
    pub fn compile(snapshot: &Snapshot) -> Result<Self, PatternError> {
        let filters = snapshot.pii.iter().map(|(name, table)| {
            let mut filter = Filter::of(
                Redactor::new(table, Direction::Request)?,
                Redactor::new(table, Direction::Response)?,
            );
            filter.table = table.reversible.then(|| name.clone());
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
        if self.0.is_empty() {
            return Filter::none();
        }
        match snapshot.filter(endpoint, Some(server)) {
            None => Filter::none(),
            // A name without a table is refused long before; if it came here, nothing personal would pass.
            Some(name) => match self.0.get(name).cloned() {
                None => Filter::of(Redactor::strict(), Redactor::strict()),
                Some(filter) => {
                    let table = snapshot.pii.get(name);
                    let is_trusted = table.is_some_and(|table| table.restore_to.contains(server));
                    Filter { is_trusted, ..filter }
                }
            },
        }
    }
}

/// Where messages come from that belong to no call, and to whom they go: the filter is the live generation's each time.
pub(super) struct Way {
    pub(super) gate: Weak<Gate>,
    pub(super) endpoint: EndpointName,
    pub(super) server: ServerName,
    /// Whose they are.
    pub(super) identity: Arc<Identity>,
}

impl Way {
    /// Of what a server says to whom a request comes from.
    pub(super) fn of(request: &Request, server: &ServerName) -> Self {
        Self {
            gate: Arc::downgrade(&request.gate),
            endpoint: request.endpoint.clone(),
            server: server.clone(),
            identity: Arc::clone(&request.identity),
        }
    }

    /// The server as it is reached for this caller now.
    pub(super) fn upstream(&self) -> Option<Arc<Upstream>> {
        let generation = self.gate.upgrade()?.generation();
        generation
            .upstreams
            .get(&self.server)?
            .of(&self.identity.caller.principal)
    }

    /// May the caller, as things are now, follow this resource?
    pub(super) fn permit(&self, uri: &str) -> Option<Permit> {
        let gate = self.gate.upgrade()?;
        let identity = gate.generation().identities.again(&gate.auth, &self.identity)?;
        let server = &self.server;
        let object = Object::Resource { server, uri };
        identity.rights.permit(&self.endpoint, object, Purpose::Follow).ok()
    }

    /// May the caller, as things are now, hear of this server at all? Rules, holds and grants change while a conversation is open.
    pub(super) fn is_open(&self) -> bool {
        self.now(|generation, rights| {
            let view = generation.view(&self.endpoint, rights);
            view.is_some_and(|view| view.has_server(&self.server))
        })
    }

    /// And of this resource?
    pub(super) fn is_open_for(&self, uri: &str) -> bool {
        let server = &self.server;
        self.now(|_, rights| {
            let object = Object::Resource { server, uri };
            rights.permit(&self.endpoint, object, Purpose::Follow).is_ok()
        })
    }

    fn now(&self, asks: impl FnOnce(&Generation, &Rights) -> bool) -> bool {
        let Some(gate) = self.gate.upgrade() else { return false };
        let generation = gate.generation();
        let identity = generation.identities.again(&gate.auth, &self.identity);
        identity
            .is_some_and(|identity| identity.rights.may_enter(&self.endpoint) && asks(&generation, &identity.rights))
    }

    /// A message of the server as its client may see it; `None` when the gateway is gone.
    pub(super) fn to_client(&self, message: Bytes) -> Option<Bytes> {
        self.filtered(message, |filter| filter)
    }

    /// The same for one with a session, whose tokens stand in it.
    pub(super) fn to_session(&self, session: &Session, message: Bytes) -> Option<Bytes> {
        self.filtered(message, |filter| filter.in_session(session))
    }

    fn filtered(&self, message: Bytes, owned: impl FnOnce(Filter) -> Filter) -> Option<Bytes> {
        let generation = self.gate.upgrade()?.generation();
        let filter = owned(generation.filter(&self.endpoint, &self.server));
        Some(filter.response().redact(vec![message]).into_bytes())
    }
}

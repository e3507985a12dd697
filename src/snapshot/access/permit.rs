//! The proof that a caller may reach something of a server: made here only, asked for by `upstream`.

use std::fmt;
use std::sync::Arc;

use super::{Arguments, Decision, Object, ObjectKind, Reason, Rights};
use crate::name::{EndpointName, Principal, ServerName};
use crate::snapshot::RuleId;

/// One caller, one endpoint, one thing of one server, allowed by one rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Permit {
    principal: Principal,
    endpoint: EndpointName,
    server: ServerName,
    kind: ObjectKind,
    name: Arc<str>,
    rule: RuleId,
}

/// What the caller wants to do with it.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'a> {
    /// `tools/call`, `prompts/get`, `resources/read`: the JSON of `params.arguments` as the server will get it, if present.
    /// It is read only where a rule asks for it.
    Call { arguments: Option<&'a [u8]> },
    /// What follows from being listed and has no arguments of its own: completion, subscription, a task of a call that was
    /// permitted.
    Follow,
}

/// The refusal, for the log; what the client may hear of it is [`Reason::is_about_arguments`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denied {
    pub reason: Reason,
}

impl Rights {
    /// The only way to a [`Permit`].
    pub fn permit(&self, endpoint: &EndpointName, object: Object<'_>, purpose: Purpose<'_>) -> Result<Permit, Denied> {
        let rule = match (self.decide(endpoint, object, None), purpose) {
            (Decision::Allowed { rule }, _) => rule,
            (Decision::Denied { reason }, _) => return Err(Denied { reason }),
            (Decision::Conditional { .. }, Purpose::Call { arguments }) => {
                self.rule_with_arguments(endpoint, object, arguments)?
            }
            // At least one `allow` is there, or it would not be conditional.
            (Decision::Conditional { allow, .. }, Purpose::Follow) => match allow.into_iter().next() {
                Some(rule) => rule,
                None => return Err(Denied { reason: Reason::NoRule }),
            },
        };
        Ok(Permit {
            principal: self.principal().clone(),
            endpoint: endpoint.clone(),
            server: object.server().clone(),
            kind: object.kind(),
            name: object.name().into(),
            rule,
        })
    }

    fn rule_with_arguments(
        &self,
        endpoint: &EndpointName,
        object: Object<'_>,
        raw: Option<&[u8]>,
    ) -> Result<RuleId, Denied> {
        let arguments = match raw {
            None => Arguments::default(),
            Some(raw) => Arguments::parse(raw).map_err(|error| Denied {
                reason: Reason::UnclearArguments(error),
            })?,
        };
        match self.decide(endpoint, object, Some(&arguments)) {
            Decision::Allowed { rule } => Ok(rule),
            Decision::Denied { reason } => Err(Denied { reason }),
            Decision::Conditional { .. } => Err(Denied {
                reason: Reason::Arguments(None),
            }),
        }
    }
}

impl Permit {
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub fn endpoint(&self) -> &EndpointName {
        &self.endpoint
    }

    pub fn server(&self) -> &ServerName {
        &self.server
    }

    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// The server's own name of the tool or prompt, or the URI.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The `allow` that decided.
    pub fn rule(&self) -> &RuleId {
        &self.rule
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Denied {}

//! Which line of the files decides a change, and what happened there.

use std::sync::Arc;

use super::{Cause, Scope};
use crate::name::{EndpointName, ServerName};
use crate::plan::Side;
use crate::snapshot::access::{Decision, Reason};
use crate::snapshot::{RuleId, Subject};

/// The causes of one server on one endpoint: mostly few, for many tools.
pub(super) struct Causes<'a> {
    scope: &'a Scope<'a>,
    endpoint: &'a EndpointName,
    server: &'a ServerName,
    /// Whoever asks can be there on the proposed side.
    is_there: bool,
    known: Vec<(Decision, Decision, Arc<Cause>)>,
}

impl<'a> Causes<'a> {
    pub(super) fn new(
        scope: &'a Scope<'a>,
        endpoint: &'a EndpointName,
        server: &'a ServerName,
        is_there: bool,
    ) -> Self {
        Self {
            scope,
            endpoint,
            server,
            is_there,
            known: Vec::new(),
        }
    }

    pub(super) fn of(&mut self, old: &Decision, new: &Decision) -> Arc<Cause> {
        let found = self
            .known
            .iter()
            .find(|(current, proposed, _)| current == old && proposed == new);
        if let Some((_, _, cause)) = found {
            return Arc::clone(cause);
        }
        let cause = Arc::new(self.cause(old, new));
        self.known.push((old.clone(), new.clone(), Arc::clone(&cause)));
        cause
    }

    fn cause(&self, old: &Decision, new: &Decision) -> Cause {
        match (old, new) {
            (_, Decision::Denied { reason }) => self.lost(old, reason),
            (Decision::Denied { reason }, _) => Cause {
                note: self.gained(reason),
                ..by(self.scope.proposed, decisive(new), false)
            },
            (Decision::Conditional { .. }, Decision::Allowed { .. }) => Cause {
                note: Some("whatever the arguments".to_owned()),
                ..by(self.scope.proposed, decisive(new), false)
            },
            (_, Decision::Conditional { .. } | Decision::Allowed { .. }) => {
                by(self.scope.proposed, decisive(new), false)
            }
        }
    }

    /// What stood in the way before.
    fn gained(&self, reason: &Reason) -> Option<String> {
        match reason {
            Reason::NotSelected => Some("newly selected".to_owned()),
            Reason::NotLocked if self.scope.proposed.snapshot.locks.contains_key(self.server) => {
                Some("newly in the lock".to_owned())
            }
            Reason::NotLocked => Some("no longer pinned".to_owned()),
            Reason::NoCredential => Some("newly with a credential".to_owned()),
            Reason::Rule(rule) => Some(format!("no longer denied by {rule}")),
            // A plan compares files, which hold nothing.
            Reason::Held(_)
            | Reason::NoRule
            | Reason::Arguments(_)
            | Reason::UnclearArguments(_)
            | Reason::UnsafeUri => None,
        }
    }

    fn lost(&self, old: &Decision, reason: &Reason) -> Cause {
        let at = |side: &Side<'_>, subject| Cause {
            rule: None,
            place: side.places.get(&subject).cloned(),
            note: None,
            was: false,
        };
        let noted = |note: &str, cause: Cause| Cause {
            note: Some(note.to_owned()),
            ..cause
        };
        match reason {
            _ if !self.is_there => Cause {
                note: Some("nobody signs in so any more".to_owned()),
                ..by(self.scope.current, decisive(old), true)
            },
            Reason::Rule(rule) | Reason::Arguments(Some(rule)) => by(self.scope.proposed, Some(rule), false),
            _ if !self.scope.proposed.snapshot.endpoints.contains_key(self.endpoint) => {
                let gone = at(self.scope.current, Subject::Endpoint(self.endpoint.clone()));
                noted("the endpoint is gone", Cause { was: true, ..gone })
            }
            Reason::NotSelected => {
                let selection = || Subject::Selection(self.endpoint.clone(), self.server.clone());
                let proposed = at(self.scope.proposed, selection());
                if proposed.place.is_some() {
                    return noted("no longer selected", proposed);
                }
                let was = at(self.scope.current, selection());
                noted("no longer selected", Cause { was: true, ..was })
            }
            Reason::NotLocked => noted("not in the lock", by(self.scope.proposed, None, false)),
            Reason::NoCredential => {
                let server = Subject::Server(self.server.clone());
                noted("no credential for it", at(self.scope.proposed, server))
            }
            Reason::Held(_)
            | Reason::NoRule
            | Reason::Arguments(None)
            | Reason::UnclearArguments(_)
            | Reason::UnsafeUri => noted("no longer allowed", by(self.scope.current, decisive(old), true)),
        }
    }
}

fn by(side: &Side<'_>, rule: Option<&RuleId>, was: bool) -> Cause {
    let place = |rule: &RuleId| side.places.get(&Subject::Rule(rule.clone())).cloned();
    Cause {
        rule: rule.cloned(),
        place: rule.and_then(place),
        note: None,
        was,
    }
}

/// The rule that a reader should look at first.
fn decisive(decision: &Decision) -> Option<&RuleId> {
    match decision {
        Decision::Allowed { rule } => Some(rule),
        Decision::Conditional { allow, deny } => deny.first().or(allow.first()),
        Decision::Denied { .. } => None,
    }
}

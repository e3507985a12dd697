//! A token that never expires is found by somebody one day.

use super::Advice;
use crate::diag::Code;
use crate::snapshot::{Snapshot, Subject};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (name, _) in snapshot
        .services
        .iter()
        .filter(|(_, service)| service.expires.is_none())
    {
        advice.push(Advice {
            code: Code::ServiceWithoutExpiry,
            subject: Subject::Service(name.clone()),
            title: format!("the token of the service `{name}` never expires"),
            label: "no `expires`",
            also: None,
            help: "add the last day on which it counts, within a year: `expires = 2027-01-31`".to_owned(),
        });
    }
}

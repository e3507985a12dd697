//! What of a Snapshot stands somewhere in the files.

use super::RuleId;
use crate::name::{EndpointName, GroupName, IssuerName, PiiName, RoleName, ServerName, ServiceName, UserName};

/// A table or rule: what a place or an advice can be about.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    Endpoint(EndpointName),
    Gateway,
    Group(GroupName),
    Issuer(IssuerName),
    /// `locked/SERVER.json`.
    Lock(ServerName),
    Pii(PiiName),
    Role(RoleName),
    Rule(RuleId),
    /// `[endpoint.NAME.server.SERVER]`.
    Selection(EndpointName, ServerName),
    Server(ServerName),
    Service(ServiceName),
    User(UserName),
}

//! The grammar: every table of a configuration, and of a test file, declared once.
//!
//! The words of a key are what editors show and what the reference page prints.

mod access;
mod endpoint;
mod gateway;
mod people;
mod pii;
mod server;
mod test;

pub use access::{Condition, Hint, Role, Rule};
pub use endpoint::{AccessDuration, Endpoint, Exposure, Limits, Selection, ToolLimits, ToolNames, ToolOverride};
pub use gateway::{
    Audit, AuditFailure, AuditPayloads, Control, ControlRight, ControlToken, Gateway, GatewayLimits, LogFormat, Store,
    Telemetry, Tls,
};
pub use people::{Group, Issuer, Jwks, Login, Oidc, Service, User};
pub use pii::{Checksum, Pii, PiiCustom, PiiMode};
pub use server::{Auth, Credentials, Home, Isolation, OAuth, OAuthGrant, OAuthResource, Protocol, Server};
pub use test::{Access, As, Direction, Redact, TestFile};

use crate::config::grammar::{List, Map, PathPattern, table};
use crate::name::{EndpointName, GroupName, IssuerName, PiiName, RoleName, ServerName, ServiceName, UserName};

table! {
    /// A whole configuration: all files together.
    pub struct Root {
        /// TOML files that are not configuration and not an error either. Only at the top of `mcpgw.toml`.
        ignore / "ignore": List<PathPattern> = "[]";
        /// The gateway itself: where it listens, its limits, its logs.
        gateway / "gateway": Gateway;
        /// MCP servers behind the gateway.
        servers / "server": Map<ServerName, Server>;
        /// What clients connect to: `<public-url>/mcp/NAME`.
        endpoints / "endpoint": Map<EndpointName, Endpoint>;
        /// How people sign in.
        login / "login": Login;
        /// Local accounts, without an identity provider.
        users / "user": Map<UserName, User>;
        /// Programs: each with a static token, sent as `Authorization: Bearer`.
        services / "service": Map<ServiceName, Service>;
        /// External authorization servers whose tokens are accepted.
        issuers / "issuer": Map<IssuerName, Issuer>;
        /// Groups, besides what the identity provider says.
        groups / "group": Map<GroupName, Group>;
        /// Who may do what. Nothing is allowed unless a rule allows it.
        roles / "role": Map<RoleName, Role>;
        /// Filters for personal data.
        pii / "pii": Map<PiiName, Pii>;
    }
}

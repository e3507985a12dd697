//! `[server.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{SecretRef, SettingValue};
use crate::mcp::Version;
use crate::name::PiiName;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    pub transport: Transport,
    pub credentials: Credentials,
    /// Present exactly where `credentials` is not `none`.
    pub auth: Option<ServerAuth>,
    /// Of one request to the server; the smallest of this, the endpoint's and the gateway's `call-timeout` holds.
    pub timeout: Option<Duration>,
    /// `None` is `"auto"`: probed.
    pub protocol: Option<Version>,
    pub pii: Option<PiiName>,
}

impl Server {
    /// Is it reached with one account for everybody, which an administrator has to authorize in a browser?
    pub fn waits_for_administrator(&self) -> bool {
        let auth = self.auth.as_ref().map(|auth| &auth.auth);
        self.credentials == Credentials::Shared
            && matches!(auth, Some(Auth::OAuth(table)) if table.grant == OAuthGrant::AuthorizationCode)
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transport {
    Http {
        /// http or https, without user or password.
        url: String,
        headers: BTreeMap<String, SettingValue>,
        /// For names that resolve to private, loopback or link-local addresses.
        allow_private_network: bool,
        /// PEM file, besides the system's roots.
        ca: Option<PathBuf>,
    },
    Stdio {
        /// Never a shell line; the first word `mcpgw` means this very binary.
        argv: Vec<String>,
        env: BTreeMap<String, SettingValue>,
        home: Home,
        cwd: Option<PathBuf>,
        /// The variable in which the child gets its credential.
        token_env: Option<String>,
        isolation: Isolation,
        /// 10m.
        idle: Duration,
        /// 16.
        max_processes: u32,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Home {
    Inherit,
    /// A directory of its own under the state directory.
    Private,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Isolation {
    /// A 2026-07-28 server is shared; an older one is per session, for clients without sessions per principal.
    Auto,
    Principal,
    Session,
    Shared,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Credentials {
    None,
    Personal,
    Shared,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerAuth {
    pub auth: Auth,
    /// Header of a bearer token; `None` is `Authorization: Bearer`.
    pub token_header: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Auth {
    Bearer {
        /// The shared token; `None` where credentials are personal.
        token: Option<SecretRef>,
    },
    OAuth(OAuthClient),
}

/// `[server.NAME.oauth]`; all of it optional.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OAuthClient {
    pub client_id: Option<String>,
    pub client_secret: Option<SecretRef>,
    pub scopes: Vec<String>,
    pub grant: OAuthGrant,
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    /// `resource = "omit"`.
    pub omit_resource: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OAuthGrant {
    #[default]
    AuthorizationCode,
    ClientCredentials,
}

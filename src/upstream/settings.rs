//! What one server needs to be run: its table, with every secret resolved.
//!
//! `serve` makes it before a generation is swapped, so a missing secret or an unreadable `ca` refuses the generation.
//! Two equal `Settings` are one and the same upstream: a reload keeps its connections and processes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::RootCertStore;

use crate::name::{ServerName, ServiceName};
use crate::snapshot::{Auth, GatewayLimits, SecretRef, Server, Service, SettingValue, Transport};
use crate::upstream::credentials::Credentials;

/// A resolved secret. It is shown as `(secret)` wherever it is printed.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Arc<str>);

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    pub name: ServerName,
    pub server: Arc<Server>,
    /// Values of `headers` or `env`, resolved.
    pub values: BTreeMap<String, Secret>,
    /// The shared bearer token.
    pub token: Option<Secret>,
    /// Of `oauth`.
    pub client_secret: Option<Secret>,
    /// Of services, where credentials are personal: `[service.X.credentials]`.
    pub services: BTreeMap<ServiceName, Secret>,
    /// PEM text of `ca`.
    pub ca: Option<Bytes>,
    pub limits: Limits,
}

/// Bounds that come from the gateway's table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Of one request of the gateway's own, such as a page of a list.
    pub timeout: Duration,
    /// Bytes of one answer, one event or one line.
    pub response_body: u64,
    /// A session upstream that nobody used for so long is ended.
    pub session_idle: Duration,
}

/// What all upstreams of one gateway share.
#[derive(Clone, Debug)]
pub struct Context {
    pub state_dir: PathBuf,
    /// This very binary, for commands that begin with `mcpgw`.
    pub executable: PathBuf,
    /// The system's roots.
    pub roots: Arc<RootCertStore>,
    /// What people and the administrator gave; `None`: nothing is kept, and nobody is connected.
    pub credentials: Option<Arc<Credentials>>,
}

/// Why a server's table cannot be run here and now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingsError {
    pub server: ServerName,
    pub problem: String,
}

impl Settings {
    /// Resolves all secrets of the table with `resolve`, whose error says why in words that hold no secret, and reads
    /// its public files with `read`.
    pub fn resolve(
        name: &ServerName,
        server: &Arc<Server>,
        services: &BTreeMap<ServiceName, Service>,
        limits: &GatewayLimits,
        mut resolve: impl FnMut(&SecretRef) -> Result<Secret, String>,
        read: impl Fn(&Path) -> Result<Bytes, String>,
    ) -> Result<Self, SettingsError> {
        let error = |problem: String| SettingsError {
            server: name.clone(),
            problem,
        };
        let (table, settings) = match &server.transport {
            Transport::Http { headers, .. } => ("headers", headers),
            Transport::Stdio { env, .. } => ("env", env),
        };
        let mut values = BTreeMap::new();
        for (key, value) in settings {
            let value = match value {
                SettingValue::Literal(text) => Secret::new(text),
                SettingValue::Secret(reference) => {
                    resolve(reference).map_err(|why| error(format!("`{table}.{key}` ({reference}): {why}")))?
                }
            };
            values.insert(key.clone(), value);
        }
        let token = match server.auth.as_ref().map(|auth| &auth.auth) {
            Some(Auth::Bearer { token: Some(reference) }) => {
                Some(resolve(reference).map_err(|why| error(format!("`token` ({reference}): {why}")))?)
            }
            _ => None,
        };
        let client_secret = match server.auth.as_ref().map(|auth| &auth.auth) {
            Some(Auth::OAuth(client)) => client.client_secret.as_ref(),
            _ => None,
        };
        let client_secret = client_secret.map(|reference| {
            resolve(reference).map_err(|why| error(format!("`oauth.client-secret` ({reference}): {why}")))
        });
        let mut own = BTreeMap::new();
        for (service, table) in services {
            if let Some(reference) = table.credentials.get(name) {
                let token = resolve(reference)
                    .map_err(|why| error(format!("`service.{service}.credentials.{name}` ({reference}): {why}")))?;
                own.insert(service.clone(), token);
            }
        }
        let ca = match &server.transport {
            Transport::Http { ca: Some(path), .. } => {
                let unread = |why| error(format!("`ca` {} cannot be read: {why}", path.display()));
                Some(read(path).map_err(unread)?)
            }
            _ => None,
        };
        Ok(Self {
            name: name.clone(),
            server: Arc::clone(server),
            values,
            token,
            client_secret: client_secret.transpose()?,
            services: own,
            ca,
            limits: Limits::of(server, limits),
        })
    }
}

impl Limits {
    fn of(server: &Server, limits: &GatewayLimits) -> Self {
        Self {
            timeout: server
                .timeout
                .map_or(limits.call_timeout, |own| own.min(limits.call_timeout)),
            response_body: limits.response_body,
            session_idle: limits.session_idle,
        }
    }
}

impl Context {
    /// Loads the system's roots.
    pub fn new(state_dir: PathBuf, executable: PathBuf) -> Self {
        Self {
            state_dir,
            executable,
            roots: Arc::new(crate::fetch::system_roots()),
            credentials: None,
        }
    }
}

impl Secret {
    pub fn new(value: &str) -> Self {
        Self(value.into())
    }

    /// The value. Only for what sends it where it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server `{}`: {}", self.server, self.problem)
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "(secret) (secret)");
        assert_eq!(secret.expose(), "hunter2");
    }
}

//! `[server.NAME]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value::{duration, quote};
use super::{Settings, Word};
use crate::name::secret_arguments;
use crate::snapshot::{
    Auth, Credentials, Home, Isolation, OAuthClient, OAuthGrant, Server, ServerAuth, SettingValue, Transport,
};

pub(in crate::plan) fn server(server: &Server) -> Settings {
    let Server {
        transport,
        credentials,
        auth,
        timeout,
        protocol,
        pii,
    } = server;
    let mut keys = Settings::default();
    self::transport(transport, &mut keys);
    keys.or_default("credentials", *credentials, Credentials::None, |kind| {
        quote(match kind {
            Credentials::None => "none",
            Credentials::Personal => "personal",
            Credentials::Shared => "shared",
        })
    });
    if let Some(auth) = auth {
        authentication(auth, &mut keys);
    }
    if let Some(timeout) = timeout {
        keys.plain("timeout", quote(&duration(*timeout)));
    }
    if let Some(version) = protocol {
        keys.text("protocol", version.as_str());
    }
    if let Some(pii) = pii {
        keys.text("pii", pii.as_str());
    }
    keys
}

fn transport(transport: &Transport, keys: &mut Settings) {
    match transport {
        Transport::Http {
            url,
            headers,
            allow_private_network,
            ca,
        } => {
            keys.text("url", url);
            values("headers", headers, keys);
            keys.flag("allow-private-network", *allow_private_network);
            if let Some(ca) = ca {
                keys.text("ca", &ca.to_string_lossy());
            }
        }
        Transport::Stdio {
            argv,
            env,
            home,
            cwd,
            token_env,
            isolation,
            idle,
            max_processes,
        } => {
            keys.list("command", self::argv(argv));
            values("env", env, keys);
            keys.or_default("home", *home, Home::Private, |home| {
                quote(match home {
                    Home::Inherit => "inherit",
                    Home::Private => "private",
                })
            });
            if let Some(cwd) = cwd {
                keys.text("cwd", &cwd.to_string_lossy());
            }
            if let Some(variable) = token_env {
                keys.text("token-env", variable);
            }
            keys.or_default("isolation", *isolation, Isolation::Auto, |isolation| {
                quote(match isolation {
                    Isolation::Auto => "auto",
                    Isolation::Principal => "principal",
                    Isolation::Session => "session",
                    Isolation::Shared => "shared",
                })
            });
            keys.or_default("idle", *idle, Duration::from_secs(600), |time| quote(&duration(time)));
            keys.or_default("max-processes", *max_processes, 16, |number| number.to_string());
        }
    }
}

/// The words of a command; what may be a secret is `…`.
pub(in crate::plan) fn argv(argv: &[String]) -> Vec<Word> {
    let hidden = secret_arguments(argv.iter().map(String::as_str));
    argv.iter()
        .zip(hidden)
        .map(|(word, hidden)| {
            if hidden {
                Word::hiding("\"…\"", word)
            } else {
                Word::quoted(word)
            }
        })
        .collect()
}

fn values(table: &str, values: &BTreeMap<String, SettingValue>, keys: &mut Settings) {
    for (name, value) in values {
        let key = format!("{table}.{name}");
        match value {
            SettingValue::Literal(text) => keys.text(key, text),
            SettingValue::Secret(reference) => keys.plain(key, reference),
        }
    }
}

fn authentication(auth: &ServerAuth, keys: &mut Settings) {
    let ServerAuth { auth, token_header } = auth;
    match auth {
        Auth::Bearer { token } => {
            keys.text("auth", "bearer");
            if let Some(token) = token {
                keys.plain("token", token);
            }
        }
        Auth::OAuth(client) => {
            keys.text("auth", "oauth");
            oauth(client, keys);
        }
    }
    if let Some(header) = token_header {
        keys.text("token-header", header);
    }
}

fn oauth(client: &OAuthClient, keys: &mut Settings) {
    let OAuthClient {
        client_id,
        client_secret,
        scopes,
        grant,
        authorize_url,
        token_url,
        omit_resource,
    } = client;
    if let Some(id) = client_id {
        keys.text("oauth.client-id", id);
    }
    if let Some(secret) = client_secret {
        keys.plain("oauth.client-secret", secret);
    }
    keys.texts("oauth.scopes", scopes.iter().map(String::as_str));
    keys.or_default("oauth.grant", *grant, OAuthGrant::AuthorizationCode, |grant| {
        quote(match grant {
            OAuthGrant::AuthorizationCode => "authorization-code",
            OAuthGrant::ClientCredentials => "client-credentials",
        })
    });
    for (key, url) in [("oauth.authorize-url", authorize_url), ("oauth.token-url", token_url)] {
        if let Some(url) = url {
            keys.text(key, url);
        }
    }
    if *omit_resource {
        keys.text("oauth.resource", "omit");
    }
}

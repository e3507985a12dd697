//! `[server.NAME]`: programs that will be executed, secrets that a server gets, where it is and who it is taken for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Found, What, added};
use crate::plan::settings::{argv, duration, quote};
use crate::snapshot::{
    Auth, Credentials, Home, Isolation, SecretRef, Server, SettingValue, Snapshot, Subject, Transport,
};
use crate::text::list;

pub(super) fn compare(found: &mut Found<'_>) {
    let (from, to) = (found.current.snapshot, found.proposed.snapshot);
    for (name, new) in &to.servers {
        let old = from.servers.get(name).map(|server| &**server);
        let subject = Subject::Server(name.clone());
        program(name.as_str(), old, new, &subject, found);
        secrets(name.as_str(), old, new, &subject, found);
        if let Some(old) = old {
            pin(
                name.as_str(),
                from.locks.contains_key(name),
                to.locks.contains_key(name),
                &subject,
                found,
            );
            identity(name.as_str(), old, new, &subject, found);
            isolation(name.as_str(), old, new, &subject, found);
        }
        if is_private(new) && !old.is_some_and(is_private) {
            let title = format!("server `{name}` may be on a private network (`allow-private-network`)");
            found.add(What::Network, title, Some(&subject));
        }
    }
    secret_commands(from, to, found);
}

fn program(name: &str, old: Option<&Server>, new: &Server, subject: &Subject, found: &mut Found<'_>) {
    let Transport::Stdio {
        argv: new, env, cwd, ..
    } = &new.transport
    else {
        return;
    };
    let before = old.map(|old| &old.transport);
    let line = command_line(new);
    match before {
        Some(Transport::Stdio {
            argv: old,
            env: old_env,
            cwd: old_cwd,
            ..
        }) => {
            if literals(old_env) != literals(env) {
                let title = format!("the program of server `{name}` gets another environment");
                let mut details = added_literals(old_env, env, "=");
                if details.is_empty() {
                    details.push(line.clone());
                }
                found.with(What::Program, title, details, Some(subject));
            }
            // Relative words of an argv mean other files there.
            if old_cwd != cwd {
                let shown = |cwd: &Option<PathBuf>| {
                    cwd.as_ref()
                        .map_or("none".to_owned(), |cwd| quote(&cwd.to_string_lossy()))
                };
                let title = format!(
                    "the program of server `{name}` runs in another directory: {} -> {}",
                    shown(old_cwd),
                    shown(cwd)
                );
                found.with(What::Program, title, vec![line.clone()], Some(subject));
            }
            if old != new {
                let details = vec![format!("was  {}", command_line(old)), format!("now  {line}")];
                found.with(
                    What::Program,
                    format!("server `{name}` runs another command"),
                    details,
                    Some(subject),
                );
            }
        }
        _ => found.with(
            What::Program,
            format!("server `{name}` runs a program"),
            vec![line],
            Some(subject),
        ),
    }
}

/// Secrets are told apart.
fn literals(env: &BTreeMap<String, SettingValue>) -> BTreeMap<&str, &str> {
    env.iter()
        .filter_map(|(name, value)| match value {
            SettingValue::Literal(text) => Some((name.as_str(), text.as_str())),
            SettingValue::Secret(_) => None,
        })
        .collect()
}

/// Those that are new, or have another text.
fn added_literals(
    old: &BTreeMap<String, SettingValue>,
    new: &BTreeMap<String, SettingValue>,
    between: &str,
) -> Vec<String> {
    let known = literals(old);
    let more = literals(new)
        .into_iter()
        .filter(|(name, text)| known.get(name) != Some(text));
    more.map(|(name, text)| format!("{name}{between}{}", quote(text)))
        .collect()
}

/// As the words that it is, never a shell line.
fn command_line(words: &[String]) -> String {
    let words: Vec<String> = argv(words).iter().map(ToString::to_string).collect();
    format!("[{}]", words.join(", "))
}

fn secrets(name: &str, old: Option<&Server>, new: &Server, subject: &Subject, found: &mut Found<'_>) {
    let known: BTreeSet<&SecretRef> = old.map(given).unwrap_or_default();
    let more: Vec<String> = given(new).difference(&known).map(ToString::to_string).collect();
    if !more.is_empty() {
        found.add(
            What::Secret,
            format!("server `{name}` gets the secret {}", list(&more)),
            Some(subject),
        );
    }
}

/// Every secret that the server is given.
fn given(server: &Server) -> BTreeSet<&SecretRef> {
    let (Transport::Http { headers: values, .. } | Transport::Stdio { env: values, .. }) = &server.transport;
    let mut all: BTreeSet<&SecretRef> = values
        .values()
        .filter_map(|value| match value {
            SettingValue::Literal(_) => None,
            SettingValue::Secret(reference) => Some(reference),
        })
        .collect();
    match server.auth.as_ref().map(|auth| &auth.auth) {
        Some(Auth::Bearer { token }) => all.extend(token),
        Some(Auth::OAuth(client)) => all.extend(&client.client_secret),
        None => {}
    }
    all
}

fn pin(name: &str, was: bool, is: bool, subject: &Subject, found: &mut Found<'_>) {
    if was && !is {
        let title = format!("server `{name}` is no longer pinned: whatever it lists is served unreviewed");
        found.add(What::Pin, title, Some(subject));
    }
}

/// Who answers for it, and as whom it is asked.
fn identity(name: &str, old: &Server, new: &Server, subject: &Subject, found: &mut Found<'_>) {
    match (&old.transport, &new.transport) {
        (
            Transport::Http {
                url: old,
                ca: old_ca,
                headers: old_headers,
                ..
            },
            Transport::Http {
                url: new, ca, headers, ..
            },
        ) => {
            // Path and query say what it may do, too: `/readonly`, `?read_only=true`.
            if old != new {
                let title = format!("server `{name}` is elsewhere: {} -> {}", quote(old), quote(new));
                found.add(What::Network, title, Some(subject));
            }
            if literals(old_headers) != literals(headers) {
                let title = format!("server `{name}` is sent other headers");
                let mut details: Vec<String> = added_literals(headers, old_headers, ": ")
                    .into_iter()
                    .map(|gone| format!("was  {gone}"))
                    .collect();
                let come = added_literals(old_headers, headers, ": ");
                details.extend(come.into_iter().map(|come| format!("now  {come}")));
                found.with(What::Network, title, details, Some(subject));
            }
            if let Some(ca) = ca.as_ref().filter(|ca| old_ca.as_ref() != Some(*ca)) {
                let title = format!(
                    "certificates of {} count for server `{name}`",
                    quote(&ca.to_string_lossy())
                );
                found.add(What::Tls, title, Some(subject));
            }
        }
        (Transport::Stdio { .. }, Transport::Http { url, .. }) => {
            found.add(
                What::Network,
                format!("server `{name}` is elsewhere: {}", quote(url)),
                Some(subject),
            );
        }
        (_, Transport::Stdio { .. }) => {}
    }
    let words = |server: &Server| match server.credentials {
        Credentials::None => "none",
        Credentials::Personal => "each caller's own",
        Credentials::Shared => "one for all",
    };
    if old.credentials != new.credentials {
        let title = format!("credentials of server `{name}`: {} -> {}", words(old), words(new));
        found.add(What::Authentication, title, Some(subject));
    }
    if let (Some(old), Some(new)) = (old.auth.as_ref(), new.auth.as_ref()) {
        authentication(name, &old.auth, &new.auth, subject, found);
    }
    if let (Some(old), new) = (old.timeout, new.timeout)
        && new.is_none_or(|new| new > old)
    {
        let new = new.map_or_else(|| "none here".to_owned(), duration);
        let title = format!("`timeout` of server `{name}` widens: {} -> {new}", duration(old));
        found.add(What::Limit, title, Some(subject));
    }
}

fn authentication(name: &str, old: &Auth, new: &Auth, subject: &Subject, found: &mut Found<'_>) {
    let mut tell = |title: String| found.add(What::Authentication, title, Some(subject));
    match (old, new) {
        (Auth::OAuth(old), Auth::OAuth(new)) => {
            let scopes = added(&old.scopes, &new.scopes);
            if !scopes.is_empty() {
                tell(format!("server `{name}` is asked for the scopes {}", list(&scopes)));
            }
            if (&old.authorize_url, &old.token_url) != (&new.authorize_url, &new.token_url) {
                tell(format!(
                    "credentials of server `{name}` come from another authorization server"
                ));
            }
            if (&old.client_id, old.grant) != (&new.client_id, new.grant) {
                tell(format!("server `{name}` knows the gateway as another client"));
            }
            if new.omit_resource && !old.omit_resource {
                tell(format!(
                    "tokens for server `{name}` are not bound to it (`resource = \"omit\"`)"
                ));
            }
        }
        (Auth::Bearer { .. }, Auth::Bearer { .. }) => {}
        (Auth::Bearer { .. }, Auth::OAuth(_)) => {
            tell(format!(
                "server `{name}` is signed in to by OAuth, no longer by a token"
            ));
        }
        (Auth::OAuth(_), Auth::Bearer { .. }) => {
            tell(format!(
                "server `{name}` is signed in to by a token, no longer by OAuth"
            ));
        }
    }
}

fn isolation(name: &str, old: &Server, new: &Server, subject: &Subject, found: &mut Found<'_>) {
    let (
        Transport::Stdio {
            isolation: old,
            home: old_home,
            max_processes: old_most,
            ..
        },
        Transport::Stdio {
            isolation: new,
            home,
            max_processes: most,
            ..
        },
    ) = (&old.transport, &new.transport)
    else {
        return;
    };
    if *home == Home::Inherit && *old_home == Home::Private {
        let title = format!("the program of server `{name}` sees the gateway's home directory");
        found.add(What::Isolation, title, Some(subject));
    }
    // From the most apart to the least; `auto` shares only what cannot tell callers apart by itself.
    let apart = |isolation: Isolation| match isolation {
        Isolation::Session => 0,
        Isolation::Principal => 1,
        Isolation::Auto => 2,
        Isolation::Shared => 3,
    };
    if apart(*new) > apart(*old) {
        let title = format!("callers are less apart in the processes of server `{name}` (`isolation`)");
        found.add(What::Isolation, title, Some(subject));
    }
    if most > old_most {
        let title = format!("`max-processes` of server `{name}` widens: {old_most} -> {most}");
        found.add(What::Limit, title, Some(subject));
    }
}

fn is_private(server: &Server) -> bool {
    matches!(
        server.transport,
        Transport::Http {
            allow_private_network: true,
            ..
        }
    )
}

/// Programs that print a secret are executed too.
fn secret_commands(from: &Snapshot, to: &Snapshot, found: &mut Found<'_>) {
    let known: BTreeSet<&[String]> = commands(from).into_iter().map(|(_, argv, _)| argv).collect();
    for (place, argv, subject) in commands(to) {
        if !known.contains(argv) {
            let title = format!("a secret comes from a program: `{place}`");
            found.with(What::Program, title, vec![command_line(argv)], subject.as_ref());
        }
    }
}

/// Every secret `command`, with the key that it stands at.
fn commands(side: &Snapshot) -> Vec<(String, &[String], Option<Subject>)> {
    let mut all: Vec<(String, &SecretRef, Option<Subject>)> = Vec::new();
    let gateway = &side.gateway;
    let subject = || Some(Subject::Gateway);
    all.extend(
        gateway
            .tls
            .iter()
            .map(|tls| ("gateway.tls.key".to_owned(), &tls.key, subject())),
    );
    all.extend(
        gateway
            .store
            .redis
            .iter()
            .map(|one| ("gateway.store.redis".to_owned(), one, subject())),
    );
    all.extend(
        gateway
            .store
            .keys
            .iter()
            .map(|one| ("gateway.store.key".to_owned(), one, subject())),
    );
    if let Some(control) = &gateway.control {
        all.extend(
            control
                .tls
                .iter()
                .map(|tls| ("gateway.control.tls.key".to_owned(), &tls.key, subject())),
        );
        let tokens = control.tokens.iter();
        all.extend(tokens.map(|(name, token)| (format!("gateway.control.token.{name}"), &token.secret, subject())));
    }
    for (name, server) in &side.servers {
        let secrets = given(server).into_iter();
        all.extend(secrets.map(|one| (format!("server.{name}"), one, Some(Subject::Server(name.clone())))));
    }
    let oidc = side.login.as_ref().and_then(|login| login.oidc.as_ref());
    all.extend(
        oidc.and_then(|oidc| oidc.client_secret.as_ref())
            .map(|one| ("login.oidc.client-secret".to_owned(), one, None)),
    );
    for (name, service) in &side.services {
        let of = |server| format!("service.{name}.credentials.{server}");
        let credentials = service.credentials.iter();
        all.extend(credentials.map(|(server, one)| (of(server), one, Some(Subject::Service(name.clone())))));
    }
    all.into_iter()
        .filter_map(|(place, reference, subject)| match reference {
            SecretRef::Command(argv) => Some((place, argv.as_slice(), subject)),
            SecretRef::Env(_) | SecretRef::File(_) => None,
        })
        .collect()
}

//! `[server.NAME]`: how it is reached, and with whose credential.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Context, secret};
use crate::config::grammar::{Choice, Given, HeaderName, Map, Setting};
use crate::config::table;
use crate::diag::{Code, Finding, Place};
use crate::mcp::Version;
use crate::name::ServerName;
use crate::snapshot::{
    Auth, Credentials, Home, Isolation, OAuthClient, OAuthGrant, Server, ServerAuth, SettingValue, Subject, Transport,
};

pub(super) fn servers(context: &mut Context<'_>) -> BTreeMap<ServerName, Arc<Server>> {
    let mut servers = BTreeMap::new();
    for entry in context.tables.servers.entries() {
        context.origin(Subject::Server(entry.name.clone()), entry.place);
        if let Some(server) = server(&entry.name, &entry.value, context) {
            servers.insert(entry.name.clone(), Arc::new(server));
        }
    }
    servers
}

fn server(name: &ServerName, table: &table::Server, context: &mut Context<'_>) -> Option<Server> {
    let transport = transport(name, table, context);
    let (credentials, auth) = credentials(table, context);
    let pii = context.pii(&table.pii).flatten();
    Some(Server {
        transport: transport?,
        credentials,
        auth,
        timeout: table.timeout.get().map(|time| time.0),
        protocol: table.protocol.get().and_then(|protocol| version(*protocol)),
        pii,
    })
}

/// The words of the choice are those of the versions.
fn version(protocol: table::Protocol) -> Option<Version> {
    let word = table::Protocol::WORDS
        .iter()
        .find(|word| table::Protocol::of(word) == Some(protocol))?;
    Version::parse(word)
}

fn transport(name: &ServerName, table: &table::Server, context: &mut Context<'_>) -> Option<Transport> {
    match (table.url.key(), table.command.key()) {
        (None, None) => {
            context.push(
                Finding::new(
                    Code::NoTransport,
                    table.place,
                    format!("the server `{name}` has neither `url` nor `command`"),
                )
                .label("nothing says how to reach it")
                .help("add `url = \"https://…/mcp\"` or `command = [\"program\", \"argument\"]`"),
            );
            None
        }
        (Some(url), Some(command)) => {
            context.push(
                Finding::new(
                    Code::TwoTransports,
                    command,
                    format!("the server `{name}` has both `url` and `command`"),
                )
                .label("a program")
                .also(url, "an address")
                .help("keep one of the two, or make two servers"),
            );
            None
        }
        (Some(url), None) => {
            program_keys(table, url, context);
            Some(Transport::Http {
                url: table.url.get()?.text.clone(),
                headers: headers(&table.headers, context),
                allow_private_network: table.allow_private_network.get().copied().unwrap_or(false),
                ca: table.ca.get().map(|path| path.0.clone()),
            })
        }
        (None, Some(command)) => {
            address_keys(table, command, context);
            stdio(table, context)
        }
    }
}

fn program_keys(table: &table::Server, url: Place, context: &mut Context<'_>) {
    let keys = [
        ("env", table.env.key()),
        ("home", table.home.key()),
        ("cwd", table.cwd.key()),
        ("token-env", table.token_env.key()),
        ("isolation", table.isolation.key()),
        ("idle", table.idle.key()),
        ("max-processes", table.max_processes.key()),
    ];
    for (name, key) in keys {
        context.misplaced(
            key,
            name,
            "for a server with `url`",
            Some(url),
            "take it away: it is for servers with `command`",
        );
    }
}

fn address_keys(table: &table::Server, command: Place, context: &mut Context<'_>) {
    let keys = [
        (
            "headers",
            table.headers.key(),
            "take it away, or give it to the program in `env`",
        ),
        (
            "allow-private-network",
            table.allow_private_network.key(),
            "take it away: it is for servers with `url`",
        ),
        ("ca", table.ca.key(), "take it away: it is for servers with `url`"),
        (
            "token-header",
            table.token_header.key(),
            "write `token-env = \"NAME\"`: a program gets its token in a variable",
        ),
    ];
    for (name, key, help) in keys {
        context.misplaced(key, name, "for a server with `command`", Some(command), help);
    }
}

fn stdio(table: &table::Server, context: &mut Context<'_>) -> Option<Transport> {
    let argv: Vec<String> = table.command.values().cloned().collect();
    let (_, place) = table.command.with_place()?;
    match argv.first().map(String::as_str) {
        None | Some("") => {
            context.push(
                Finding::new(Code::InvalidText, place, "`command` has no program")
                    .label("empty")
                    .help("write the program and its arguments: `command = [\"npx\", \"-y\", \"package@1.2.3\"]`"),
            );
            return None;
        }
        Some(program) if argv.len() == 1 && program.contains(' ') => {
            let words: Vec<String> = program.split_whitespace().map(|word| format!("\"{word}\"")).collect();
            let help = if may_hold_secret(program) {
                "write every word as an element of its own".to_owned()
            } else {
                format!(
                    "write every word as an element of its own: `command = [{}]`",
                    words.join(", ")
                )
            };
            context.push(
                Finding::new(
                    Code::InvalidText,
                    place,
                    "`command` is one text with spaces, as for a shell",
                )
                .label("there is no shell")
                .help(help),
            );
        }
        Some(_) => {}
    }
    let mut env = BTreeMap::new();
    for entry in table.env.entries() {
        env.insert(entry.name.0.clone(), setting(&entry.value));
    }
    if let (Some(token), Some(entry)) = (
        table.token_env.with_place(),
        table.token_env.get().and_then(|token| table.env.find(&token.0)),
    ) {
        context.push(
            Finding::new(
                Code::MisplacedKey,
                entry.key,
                format!("`{}` is set twice", entry.name.0),
            )
            .label("set here")
            .also(token.1, "and by this")
            .help("take it out of `env`"),
        );
    }
    Some(Transport::Stdio {
        argv,
        env,
        home: match table.home.get() {
            Some(table::Home::Inherit) => Home::Inherit,
            None | Some(table::Home::Private) => Home::Private,
        },
        cwd: table.cwd.get().map(|path| path.0.clone()),
        token_env: table.token_env.get().map(|name| name.0.clone()),
        isolation: match table.isolation.get() {
            None | Some(table::Isolation::Auto) => Isolation::Auto,
            Some(table::Isolation::Shared) => Isolation::Shared,
            Some(table::Isolation::Principal) => Isolation::Principal,
            Some(table::Isolation::Session) => Isolation::Session,
        },
        idle: table.idle.get().map_or(Duration::from_secs(600), |time| time.0),
        max_processes: table.max_processes.get().map_or(16, |count| count.0),
    })
}

/// A shell line may hold a secret: then it is not written out again.
fn may_hold_secret(line: &str) -> bool {
    crate::name::is_secret_name(line)
}

fn headers(given: &Given<Map<HeaderName, Setting>>, context: &mut Context<'_>) -> BTreeMap<String, SettingValue> {
    let mut headers = BTreeMap::new();
    for entry in given.entries() {
        if let Setting::Literal(text) = &entry.value
            && !text.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t')
        {
            context.push(
                Finding::new(
                    Code::InvalidHeader,
                    entry.place,
                    format!("the value of `{}` cannot be sent", entry.name.0),
                )
                .label("not only ASCII characters")
                .help("write it in ASCII"),
            );
        }
        if headers.insert(entry.name.0.clone(), setting(&entry.value)).is_some() {
            context.push(
                Finding::new(
                    Code::DuplicateKey,
                    entry.key,
                    format!("the header `{}` is given twice", entry.name.0),
                )
                .label("again here: case does not count")
                .help("keep one of the two"),
            );
        }
    }
    headers
}

fn setting(setting: &Setting) -> SettingValue {
    match setting {
        Setting::Literal(text) => SettingValue::Literal(text.clone()),
        Setting::Secret(reference) => SettingValue::Secret(secret(reference)),
    }
}

fn credentials(table: &table::Server, context: &mut Context<'_>) -> (Credentials, Option<ServerAuth>) {
    let credentials = match table.credentials.get() {
        None | Some(table::Credentials::None) => Credentials::None,
        Some(table::Credentials::Shared) => Credentials::Shared,
        Some(table::Credentials::Personal) => Credentials::Personal,
    };
    if credentials == Credentials::None {
        // A broken `credentials` has its finding; what depends on it is not judged.
        if table.credentials.get().is_some() || !table.credentials.is_given() {
            without_credentials(table, context);
        }
        return (credentials, None);
    }
    if let (Some(command), false) = (table.command.key(), table.token_env.is_given()) {
        context.push(
            Finding::new(
                Code::MissingTokenEnv,
                command,
                "the program has credentials and no `token-env`",
            )
            .label("nothing says how it gets them")
            .help("add `token-env = \"NAME\"`, the variable that the program reads its token from"),
        );
    }
    let Some(auth) = table.auth.get() else {
        if let (false, Some(place)) = (table.auth.is_given(), table.credentials.place()) {
            context.push(
                Finding::new(Code::MissingAuth, place, "the server has credentials and no `auth`")
                    .label("of which kind?")
                    .help("add `auth = \"oauth\"` or `auth = \"bearer\"`"),
            );
        }
        return (credentials, None);
    };
    let auth = match auth {
        table::Auth::Bearer => bearer(table, credentials, context),
        table::Auth::OAuth => oauth(table, credentials, context),
    };
    let token_header = table.token_header.get().map(|name| name.0.clone());
    (credentials, Some(ServerAuth { auth, token_header }))
}

fn without_credentials(table: &table::Server, context: &mut Context<'_>) {
    let keys = [
        ("auth", table.auth.key()),
        ("token", table.token.key()),
        ("token-header", table.token_header.key()),
        ("oauth", table.oauth.place()),
    ];
    for (name, key) in keys {
        context.misplaced(
            key,
            name,
            "without credentials",
            table.credentials.place(),
            "add `credentials = \"shared\"` or `credentials = \"personal\"`",
        );
    }
}

fn bearer(table: &table::Server, credentials: Credentials, context: &mut Context<'_>) -> Auth {
    context.misplaced(
        table.oauth.place(),
        "oauth",
        "with `auth = \"bearer\"`",
        table.auth.place(),
        "write `auth = \"oauth\"`, or take the table away",
    );
    if credentials == Credentials::Personal {
        context.misplaced(
            table.token.key(),
            "token",
            "with personal credentials: each user brings one",
            table.credentials.place(),
            "write `credentials = \"shared\"`, or take the token away",
        );
    } else if let (false, Some(place)) = (table.token.is_given(), table.auth.place()) {
        context.push(
            Finding::new(Code::MissingToken, place, "the shared bearer token is nowhere given")
                .label("needs a `token`")
                .help("add `token = { env = \"NAME\" }`"),
        );
    }
    let own = table.token_header.get().map_or("authorization", |name| name.0.as_str());
    if let Some(entry) = table.headers.find(own) {
        context.misplaced(
            Some(entry.key),
            own,
            "in `headers`: the token is sent in it",
            table.auth.place(),
            "take the header away",
        );
    }
    Auth::Bearer {
        token: table.token.get().map(secret),
    }
}

fn oauth(table: &table::Server, credentials: Credentials, context: &mut Context<'_>) -> Auth {
    for (name, key) in [("token", table.token.key()), ("token-header", table.token_header.key())] {
        context.misplaced(
            key,
            name,
            "with `auth = \"oauth\"`",
            table.auth.place(),
            "write `auth = \"bearer\"`, or take it away",
        );
    }
    let Some(oauth) = table.oauth.get() else {
        return Auth::OAuth(OAuthClient::default());
    };
    let grant = match oauth.grant.get() {
        Some(table::OAuthGrant::ClientCredentials) => OAuthGrant::ClientCredentials,
        None | Some(table::OAuthGrant::AuthorizationCode) => OAuthGrant::AuthorizationCode,
    };
    if grant == OAuthGrant::ClientCredentials && credentials == Credentials::Personal {
        context.misplaced(
            oauth.grant.place(),
            "client-credentials",
            "with personal credentials: it is the gateway's own",
            table.credentials.place(),
            "write `credentials = \"shared\"`",
        );
    }
    let (authorize, token) = (&oauth.authorize_url, &oauth.token_url);
    let half = match (authorize.key(), token.key(), grant) {
        (Some(key), None, _) => Some((key, "token-url")),
        (None, Some(key), OAuthGrant::AuthorizationCode) => Some((key, "authorize-url")),
        _ => None,
    };
    if let Some((key, missing)) = half {
        context.push(
            Finding::new(Code::HalfOauthUrls, key, format!("there is no `{missing}`"))
                .label("only one of the two")
                .help(format!(
                    "add `{missing} = \"https://…\"`, or take this one away to discover both"
                )),
        );
    }
    Auth::OAuth(OAuthClient {
        client_id: oauth.client_id.get().map(|text| text.0.clone()),
        client_secret: oauth.client_secret.get().map(secret),
        scopes: oauth.scopes.values().map(|scope| scope.0.clone()).collect(),
        grant,
        authorize_url: authorize.get().map(|url| url.text.clone()),
        token_url: token.get().map(|url| url.text.clone()),
        omit_resource: oauth.resource.is_given(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_protocol_are_the_versions() {
        let words: Vec<&str> = table::Protocol::WORDS
            .iter()
            .copied()
            .filter(|word| *word != "auto")
            .collect();
        let versions: Vec<&str> = Version::ALL.iter().map(|version| version.as_str()).collect();
        assert_eq!(words, versions);
        assert_eq!(version(table::Protocol::V2025_06_18), Some(Version::V2025_06_18));
        assert_eq!(version(table::Protocol::Auto), None);
    }
}

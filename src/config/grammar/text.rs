//! Texts with a grammar of their own, and the names of tables.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::given::AsName;
use super::{Format, Kind, Reader, Shape};
use crate::config::node::{Node, Value};
use crate::config::secret::is_variable;
use crate::diag::{Code, Finding};
use crate::name::{
    EndpointName, GroupName, IssuerName, Member, Pattern, PatternKind, PiiName, RoleName, ServerName, ServiceName,
    UserName,
};

/// A text that is checked where it stands.
pub trait Textual: Sized {
    const FORMAT: Format;
    const CODE: Code;
    /// What to write, for the help.
    const HELP: &'static str;
    /// Is the text hidden in all findings?
    const HIDDEN: bool = false;

    /// The error says what is wrong, without the text.
    fn parse(text: &str) -> Result<Self, String>;
}

impl<T: Textual> Shape for T {
    fn kind() -> Kind {
        Kind::Text(T::FORMAT)
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if T::HIDDEN {
            reader.hide_all(node);
        }
        let text = string(node, reader)?;
        match T::parse(text) {
            Ok(value) => Some(value),
            Err(label) => {
                let title = format!("{} is not {}", reader.subject(), T::FORMAT.what);
                reader.push(Finding::new(T::CODE, node.place, title).label(label).help(T::HELP));
                None
            }
        }
    }
}

fn string<'n>(node: &'n Node, reader: &mut Reader<'_>) -> Option<&'n str> {
    match &node.value {
        Value::String(text) => Some(text),
        _ => reader.wrong_type(node, "a string"),
    }
}

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident($inner:ty) $code:ident $what:literal $pattern:literal $help:literal $(hidden $hidden:literal)? => $check:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub struct $name(pub $inner);

        impl Textual for $name {
            const FORMAT: Format = Format { what: $what, pattern: $pattern };
            const CODE: Code = Code::$code;
            const HELP: &'static str = $help;
            const HIDDEN: bool = false $(|| $hidden)?;

            fn parse(text: &str) -> Result<Self, String> {
                let check: fn(&str) -> Result<$inner, String> = $check;
                check(text).map(Self)
            }
        }
    )*};
}

texts! {
    /// Any text that is not empty and has no control characters but line ends and tabs.
    Text(String) InvalidText "a text" "" "write a text" => |text| {
        if text.is_empty() { return Err("empty".into()); }
        if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t')) {
            return Err("holds control characters".into());
        }
        Ok(text.to_owned())
    };
    /// An IP address and a port.
    Address(SocketAddr) InvalidAddress "an IP address with a port" "^.+:[0-9]+$" "write an address and a port: `\"127.0.0.1:8700\"`, or `\"0.0.0.0:8700\"` for all" => |text| {
        text.parse().map_err(|_| "no address with a port".into())
    };
    /// A host name or IP address, without port; lower case from here on.
    Host(String) InvalidHost "a host name" "^[^/ ]+$" "write the name alone, without scheme, port and path: `\"mcp.example.com\"`" => |text| {
        let host = text.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let name = !host.is_empty() && host.len() <= 253
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if name || host.parse::<std::net::IpAddr>().is_ok() { Ok(host) } else { Err("no host name".into()) }
    };
    /// `https://claude.ai`, as browsers send it.
    Origin(String) InvalidOrigin "an origin" "^[a-z][a-z0-9+.-]*://[^/]+$" "write scheme and host, without a path: `\"https://claude.ai\"`" => |text| {
        let lower = text.to_ascii_lowercase();
        match lower.split_once("://") {
            Some((scheme, host)) if !scheme.is_empty() && !host.is_empty()
                && !host.contains(['/', '@', ' ', '*', '?', '#'])
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')) => Ok(lower.clone()),
            _ => Err("no scheme and host, or more than these".into()),
        }
    };
    /// `10.0.0.0/8`, or one address.
    Network(IpNet) InvalidNetwork "a network" "^[0-9a-fA-F.:]+(/[0-9]+)?$" "write `\"10.0.0.0/8\"`" => |text| {
        text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).map_err(|_| "no network in CIDR notation".into())
    };
    /// The name of an environment variable.
    EnvName(String) InvalidVariable "the name of an environment variable" "^[A-Za-z_][A-Za-z0-9_]*$" "write a name such as `\"GITLAB_TOKEN\"`" => |text| {
        if is_variable(text) { Ok(text.to_owned()) } else { Err("letters, digits and `_` only".into()) }
    };
    /// The name of a header that the gateway may be told to send.
    HeaderName(String) InvalidHeader "a header that can be set" "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" "write the name of a header of your own: `\"X-Org\"`" => header;
    /// A level, or directives.
    LogLevel(String) InvalidLogLevel "a log level" "" "write `\"error\"`, `\"warn\"`, `\"info\"`, `\"debug\"` or `\"trace\"`, or `\"info,mcpgw::upstream=debug\"`" => log_level;
    /// `$argon2id$…`.
    PasswordHash(String) InvalidPasswordHash "the hash of a password" "^\\$argon2id\\$" "paste what `mcpgw hash-password` prints: `\"$argon2id$v=19$…\"`" hidden true => |text| {
        let parts: Vec<&str> = text.split('$').collect();
        let whole = parts.len() == 6 && parts[0].is_empty() && parts[1] == "argon2id" && parts[2] == "v=19"
            && parts[3].split(',').all(|part| part.split_once('=').is_some_and(|(key, value)| matches!(key, "m" | "t" | "p") && value.parse::<u32>().is_ok()))
            && parts[4].len() >= 11 && parts[5].len() >= 22
            && parts[4..].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')));
        if whole { Ok(text.to_owned()) } else { Err("no argon2id hash".into()) }
    };
    /// 64 hexadecimal digits.
    TokenHash([u8; 32]) InvalidTokenHash "the SHA-256 of a token" "^[0-9a-fA-F]{64}$" "paste the hash that `mcpgw token` prints: 64 hexadecimal digits, never the token itself" hidden true => |text| {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("not 64 hexadecimal digits".into());
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| "no hexadecimal digits".to_owned())?;
        }
        Ok(hash)
    };
    /// A built-in type, a custom one or `all`; which there are, `compile` knows.
    PiiType(String) UnknownPiiType "a type of personal data" "" "write `\"email\"`, `\"phone\"`, `\"ssn\"`, `\"credit-card\"`, `\"ip\"`, `\"all\"` or the name of a custom type" => |text| {
        if text.is_empty() { Err("empty".into()) } else { Ok(text.to_owned()) }
    };
    /// A glob over names: `*` matches anything.
    NamePattern(Pattern) InvalidPattern "a glob" "" "write for example `\"get_*\"`" => |text| pattern(PatternKind::Name, text);
    /// A glob over URIs and paths: `*` stops at `/`.
    PathPattern(Pattern) InvalidPattern "a glob" "" "write for example `\"repo://acme/**\"`" => |text| pattern(PatternKind::Path, text);
}

fn pattern(kind: PatternKind, text: &str) -> Result<Pattern, String> {
    if text.is_empty() {
        return Err("empty".into());
    }
    Pattern::new(kind, text).map_err(|error| error.0)
}

/// RFC 9110 5.1; what HTTP, MCP or the gateway itself decides cannot be set.
fn header(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let Ok(name) = http::HeaderName::from_bytes(lower.as_bytes()) else {
        return Err("no name of a header".into());
    };
    let reserved = matches!(
        name.as_str(),
        "accept"
            | "accept-encoding"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-type"
            | "expect"
            | "host"
            | "keep-alive"
            | "last-event-id"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) || lower.starts_with("mcp-");
    if reserved {
        Err("the gateway sends this one itself".into())
    } else {
        Ok(lower)
    }
}

fn log_level(text: &str) -> Result<String, String> {
    let level = |word: &str| matches!(word, "off" | "error" | "warn" | "info" | "debug" | "trace");
    let target = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-'))
    };
    let good = text.split(',').all(|part| match part.split_once('=') {
        Some((name, word)) => target(name) && level(word),
        None => level(part),
    });
    if good {
        Ok(text.to_owned())
    } else {
        Err("no level, and no directives".into())
    }
}

/// `"get_*"`, or `"!get_secret"` which takes away. `PATH`: `*` stops at `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Selector<const PATH: bool> {
    pub without: bool,
    pub pattern: Pattern,
}

impl<const PATH: bool> Textual for Selector<PATH> {
    const FORMAT: Format = Format {
        what: "a glob",
        pattern: "",
    };
    const CODE: Code = Code::InvalidPattern;
    const HELP: &'static str = "write a name or a glob, such as `\"get_*\"`, or `\"!get_secret\"` to take away";

    fn parse(text: &str) -> Result<Self, String> {
        let (without, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let kind = if PATH { PatternKind::Path } else { PatternKind::Name };
        pattern(kind, rest).map(|pattern| Self { without, pattern })
    }
}

impl Textual for Member {
    const FORMAT: Format = Format {
        what: "a caller",
        pattern: "^(anonymous|authenticated|(group|service|user):.+)$",
    };
    const CODE: Code = Code::InvalidMember;
    const HELP: &'static str =
        "write `\"group:NAME\"`, `\"user:NAME\"`, `\"service:NAME\"`, `\"authenticated\"` or `\"anonymous\"`";

    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| "names nobody".into())
    }
}

/// An absolute http or https URL without user or password.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Url {
    /// As written.
    pub text: String,
    pub https: bool,
    /// Lower case, IPv6 addresses without brackets.
    pub host: String,
    pub port: Option<u16>,
    /// `/` where none is written.
    pub path: String,
    pub has_query: bool,
}

impl Shape for Url {
    fn kind() -> Kind {
        Kind::Text(Format {
            what: "a URL",
            pattern: "^https?://[^@]+$",
        })
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = string(node, reader)?;
        let key = reader.key();
        if has_userinfo(text) {
            reader.hide(node.place);
            reader.push(
                Finding::new(Code::SecretInUrl, node.place, format!("the URL in `{key}` holds a user name or password"))
                    .label("what stands before the `@`")
                    .help("take it out of the URL and the files, renew it, and send it with `auth = \"bearer\"` and `token = { env = \"NAME\" }`"),
            );
            return None;
        }
        let url = parse_url(text);
        if let Err(label) = &url {
            reader.push(
                Finding::new(
                    Code::InvalidUrl,
                    node.place,
                    format!("`{key}` is not an http or https URL"),
                )
                .label(*label)
                .help("write a whole URL: `\"https://mcp.example.com/mcp\"`"),
            );
        }
        url.ok()
    }
}

/// RFC 3986 3.2.1: what stands before `@` in the authority.
pub(super) fn has_userinfo(text: &str) -> bool {
    crate::config::secret::url_password(text)
}

fn parse_url(text: &str) -> Result<Url, &'static str> {
    let uri: http::Uri = text.parse().map_err(|_| "no URL")?;
    if text.contains('#') {
        return Err("has a fragment");
    }
    let https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("does not begin with `http://` or `https://`"),
    };
    let host = uri
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_ascii_lowercase();
    if host.is_empty() {
        return Err("has no host");
    }
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    if uri.port_u16().is_none() && !authority.ends_with(']') && authority.rsplit_once(':').is_some() {
        return Err("has no valid port");
    }
    Ok(Url {
        text: text.to_owned(),
        https,
        host,
        port: uri.port_u16(),
        path: if uri.path().is_empty() {
            "/".to_owned()
        } else {
            uri.path().to_owned()
        },
        has_query: uri.query().is_some(),
    })
}

/// Any text, also an empty one.
impl Textual for String {
    const FORMAT: Format = Format {
        what: "a text",
        pattern: "",
    };
    const CODE: Code = Code::InvalidText;
    const HELP: &'static str = "write it without control characters";

    fn parse(text: &str) -> Result<Self, String> {
        if text.contains('\0') {
            Err("holds a NUL".into())
        } else {
            Ok(text.to_owned())
        }
    }
}

/// A path, absolute from here on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathText(pub PathBuf);

impl Shape for PathText {
    fn kind() -> Kind {
        Kind::Text(Format {
            what: "a path",
            pattern: "",
        })
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = string(node, reader)?;
        if text.is_empty() || text.contains('\0') {
            let key = reader.key();
            reader.push(
                Finding::new(Code::InvalidText, node.place, format!("`{key}` is not a path"))
                    .label("empty, or with a NUL")
                    .help("write a path from the configuration's root, or an absolute one"),
            );
            return None;
        }
        Some(Self(reader.resolve(node.place, text)))
    }
}

/// A name that is a key.
pub trait Name: AsName + Sized {
    /// ECMA 262, for the schema.
    const PATTERN: &'static str;

    /// The error: its code, and what a good one looks like.
    fn parse(text: &str) -> Result<Self, (Code, &'static str)>;
}

macro_rules! names {
    ($($name:ident $pattern:literal;)*) => {$(
        impl AsName for $name {
            fn as_name(&self) -> &str { self.as_str() }
        }

        impl Name for $name {
            const PATTERN: &'static str = $pattern;

            fn parse(text: &str) -> Result<Self, (Code, &'static str)> {
                Self::new(text).map_err(|error| (Code::InvalidName, error.expected))
            }
        }
    )*};
}

names! {
    EndpointName "^[a-z0-9][a-z0-9-]{0,62}$";
    GroupName "^[a-z0-9][a-z0-9-]{0,62}$";
    IssuerName "^[a-z0-9][a-z0-9-]{0,62}$";
    PiiName "^[a-z0-9][a-z0-9-]{0,62}$";
    RoleName "^[a-z0-9][a-z0-9-]{0,62}$";
    ServerName "^[a-z0-9][a-z0-9-]{0,62}$";
    ServiceName "^[a-z0-9][a-z0-9-]{0,62}$";
    UserName "^[a-z0-9][a-z0-9@._+-]{0,62}$";
}

impl AsName for String {
    fn as_name(&self) -> &str {
        self
    }
}

/// Names that others give: tools, claims.
impl Name for String {
    const PATTERN: &'static str = "^.+$";

    fn parse(text: &str) -> Result<Self, (Code, &'static str)> {
        if text.is_empty() {
            Err((Code::InvalidName, "a name that is not empty"))
        } else {
            Ok(text.to_owned())
        }
    }
}

macro_rules! key_texts {
    ($($name:ident $what:literal;)*) => {$(
        impl AsName for $name {
            fn as_name(&self) -> &str { &self.0 }
        }

        impl Name for $name {
            const PATTERN: &'static str = <Self as Textual>::FORMAT.pattern;

            fn parse(text: &str) -> Result<Self, (Code, &'static str)> {
                <Self as Textual>::parse(text).map_err(|_| (<Self as Textual>::CODE, $what))
            }
        }
    )*};
}

key_texts! {
    EnvName "a variable's name of letters, digits and `_`, such as `LOG_LEVEL`";
    HeaderName "a header's name that neither HTTP nor MCP decides, such as `X-Org`";
}

/// A JSON pointer into the arguments (RFC 6901), as written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ArgumentName(pub String);

impl AsName for ArgumentName {
    fn as_name(&self) -> &str {
        &self.0
    }
}

impl Name for ArgumentName {
    const PATTERN: &'static str = "^(/([^~]|~[01])*)+$";

    fn parse(text: &str) -> Result<Self, (Code, &'static str)> {
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && escapes {
            Ok(Self(text.to_owned()))
        } else {
            Err((
                Code::InvalidPointer,
                "a JSON pointer, which begins with `/`: `argument.\"/owner\"`",
            ))
        }
    }
}

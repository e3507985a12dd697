//! `[server.NAME]`.

use crate::config::grammar::{
    Count, EnvName, HeaderName, Lasting, List, Map, PathText, Secret, Setting, Text, Url, choice, table,
};

table! {
    /// An MCP server behind the gateway. Exactly one of `url` and `command`.
    pub struct Server {
        /// Its address, for Streamable HTTP.
        url / "url": Url;
        /// A program that speaks MCP on stdin and stdout: program and arguments, never a shell line. `"mcpgw"` is this very binary.
        command / "command": List<String>;
        /// Whose credential it gets: nobody's, one for all, or each user's own.
        credentials / "credentials": Credentials = "\"none\"";
        /// The kind of credential. Needed where `credentials` is not `"none"`.
        auth / "auth": Auth;
        /// The shared bearer token.
        token / "token": Secret;
        /// The header that carries the token as it is.
        token_header / "token-header": HeaderName = "Authorization: Bearer";
        /// Headers that every request carries. Values may be secrets.
        headers / "headers": Map<HeaderName, Setting> = "{}";
        /// How long one request may take.
        timeout / "timeout": Lasting<1, 86_400>;
        /// The protocol version it speaks; `"auto"` asks it.
        protocol / "protocol": Protocol = "\"auto\"";
        /// The filter for this server, in place of the endpoint's.
        pii / "pii": String;
        /// Permits names that resolve to private, loopback or link-local addresses.
        allow_private_network / "allow-private-network": bool = "false";
        /// PEM file of a certificate authority, besides the system's.
        ca / "ca": PathText;
        /// The program's environment. Nothing else is inherited but `PATH`, `LANG`, `TMPDIR`. Values may be secrets.
        env / "env": Map<EnvName, Setting> = "{}";
        /// The program's `HOME`: a directory of its own, or the gateway's.
        home / "home": Home = "\"private\"";
        /// Where the program starts.
        cwd / "cwd": PathText;
        /// The variable in which the program gets its credential.
        token_env / "token-env": EnvName;
        /// Who shares a process.
        isolation / "isolation": Isolation = "\"auto\"";
        /// How long a process may be idle.
        idle / "idle": Lasting<1, 2_592_000> = "\"10m\"";
        /// Processes at once.
        max_processes / "max-processes": Count<1, 10_000> = "16";
        /// The gateway as OAuth client of this server. All of it optional.
        oauth / "oauth": OAuth;
    }
}

choice! {
    pub enum Credentials { None "none", Shared "shared", Personal "personal", }
}

choice! {
    pub enum Auth { OAuth "oauth", Bearer "bearer", }
}

choice! {
    pub enum Home { Private "private", Inherit "inherit", }
}

choice! {
    pub enum Isolation { Auto "auto", Shared "shared", Principal "principal", Session "session", }
}

choice! {
    /// The words are those of `mcp::Version`, and `auto`.
    pub enum Protocol {
        Auto "auto",
        V2025_03_26 "2025-03-26",
        V2025_06_18 "2025-06-18",
        V2025_11_25 "2025-11-25",
        V2026_07_28 "2026-07-28",
    }
}

table! {
    /// The gateway as OAuth client of a server. Without a key: discovery, and registration where needed.
    pub struct OAuth {
        /// The client's id, where it was registered by hand.
        client_id / "client-id": Text;
        /// Its secret.
        client_secret / "client-secret": Secret;
        /// What is asked for.
        scopes / "scopes": List<Text> = "[]";
        /// How the token is got; `"client-credentials"` only for shared credentials.
        grant / "grant": OAuthGrant = "\"authorization-code\"";
        /// Where the server has no metadata; together with `token-url`.
        authorize_url / "authorize-url": Url;
        /// Where the server has no metadata; together with `authorize-url`.
        token_url / "token-url": Url;
        /// `"omit"` for providers that refuse the resource parameter (RFC 8707), which is sent by default.
        resource / "resource": OAuthResource;
    }
}

choice! {
    pub enum OAuthGrant { AuthorizationCode "authorization-code", ClientCredentials "client-credentials", }
}

choice! {
    pub enum OAuthResource { Omit "omit", }
}

//! Who: `[login]`, `[user.NAME]`, `[service.NAME]`, `[issuer.NAME]`, `[group.NAME]`.

use jiff::civil::Date;

use crate::config::grammar::{Lasting, List, Map, PasswordHash, PathText, Secret, Text, TokenHash, Url, table};
use crate::name::{Member, ServerName};

table! {
    /// How people sign in.
    pub struct Login {
        /// Beside an identity provider: may local accounts sign in too? Without a provider they may.
        local / "local": bool = "false";
        /// The identity provider where people sign in with the browser.
        oidc / "oidc": Oidc;
    }
}

table! {
    /// The identity provider.
    pub struct Oidc {
        /// Its issuer identifier.
        issuer / "issuer": Url [required];
        /// The gateway's id there.
        client_id / "client-id": Text [required];
        /// The gateway's secret there.
        client_secret / "client-secret": Secret;
        /// What is asked for.
        scopes / "scopes": List<Text> = "[\"openid\", \"email\", \"profile\"]";
        /// The claim that names a person.
        user_claim / "user-claim": Text = "\"email\"";
        /// Believe an `email` that the provider has not verified. Shown as exposure.
        trust_email / "trust-email": bool = "false";
        /// The claim that lists groups.
        groups_claim / "groups-claim": Text = "\"groups\"";
        /// Claims that must have one of these values.
        require_claims / "require-claims": Map<String, List<Text>> = "{}";
        /// How often groups and account are asked again.
        recheck / "recheck": Lasting<5, 2_592_000> = "\"1h\"";
        /// Sign in again after this, where the provider gives no refresh token.
        recheck_without_refresh / "recheck-without-refresh": Lasting<5, 31_536_000> = "\"24h\"";
    }
}

table! {
    /// A local account.
    pub struct User {
        /// What `mcpgw hash-password` prints.
        password_hash / "password-hash": PasswordHash [required];
        /// Groups it is in.
        groups / "groups": List<Text> = "[]";
    }
}

table! {
    /// A program with a static token.
    pub struct Service {
        /// SHA-256 of the token, as `mcpgw token` prints it. Two while rotating.
        token_sha256 / "token-sha256": List<TokenHash> [required];
        /// Groups it is in.
        groups / "groups": List<Text> = "[]";
        /// The last day (UTC) on which the token counts.
        expires / "expires": Date;
        /// Its credentials for servers with personal credentials.
        credentials / "credentials": Map<ServerName, Secret> = "{}";
    }
}

table! {
    /// An external authorization server whose tokens are accepted.
    pub struct Issuer {
        /// Its issuer identifier.
        url / "url": Url [required];
        /// What a token's `aud` must hold.
        audience / "audience": Text [required];
        /// Its keys; by default discovered.
        jwks / "jwks": Jwks;
        /// The claim that names a person.
        user_claim / "user-claim": Text = "\"sub\"";
        /// The claim that lists groups.
        groups_claim / "groups-claim": Text;
        /// Before its users and groups; `""` merges them with the others. Shown as exposure.
        prefix / "prefix": String = "NAME:";
    }
}

table! {
    /// Where an issuer's keys are: one of both.
    pub struct Jwks {
        /// Where they are fetched.
        url / "url": Url;
        /// A file with them.
        file / "file": PathText;
    }
}

table! {
    /// A group, besides what the identity provider says.
    pub struct Group {
        /// Who is in it: `user:…`, `service:…` or `group:…`.
        members / "members": List<Member> [required];
    }
}

//! The paths that are answered here, besides `/mcp/ENDPOINT`, which is the gate's.

use http::Method;

use crate::auth::is_open;
use crate::name::EndpointName;
use crate::snapshot::Snapshot;

/// What a path asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Route {
    /// `/`: my page.
    Home,
    /// `/assets/…`: style sheet and icon.
    Asset(String),
    /// `/authorize`, RFC 6749 section 3.1.
    Authorize,
    /// `/client-metadata.json`: what this gateway is as a client of other authorization servers.
    ClientMetadata,
    /// `/connect/ENDPOINT`.
    Connect(String),
    /// `/connect/callback`.
    ConnectCallback,
    /// `/consent`, where the form of the consent page goes.
    Consent,
    /// `/grants/revoke`, where the forms of my page go.
    RevokeGrant,
    /// `/register`, RFC 7591.
    Register,
    /// RFC 9728; `None`: at the root.
    ResourceMetadata(Option<String>),
    /// `/revoke`, RFC 7009.
    Revoke,
    /// RFC 8414.
    ServerMetadata,
    SignIn,
    /// `/sign-in/callback`: back from the identity provider.
    SignInCallback,
    /// `/sign-in/provider`: on to the identity provider.
    SignInProvider,
    SignOut,
    /// `/token`, RFC 6749 section 3.2.
    Token,
}

const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

impl Route {
    pub fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/" => Self::Home,
            "/authorize" => Self::Authorize,
            "/client-metadata.json" => Self::ClientMetadata,
            "/connect/callback" => Self::ConnectCallback,
            "/consent" => Self::Consent,
            "/grants/revoke" => Self::RevokeGrant,
            "/register" => Self::Register,
            "/revoke" => Self::Revoke,
            "/sign-in" => Self::SignIn,
            "/sign-in/callback" => Self::SignInCallback,
            "/sign-in/provider" => Self::SignInProvider,
            "/sign-out" => Self::SignOut,
            "/token" => Self::Token,
            RESOURCE_METADATA => Self::ResourceMetadata(None),
            SERVER_METADATA => Self::ServerMetadata,
            _ => return Self::with_name(path),
        })
    }

    fn with_name(path: &str) -> Option<Self> {
        if let Some(file) = path.strip_prefix("/assets/") {
            return Some(Self::Asset(file.to_owned()));
        }
        if let Some(endpoint) = path.strip_prefix("/connect/") {
            return Some(Self::Connect(endpoint.to_owned()));
        }
        // Clients of 2025-03-26 to 2025-06-18 look for the server's metadata below the endpoint's path too (RFC 8414 section 3.1).
        if path
            .strip_prefix(SERVER_METADATA)
            .is_some_and(|rest| rest.starts_with("/mcp/"))
        {
            return Some(Self::ServerMetadata);
        }
        let endpoint = path.strip_prefix(RESOURCE_METADATA)?.strip_prefix("/mcp/")?;
        Some(Self::ResourceMetadata(Some(endpoint.to_owned())))
    }

    /// Is there anybody whom it serves in this configuration?
    pub fn is_served(&self, snapshot: &Snapshot) -> bool {
        match self {
            // Tokens of an external issuer are as good a reason to ask what this is.
            Self::ResourceMetadata(_) => is_open(snapshot) || !snapshot.issuers.is_empty(),
            // An administrator authorizes servers, whether other people sign in here or not.
            Self::Asset(_) | Self::ClientMetadata | Self::ConnectCallback => {
                is_open(snapshot) || snapshot.servers.values().any(|server| server.waits_for_administrator())
            }
            _ => is_open(snapshot),
        }
    }

    /// Where the protected-resource metadata of an endpoint stands (RFC 9728 section 3.1).
    pub fn resource_metadata(endpoint: &EndpointName) -> String {
        format!("{RESOURCE_METADATA}/mcp/{endpoint}")
    }

    /// May programs in a browser read its answers (CORS)? Pages are for people only.
    pub fn is_for_programs(&self) -> bool {
        match self {
            Self::ClientMetadata
            | Self::Register
            | Self::ResourceMetadata(_)
            | Self::Revoke
            | Self::ServerMetadata
            | Self::Token => true,
            Self::Asset(_)
            | Self::Authorize
            | Self::Connect(_)
            | Self::ConnectCallback
            | Self::Consent
            | Self::Home
            | Self::RevokeGrant
            | Self::SignIn
            | Self::SignInCallback
            | Self::SignInProvider
            | Self::SignOut => false,
        }
    }

    /// The methods that it answers, as `Allow` lists them.
    pub fn allow(&self) -> &'static str {
        match self {
            Self::Asset(_)
            | Self::Authorize
            | Self::ClientMetadata
            | Self::ConnectCallback
            | Self::Home
            | Self::ResourceMetadata(_)
            | Self::ServerMetadata
            | Self::SignInCallback
            | Self::SignInProvider => "GET, HEAD",
            Self::Connect(_) | Self::SignIn => "GET, HEAD, POST",
            Self::Consent | Self::Register | Self::Revoke | Self::RevokeGrant | Self::SignOut | Self::Token => "POST",
        }
    }

    pub fn allows(&self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_their_routes() {
        assert_eq!(Route::of("/token"), Some(Route::Token));
        assert_eq!(
            Route::of("/.well-known/oauth-protected-resource/mcp/eng"),
            Some(Route::ResourceMetadata(Some("eng".to_owned())))
        );
        assert_eq!(
            Route::of("/.well-known/oauth-protected-resource"),
            Some(Route::ResourceMetadata(None))
        );
        assert_eq!(
            Route::of("/.well-known/oauth-authorization-server/mcp/eng"),
            Some(Route::ServerMetadata)
        );
        assert_eq!(Route::of("/connect/callback"), Some(Route::ConnectCallback));
        assert_eq!(Route::of("/connect/eng"), Some(Route::Connect("eng".to_owned())));
        for path in ["/mcp/eng", "/tokens", "", "/.well-known/oauth-protected-resource/other"] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}

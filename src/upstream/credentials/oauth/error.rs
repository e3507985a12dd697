//! Why there is no token. Two audiences, as everywhere.

use std::fmt;

use crate::fetch::FetchError;
use crate::store::StoreError;

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OAuthError {
    /// The authorization server, or what leads to it, cannot be used as it is.
    Discovery(String),
    Fetch(FetchError),
    /// The authorization server said no: RFC 6749 section 5.2, its `error` code made safe.
    Refused {
        code: String,
        text: String,
    },
    Store(StoreError),
    /// The answer in the browser is not the one that was waited for.
    Callback(&'static str),
}

impl OAuthError {
    /// Names nothing that the other side said.
    pub fn public(&self) -> String {
        match self {
            Self::Discovery(_) => "the server's authorization cannot be used by this gateway; its administrator finds the reason in the log".into(),
            Self::Fetch(error) => format!("the server's authorization cannot be reached: {}", error.public()),
            Self::Refused { code, .. } => format!("the server's authorization was refused (`{code}`)"),
            Self::Store(_) => "the gateway cannot keep the credential now; try again later".into(),
            Self::Callback(why) => (*why).into(),
        }
    }

    /// May the same succeed later, without anybody changing anything?
    pub(in crate::upstream::credentials) fn is_passing(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_passing(),
            Self::Refused { code, .. } => {
                matches!(code.as_str(), "temporarily_unavailable" | "server_error" | "slow_down")
            }
            Self::Store(_) => true,
            Self::Discovery(_) | Self::Callback(_) => false,
        }
    }

    /// The refresh token counts no more (RFC 6749 section 5.2): the code that says so.
    pub(in crate::upstream::credentials) fn ends_the_grant(&self) -> Option<&'static str> {
        let Self::Refused { code, .. } = self else { return None };
        ["invalid_grant", "invalid_client", "unauthorized_client"]
            .into_iter()
            .find(|ending| code == ending)
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discovery(why) => f.write_str(why),
            Self::Fetch(error) => error.fmt(f),
            Self::Refused { code, text } if text.is_empty() => write!(f, "refused: {code}"),
            Self::Refused { code, text } => write!(f, "refused: {code}: {text}"),
            Self::Store(error) => error.fmt(f),
            Self::Callback(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for OAuthError {}

/// There is no randomness to be had.
impl From<std::io::Error> for OAuthError {
    fn from(_: std::io::Error) -> Self {
        Self::Discovery("the system has no randomness".into())
    }
}

impl From<FetchError> for OAuthError {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

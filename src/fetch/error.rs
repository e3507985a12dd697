//! Why a fetch failed. Two audiences: `Display` is for the log, [`FetchError::public`] for clients.

use std::fmt;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchError {
    pub kind: FetchErrorKind,
    /// Without query: it may hold what others should not read.
    url: String,
    detail: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FetchErrorKind {
    /// The URL is none that is ever fetched: not https, no host, with a password.
    Address,
    /// Too many fetches at once.
    Busy,
    /// The answer broke off, or is no HTTP.
    Broken,
    /// The answer is compressed, which was not asked for.
    Encoded,
    NotJson,
    /// It leads to an address that the policy does not admit.
    Private,
    /// Redirected, more often than the policy follows.
    Redirect,
    /// Answered, but not with 200.
    Status(u16),
    Timeout,
    TooLarge,
    /// No connection, no name, or no TLS.
    Unreachable,
}

impl FetchError {
    pub(super) fn new(kind: FetchErrorKind, url: &str, detail: impl Into<String>) -> Self {
        let shown = url.split(['?', '#']).next().unwrap_or_default();
        // A password in the URL is refused, and not shown either.
        let shown = match (shown.find("://"), shown.rfind('@')) {
            (Some(start), Some(at)) if start + 3 < at => format!("{}…{}", &shown[..start + 3], &shown[at..]),
            _ => shown.to_owned(),
        };
        let shown: String = shown.chars().take(200).collect();
        Self {
            kind,
            url: crate::text::safe(&shown).into_owned(),
            detail: detail.into(),
        }
    }

    /// Names no address and nothing that the other side said.
    pub fn public(&self) -> &'static str {
        match self.kind {
            FetchErrorKind::Address | FetchErrorKind::Private => "the address is not one that the gateway may ask",
            FetchErrorKind::Busy => "the gateway has too much to ask at once; try again",
            FetchErrorKind::Broken | FetchErrorKind::Encoded | FetchErrorKind::NotJson => "the answer cannot be read",
            FetchErrorKind::Redirect => "the address leads elsewhere, which is not followed",
            FetchErrorKind::Status(_) => "the document is not there",
            FetchErrorKind::Timeout => "there was no answer in time",
            FetchErrorKind::TooLarge => "the answer is too large",
            FetchErrorKind::Unreachable => "there is no connection",
        }
    }

    /// May the same fetch succeed later, without anybody changing anything?
    pub fn is_passing(&self) -> bool {
        match self.kind {
            FetchErrorKind::Broken | FetchErrorKind::Busy | FetchErrorKind::Timeout | FetchErrorKind::Unreachable => {
                true
            }
            FetchErrorKind::Status(status) => status == 429 || status >= 500,
            FetchErrorKind::Address
            | FetchErrorKind::Encoded
            | FetchErrorKind::NotJson
            | FetchErrorKind::Private
            | FetchErrorKind::Redirect
            | FetchErrorKind::TooLarge => false,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was not fetched: {}", self.url, self.detail)
    }
}

impl std::error::Error for FetchError {}

//! JSON Web Tokens that somebody else signed: access tokens of `[issuer.*]`, ID tokens of `[login.oidc]`.
//!
//! In come a token and the issuer's keys, out come claims that its key has signed, or why not. Asymmetric algorithms alone:
//! `none` and the HMAC ones do not exist here, and a key serves the algorithms of its own kind only (RFC 8725 section 3.1).
//! Signatures are checked by `ring`, which TLS brings along; nothing here connects or waits.

mod claims;
mod keys;
mod token;

pub(super) use claims::{Claims, Expected, Use};
pub(super) use keys::Keys;
pub(super) use token::Token;

use jiff::Timestamp;

/// Why a token does not count. For the log: the client is told no more than that it does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// No JWT of the kind that is looked for.
    Malformed(String),
    /// Signed by a key that is not among the issuer's, as far as they are known.
    UnknownKey,
    Signature,
    /// Signed, and not for us or not now.
    Claim(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "it is malformed: {why}"),
            Self::UnknownKey => f.write_str("it is signed by a key that its issuer does not publish"),
            Self::Signature => f.write_str("its signature is wrong"),
            Self::Claim(why) => f.write_str(why),
        }
    }
}

/// Checks the signature first, then what is said.
pub(super) fn verify(
    token: &Token<'_>,
    keys: &Keys,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Claims, Refusal> {
    expected.fits(token)?;
    keys.check(token)?;
    Claims::read(token, expected, now)
}

#[cfg(test)]
mod tests;

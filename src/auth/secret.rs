//! Random texts and their hashes: ids, codes, tokens. What is given out is stored as its SHA-256 only.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::oauth;

/// What a token or code begins with, its use first: a leaked one is found by scanners, and read as what it is.
pub const ACCESS: &str = "mcpgw_at_";
pub(super) const REFRESH: &str = "mcpgw_rt_";

/// SHA-256 of a secret text.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Hash([u8; 32]);

/// A token's two parts: of which grant it says it is, and the hash of the whole.
pub(super) struct Token<'a> {
    pub(super) grant: &'a str,
    pub(super) hash: Hash,
}

impl Hash {
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// In constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// As the key of a record.
    pub(super) fn key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// 12 random bytes as hexadecimal digits: the id of a grant, which people read and type.
pub(super) fn id() -> std::io::Result<String> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(crate::text::hex(&bytes))
}

/// A new token of a grant: `mcpgw_at_<grant>_<secret>`.
pub(super) fn token(prefix: &str, grant: &str) -> std::io::Result<String> {
    Ok(format!("{prefix}{grant}_{}", oauth::random()?))
}

/// Reads a token that begins with `prefix`; `None` where it is none of ours.
pub(super) fn read<'a>(prefix: &str, text: &'a str) -> Option<Token<'a>> {
    let (grant, secret) = text.strip_prefix(prefix)?.split_once('_')?;
    let is_id = grant.len() == 24 && grant.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && secret.len() == 43).then(|| Token {
        grant,
        hash: Hash::of(text),
    })
}

/// RFC 7636 section 4.6, S256.
pub(super) fn pkce_matches(verifier: &str, challenge: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && bool::from(oauth::challenge(verifier).as_bytes().ct_eq(challenge.as_bytes()))
}

/// Is this the S256 challenge of some verifier?
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.key()
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or("no SHA-256")
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hash)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_its_grant() {
        let id = id().unwrap();
        let text = token(ACCESS, &id).unwrap();
        let token = read(ACCESS, &text).unwrap();
        assert_eq!(token.grant, id);
        assert!(token.hash.is(&Hash::of(&text)));
        assert!(read(REFRESH, &text).is_none());
        for bad in ["", "mcpgw_at_", "mcpgw_at_x_y", "mcpgw_at_0_"] {
            assert!(read(ACCESS, bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_verifier_of_rfc_7636_fits_its_challenge() {
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        assert!(is_challenge(challenge) && pkce_matches(verifier, challenge));
        assert!(!pkce_matches("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge));
        assert!(!pkce_matches("short", challenge) && !is_challenge("short"));
    }
}

//! The compact form (RFC 7515 section 3.1), taken apart and not yet believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::auth::jwt::Refusal;

/// Of the whole text. Tokens with many groups have some kilobytes.
const MAX_TOKEN: usize = 16 << 10;

/// A token whose header is read.
pub(in crate::auth) struct Token<'a> {
    pub(super) header: Header,
    /// What is signed.
    pub(super) signed: &'a [u8],
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    /// Extensions that must be understood; none is.
    crit: Option<serde::de::IgnoredAny>,
}

/// Who a token says it is from, before anything is checked: which issuer's keys to ask.
#[derive(Deserialize)]
struct Origin {
    iss: Option<String>,
}

impl<'a> Token<'a> {
    pub(in crate::auth) fn read(text: &'a str) -> Result<Self, Refusal> {
        let malformed = |why: &str| Refusal::Malformed(why.to_owned());
        if text.len() > MAX_TOKEN {
            return Err(Refusal::Malformed(format!("it is longer than {MAX_TOKEN} bytes")));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("it is not three parts"));
        };
        let decode = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| malformed("it is not base64url"))
        };
        let signed = &text.as_bytes()[..header.len() + 1 + payload.len()];
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| malformed("its header is not readable"))?;
        if header.crit.is_some() {
            return Err(malformed("its header has `crit`, of which nothing is understood"));
        }
        Ok(Self {
            header,
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// Could this be a JWT at all? Opaque tokens are not looked at further.
    pub(in crate::auth) fn is_like(text: &str) -> bool {
        text.starts_with("ey") && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    pub(in crate::auth) fn issuer(&self) -> Option<String> {
        serde_json::from_slice::<Origin>(&self.payload).ok()?.iss
    }
}

//! An issuer's public keys, from a JWK set (RFC 7517), and which of them has signed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;

use crate::auth::jwt::Refusal;
use crate::auth::jwt::token::Token;

/// Keys of one issuer that are kept; sets are small.
const MAX_KEYS: usize = 64;
/// Keys that are tried for a token that names none.
const MAX_TRIED: usize = 4;

/// At least one key that can be used.
#[derive(Clone)]
pub(in crate::auth) struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, where it says one.
    alg: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a JWK set. Keys of other kinds and for other uses are left out (RFC 7517 section 5); the error says that
    /// none is left, or that this is no set.
    pub(in crate::auth) fn read(json: &[u8]) -> Result<Self, String> {
        let set: Set = serde_json::from_slice(json).map_err(|error| format!("it is no JWK set: {error}"))?;
        let keys = set
            .keys
            .into_iter()
            .filter_map(|key| Key::of(serde_json::from_value(key).ok()?));
        let keys: Vec<Key> = keys.take(MAX_KEYS).collect();
        if keys.is_empty() {
            return Err("it has no key to check signatures with: RSA, P-256, P-384 or Ed25519".to_owned());
        }
        Ok(Self(keys))
    }

    pub(in crate::auth) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn check(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let alg = token.header.alg.as_str();
        if !ALGORITHMS.contains(&alg) {
            return Err(Refusal::Malformed(format!(
                "its algorithm `{}` is none of {}",
                crate::text::safe(alg),
                ALGORITHMS.join(", ")
            )));
        }
        let fits = |key: &&Key| key.material.serves(alg) && key.alg.as_deref().is_none_or(|only| only == alg);
        let mut candidates = self.0.iter().filter(fits);
        let signed = |key: &Key| key.material.has_signed(alg, token);
        if let Some(id) = &token.header.kid {
            let key = candidates.find(|key| key.id.as_ref() == Some(id));
            let key = key.ok_or(Refusal::UnknownKey)?;
            return signed(key).then_some(()).ok_or(Refusal::Signature);
        }
        // Which one it was, nobody said: it may be one that is not known yet.
        let mut tried = candidates.take(MAX_TRIED);
        tried.any(signed).then_some(()).ok_or(Refusal::UnknownKey)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        let is_for_signatures = jwk.r#use.as_deref().is_none_or(|used| used == "sig")
            && jwk
                .key_ops
                .as_ref()
                .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        let number = |field: &Option<String>| URL_SAFE_NO_PAD.decode(field.as_deref()?).ok();
        let point = |length: usize| {
            let (x, y) = (number(&jwk.x)?, number(&jwk.y)?);
            (x.len() == length && y.len() == length).then(|| [&[4], &x[..], &y[..]].concat())
        };
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa {
                n: without_zeros(number(&jwk.n)?),
                e: without_zeros(number(&jwk.e)?),
            },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(number(&jwk.x)?),
            _ => return None,
        };
        is_for_signatures.then_some(Self {
            id: jwk.kid,
            alg: jwk.alg,
            material,
        })
    }
}

/// RFC 7518 section 3.1, RFC 8037, RFC 9864.
const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519",
];

impl Material {
    /// RSA keys shorter than 2048 bits serve nothing: `ring` refuses them.
    fn serves(&self, alg: &str) -> bool {
        match self {
            Self::Rsa { .. } => rsa(alg).is_some(),
            Self::P256(_) => alg == "ES256",
            Self::P384(_) => alg == "ES384",
            Self::Ed25519(_) => matches!(alg, "EdDSA" | "Ed25519"),
        }
    }

    fn has_signed(&self, alg: &str, token: &Token<'_>) -> bool {
        let by = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(token.signed, &token.signature)
        };
        let checked = match self {
            Self::Rsa { n, e } => match rsa(alg) {
                Some(parameters) => RsaPublicKeyComponents { n, e }.verify(parameters, token.signed, &token.signature),
                None => return false,
            },
            Self::P256(point) => by(&signature::ECDSA_P256_SHA256_FIXED, point),
            Self::P384(point) => by(&signature::ECDSA_P384_SHA384_FIXED, point),
            Self::Ed25519(key) => by(&signature::ED25519, key),
        };
        checked.is_ok()
    }
}

fn rsa(alg: &str) -> Option<&'static RsaParameters> {
    Some(match alg {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// Some issuers put a zero before a number whose first bit is set; `ring` wants none.
fn without_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}

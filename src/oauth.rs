//! What the gateway does alike as an authorization server, as a client of one, and where people sign in: pure, no I/O.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use url::{Host, Url, form_urlencoded};

/// 32 random bytes, base64url: a `state`, a verifier, a token. The error is the system's, which has no randomness to give.
pub fn random() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The S256 challenge of a verifier (RFC 7636 section 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// The `Authorization` header of a client with a secret (RFC 6749 section 2.3.1): both are form-encoded first.
pub fn basic(id: &str, secret: &str) -> Option<HeaderValue> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Does it lead to this machine, as its author wrote it?
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // The parser has made it lower case.
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Scheme, host and port as they are compared, without a slash.
pub fn origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.has_host().then(|| url.origin().ascii_serialization())
}

/// May a person's browser be sent there to sign in? Over https, or on this very machine.
pub fn is_safe_page(url: &str) -> bool {
    let url = Url::parse(url).ok();
    url.is_some_and(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_rfc_7636_has_its_challenge() {
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn id_and_secret_are_encoded_before_they_are_joined() {
        let header = basic("a:b", "c d%").unwrap();
        assert!(header.is_sensitive());
        let pair = STANDARD.decode(&header.as_bytes()["Basic ".len()..]).unwrap();
        assert_eq!(pair, b"a%3Ab:c+d%25");
    }

    #[test]
    fn nobody_signs_in_over_plain_http_but_here() {
        for url in [
            "https://idp.example.com/auth",
            "http://127.0.0.1:9000/auth",
            "http://localhost/",
        ] {
            assert!(is_safe_page(url), "{url}");
        }
        for url in [
            "http://idp.example.com/auth",
            "http://10.0.0.1/",
            "javascript:alert(1)",
            "ftp://127.0.0.1/",
            "x",
        ] {
            assert!(!is_safe_page(url), "{url}");
        }
    }

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        let is = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in ["http://LOCALHOST:1/", "http://127.9.9.9/", "http://[::1]/"] {
            assert!(is(url), "{url}");
        }
        for url in ["http://localhost.evil.example/", "http://10.0.0.1/", "app:x"] {
            assert!(!is(url), "{url}");
        }
    }
}

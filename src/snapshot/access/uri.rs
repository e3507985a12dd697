//! Resource URIs whose text a server may read otherwise than the rules did.

/// Whether a glob over the text says what a server will open.
///
/// Refused: dot segments (RFC 3986, section 5.2.4 removes them), `%2F`, `%5C` and whatever need not be encoded (letters,
/// digits, `-._~`: section 6.2.2.2 says that `%73` is `s`, so that `%73ecret` would slip by a `deny` of `secret`) also
/// where `%25` hides them, a backslash (URL parsers of the web take it for `/`) and control characters (they drop them).
pub fn uri_is_safe(uri: &str) -> bool {
    !uri.is_empty() && !uri.contains(|c: char| c.is_control() || c == '\\') && !has_dot_segment(uri) && !hides(uri)
}

/// Segments end at a query, a fragment, parameters (`..;a`) and a scheme, too: more is refused than need be, never less.
fn has_dot_segment(uri: &str) -> bool {
    uri.split(['/', '?', '#', ';', ':'])
        .any(|segment| segment == "." || segment == "..")
}

/// In one pass, as the URI may be long: what stands after a `%` and any number of `25`.
fn hides(uri: &str) -> bool {
    uri.as_bytes().split(|&byte| byte == b'%').skip(1).any(|mut code| {
        while let Some(rest) = code.strip_prefix(b"25") {
            code = rest;
        }
        let byte = code
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte.is_ascii_control() || b"-._~/\\".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_that_can_be_read_two_ways_are_refused() {
        for good in [
            "repo://acme/app/README.md",
            "file:///srv/..hidden/a.b",
            "docs://a%20b/c",
            "repo://acme/{path}",
            "x:a",
            "https://a.example/x?y=1.5",
        ] {
            assert!(uri_is_safe(good), "{good}");
        }
        for bad in [
            "",
            "file:///srv/../etc",
            "file:///srv/./a",
            "file:///srv/..",
            "file:../etc",
            "file:///srv/..?x",
            "file:///srv/..#x",
            "file:///srv/..;x/a",
            "file:///srv/%2e%2e/etc",
            "file:///srv/%2E./etc",
            "file:///srv/%73ecret/a",
            "file:///srv/secre%2574/a",
            "file:///srv/a%00.txt",
            "repo://acme%2fother/a",
            "repo://acme%5Cother",
            "repo://acme%252fother",
            "repo://acme%25252fother",
            "repo://acme\\other",
            "repo://acme/.\n./a",
        ] {
            assert!(!uri_is_safe(bad), "{bad}");
        }
    }
}

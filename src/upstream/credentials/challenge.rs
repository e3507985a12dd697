//! What a server says when it refuses a token: RFC 6750 section 3, RFC 9728 section 5.1. It is read here, and never relayed.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};

/// Longer ones are no use.
const MAX: usize = 8 << 10;

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::upstream) struct Challenge {
    pub(super) resource_metadata: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) error: Option<String>,
    /// 403.
    pub(super) forbidden: bool,
}

impl Challenge {
    /// Of an answer that a token, or its absence, is the reason for: 401, or 403 with `insufficient_scope`.
    pub(in crate::upstream) fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let mut challenge = Self {
            forbidden: status == StatusCode::FORBIDDEN,
            ..Self::default()
        };
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let Some(text) = value.to_str().ok().filter(|text| text.len() <= MAX) else {
                continue;
            };
            for (name, value) in parameters(text) {
                match name.as_str() {
                    "resource_metadata" => challenge.resource_metadata = Some(value),
                    "scope" => challenge.scope = Some(value),
                    "error" => challenge.error = Some(value),
                    _ => {}
                }
            }
        }
        match status {
            StatusCode::UNAUTHORIZED => Some(challenge),
            StatusCode::FORBIDDEN if challenge.lacks_scope() => Some(challenge),
            _ => None,
        }
    }

    pub(super) fn lacks_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

/// `name=value` and `name="value"`, wherever they stand.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before
            .rsplit(|letter: char| letter == ',' || letter.is_whitespace())
            .find(|word| !word.is_empty())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let after = after.trim_start();
        let (value, behind) = if let Some(quoted) = after.strip_prefix('"') {
            let mut value = String::new();
            let mut letters = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((at, letter)) = letters.next() {
                match letter {
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
                    other => value.push(other),
                }
            }
            (value, &quoted[end..])
        } else {
            let end = after
                .find(|letter: char| letter == ',' || letter.is_whitespace())
                .unwrap_or(after.len());
            (after[..end].to_owned(), &after[end..])
        };
        found.push((name, value));
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: StatusCode, text: &str) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, text.parse().unwrap());
        Challenge::of(status, &headers)
    }

    #[test]
    fn what_a_challenge_names_is_read() {
        let text = r#"Bearer realm="a, \"b\"=c", error="invalid_token", scope="a b", resource_metadata="https://x/.well-known/y?z=1""#;
        let challenge = of(StatusCode::UNAUTHORIZED, text).unwrap();
        assert_eq!(challenge.scope.as_deref(), Some("a b"));
        assert_eq!(
            challenge.resource_metadata.as_deref(),
            Some("https://x/.well-known/y?z=1")
        );
        assert_eq!(challenge.error.as_deref(), Some("invalid_token"));
        assert!(of(StatusCode::UNAUTHORIZED, "Bearer").is_some());
        assert!(of(StatusCode::UNAUTHORIZED, "Basic =\"\\").is_some());
    }

    #[test]
    fn a_403_is_about_the_token_only_where_it_says_so() {
        assert!(
            of(StatusCode::FORBIDDEN, "Bearer error=insufficient_scope, scope=x").is_some_and(|it| it.lacks_scope())
        );
        assert!(of(StatusCode::FORBIDDEN, "Bearer").is_none());
        assert!(of(StatusCode::OK, "Bearer error=insufficient_scope").is_none());
    }
}

//! What no finding may show, found without knowing what a file means.
//!
//! Two passes: over nodes, by the names of keys; and over the lines of a file that is not TOML, where nobody knows
//! what is a value. Both hide too much rather than too little.

use super::node::{Node, Value, visit};
use crate::diag::{FileId, Place, Sources};
use crate::name::{is_secret_name, secret_arguments};

/// Keys of the grammar that sound like secrets and are none.
fn is_plain_key(name: &str) -> bool {
    matches!(
        name,
        "token-header" | "token-env" | "token-url" | "credentials" | "keep" | "control" | "tokens"
    )
}

/// Hides what sounds like a secret, wherever it stands and whatever its type.
pub(super) fn hide(root: &Node, sources: &mut Sources) {
    let mut places = Vec::new();
    visit(root, &mut Vec::new(), &mut |path, node| {
        let Value::String(text) = &node.value else { return };
        let under_secret = path.iter().any(|key| is_secret_name(key) && !is_plain_key(key));
        let settings = path.iter().rev().skip(1).any(|key| matches!(*key, "headers" | "env"));
        let reference = path.last().is_some_and(|key| is_reference(key, text));
        if ((under_secret || settings) && !reference) || url_password(text) {
            places.push(node.place);
        }
    });
    visit(root, &mut Vec::new(), &mut |path, node| {
        if let (Some(&"command"), Value::Array { items, .. }) = (path.last(), &node.value) {
            places.extend(arguments(items));
        }
    });
    for place in places {
        sources.hide(place);
    }
}

/// `{ env = "NAME" }` and its like: no secret as long as it looks like what it should be.
fn is_reference(key: &str, text: &str) -> bool {
    match key {
        "env" => is_variable(text),
        "file" | "command" => true,
        _ => false,
    }
}

/// A name that an environment variable may have.
pub(in crate::config) fn is_variable(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Has the URL something between `://` and `@`?
pub(in crate::config) fn url_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.contains('@')
    })
}

/// See [`secret_arguments`].
fn arguments(items: &[Node]) -> Vec<Place> {
    let texts = items.iter().filter_map(|item| match &item.value {
        Value::String(text) => Some((item.place, text.as_str())),
        _ => None,
    });
    let hidden = secret_arguments(texts.clone().map(|(_, text)| text));
    texts
        .zip(hidden)
        .filter_map(|((place, _), hidden)| hidden.then_some(place))
        .collect()
}

/// Hides, in a file that is not TOML, every quoted text and every line that might hold a secret or be part of one.
pub(super) fn hide_lines(file: FileId, sources: &mut Sources) {
    let text = sources.get(file).text.clone();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end();
        if let Some((from, to)) = hidden_part(body) {
            sources.hide(Place::new(file, start + from..start + to));
        }
        start += line.len();
    }
}

fn hidden_part(line: &str) -> Option<(usize, usize)> {
    let trimmed = line.trim_start();
    let indent = line.len() - trimmed.len();
    if trimmed.is_empty() {
        return None;
    }
    // A header is shown unless it is one in name only.
    if trimmed.starts_with('[') && !trimmed.contains(['"', '\'', ',', '=']) && !is_secret_name(trimmed) {
        return None;
    }
    let Some(equals) = line.find('=') else {
        return Some((indent, line.len()));
    };
    let (key, value) = (&line[..equals], &line[equals + 1..]);
    if is_secret_name(line) || key.contains(['"', '\'', '{', '[']) {
        // The key itself stays readable where it is a bare word.
        let bare = key
            .trim()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        return Some((if bare { equals + 1 } else { indent }, line.len()));
    }
    let quote = value.find(['"', '\''])?;
    let last = value.rfind(['"', '\'']).unwrap_or(quote);
    let end = if last > quote { equals + 2 + last } else { line.len() };
    Some((equals + 1 + quote, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        match hidden_part(line) {
            None => line.to_owned(),
            Some((from, to)) => format!("{}…{}", &line[..from], &line[to..]),
        }
    }

    #[test]
    fn a_broken_line_shows_its_key_but_no_text() {
        assert_eq!(shown("listen = 127.0.0.1"), "listen = 127.0.0.1");
        assert_eq!(shown("title = \"abc\" x"), "title = … x");
        assert_eq!(shown("title = \"abc"), "title = …");
        assert_eq!(shown("token = abc"), "token =…");
        assert_eq!(shown("token: abc"), "…");
        assert_eq!(shown("  abc\""), "  …");
        assert_eq!(shown("[server.crm"), "[server.crm");
        assert_eq!(shown("headers = { Authorization = Bearer abc }"), "headers =…");
    }

    #[test]
    fn a_url_with_a_password_is_seen() {
        assert!(url_password("https://bob:hunter2@example.com/x"));
        assert!(!url_password("https://example.com/@scope"));
    }
}

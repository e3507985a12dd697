//! Glob patterns over names and URIs: the door to `globset`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

/// What `*` may match.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum PatternKind {
    /// Names (endpoints, tools, users): `*` matches anything, `/` too.
    Name,
    /// URIs and argument strings: `*` stops at `/`, `**` does not.
    Path,
}

/// A compiled glob that remembers how it was written. Two patterns are equal when kind and text are.
#[derive(Clone)]
pub struct Pattern {
    kind: PatternKind,
    text: Arc<str>,
    /// `None` where the text has no glob character: then equality is the match.
    matcher: Option<Arc<GlobMatcher>>,
}

/// Why a text is not a pattern, in the words of the glob library.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatternError(pub String);

impl Pattern {
    pub fn new(kind: PatternKind, text: &str) -> Result<Self, PatternError> {
        let matcher = if is_literal(text) {
            None
        } else {
            let glob = GlobBuilder::new(text)
                .literal_separator(kind == PatternKind::Path)
                .backslash_escape(true)
                .build()
                .map_err(|error| PatternError(error.kind().to_string()))?;
            Some(Arc::new(glob.compile_matcher()))
        };
        Ok(Self {
            kind,
            text: text.into(),
            matcher,
        })
    }

    pub fn is_match(&self, text: &str) -> bool {
        match &self.matcher {
            None => *self.text == *text,
            Some(matcher) => matcher.is_match(text),
        }
    }

    /// The one name that it matches, where it has no glob character.
    pub fn literal(&self) -> Option<&str> {
        self.matcher.is_none().then_some(&*self.text)
    }

    /// As written in the files.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn is_literal(text: &str) -> bool {
    !text.contains(['*', '?', '[', '{', '\\', ']', '}'])
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?}, {:?})", self.kind, self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Eq for Pattern {}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.kind, &self.text).cmp(&(other.kind, &other.text))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind, &self.text).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(kind: PatternKind, pattern: &str, text: &str) -> bool {
        Pattern::new(kind, pattern).unwrap().is_match(text)
    }

    #[test]
    fn star_crosses_slashes_in_names_only() {
        assert!(matches(PatternKind::Name, "github/*", "github/a/b"));
        assert!(!matches(PatternKind::Path, "repo://acme/*", "repo://acme/a/b"));
        assert!(matches(PatternKind::Path, "repo://acme/**", "repo://acme/a/b"));
    }

    #[test]
    fn a_pattern_without_glob_characters_matches_itself_only() {
        let pattern = Pattern::new(PatternKind::Name, "get_issue").unwrap();
        assert_eq!(pattern.literal(), Some("get_issue"));
        assert!(pattern.is_match("get_issue") && !pattern.is_match("Get_issue"));
    }

    #[test]
    fn a_broken_pattern_is_an_error() {
        assert!(Pattern::new(PatternKind::Name, "a[").is_err());
    }
}

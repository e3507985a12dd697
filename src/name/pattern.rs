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
    matcher: Matcher,
}

/// How the text matches: most patterns need nothing that is compiled.
#[derive(Clone)]
enum Matcher {
    /// Without a glob character: equality is the match.
    Literal,
    /// Of a name, without any but `*`.
    Stars,
    Glob(Arc<GlobMatcher>),
}

/// The longest text of a pattern, in bytes. What is compiled from it stays small, and matching is linear in what is matched.
const MAX_LENGTH: usize = 1024;

/// Why a text is not a pattern, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatternError(pub String);

impl Pattern {
    /// `*`, `**`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`; a backslash before one of them takes its meaning away. `?` and `[...]` stand
    /// for one ASCII character.
    pub fn new(kind: PatternKind, text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_LENGTH {
            return Err(PatternError(format!("it is longer than {MAX_LENGTH} bytes")));
        }
        let matcher = if is_literal(text) {
            Matcher::Literal
        } else if kind == PatternKind::Name && text.split('*').all(is_literal) {
            Matcher::Stars
        } else {
            let glob = GlobBuilder::new(&double_stars(kind, text)?)
                .literal_separator(kind == PatternKind::Path)
                .backslash_escape(true)
                .build()
                .map_err(|error| PatternError(error.kind().to_string()))?;
            Matcher::Glob(Arc::new(glob.compile_matcher()))
        };
        Ok(Self {
            kind,
            text: text.into(),
            matcher,
        })
    }

    pub fn is_match(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Literal => *self.text == *text,
            Matcher::Stars => stars_match(&self.text, text),
            Matcher::Glob(matcher) => matcher.is_match(text),
        }
    }

    /// The one name that it matches, where it has no glob character.
    pub fn literal(&self) -> Option<&str> {
        matches!(self.matcher, Matcher::Literal).then_some(&*self.text)
    }

    /// As written in the files.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Does each part between stars stand in the text, in order, the first at its start and the last at its end? Taking each as
/// early as it comes leaves the most to those after it.
fn stars_match(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let last = parts.next_back().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    true
}

/// Makes two stars mean what they say wherever they stand. `globset` knows them only as a whole segment; elsewhere it takes
/// them for one star, so that a `deny` of `secret**` would stop at the first `/`.
fn double_stars(kind: PatternKind, text: &str) -> Result<String, PatternError> {
    let mut out = String::with_capacity(text.len());
    let mut braces = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (piece, after) = rest.split_at(match c {
            '\\' => c.len_utf8() + rest.chars().nth(1).map_or(0, char::len_utf8),
            '[' => class_length(rest)?,
            '*' => rest.len() - rest.trim_start_matches('*').len(),
            _ => c.len_utf8(),
        });
        match c {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        let is_segment = braces == 0 && (out.is_empty() || out.ends_with('/')) && after.starts_with('/');
        out.push_str(match (c, kind) {
            ('*', PatternKind::Name) => "*",
            ('*', PatternKind::Path) if piece.len() == 1 => "*",
            ('*', PatternKind::Path) if is_segment => "**",
            // Anything: without a `/`, or with some.
            ('*', PatternKind::Path) => "{*,*/**/*}",
            _ => piece,
        });
        rest = after;
    }
    Ok(out)
}

/// In bytes, brackets included, of the class that `text` starts with. One that does not end is left to `globset`.
fn class_length(text: &str) -> Result<usize, PatternError> {
    let start = 1 + usize::from(text[1..].starts_with(['!', '^']));
    // A `]` in the first place stands for itself.
    let Some(end) = text.char_indices().position(|(at, c)| at > start && c == ']') else {
        return Ok(text.len());
    };
    match text.char_indices().take(end + 1).find(|(_, c)| !c.is_ascii()) {
        Some((_, c)) => Err(PatternError(format!(
            "`{c}` cannot stand in `[...]`, only ASCII can: write `{{{c},...}}`"
        ))),
        None => Ok(end + 1),
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
        for broken in ["a[", "{a", "a}", "\\", "[b-a]", "[é]", "[!aé]", "{a,[ü]}"] {
            assert!(Pattern::new(PatternKind::Name, broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_long_pattern_is_refused() {
        assert!(Pattern::new(PatternKind::Name, &"x*".repeat(512)).is_ok());
        assert!(Pattern::new(PatternKind::Name, &"*".repeat(1025)).is_err());
    }

    #[test]
    fn two_stars_cross_slashes_wherever_they_stand() {
        for (pattern, text, expected) in [
            ("file:///etc**", "file:///etc/a/b", true),
            ("file:///etc**", "file:///etc", true),
            ("**.pem", "a/b/c.pem", true),
            ("/a/**.pem", "/a/b/c.pem", true),
            ("/a/*.pem", "/a/b/c.pem", false),
            ("{/a/**,/b/x**y}", "/b/x/1/y", true),
            ("{/a/**,/b/x**y}", "/a/1/2", true),
            ("/a/**/b", "/a/b", true),
            ("/a/**/b", "/a/1/2/b", true),
            ("/a/**/b", "/a/1/2/c", false),
            ("**/b", "b", true),
            ("***", "a/b", true),
            (r"a\**", "a*/b", false),
            (r"a\***", "a*/b/c", true),
            ("a[*]*", "a*b", true),
            ("a[*]*", "ab", false),
            ("a[]*]b", "a]b", true),
        ] {
            assert_eq!(matches(PatternKind::Path, pattern, text), expected, "{pattern} {text}");
        }
        assert!(matches(PatternKind::Name, "**_delete", "github/a/b_delete"));
        assert!(matches(PatternKind::Name, "**/delete", "x/delete"));
    }

    #[test]
    fn a_star_matches_whatever_stands_there() {
        for text in ["", "\n", "a\nb", "é", "\u{202e}", ".hidden", "\0"] {
            assert!(matches(PatternKind::Name, "x*", &format!("x{text}")), "{text}");
            assert!(matches(PatternKind::Path, "x*", &format!("x{text}")), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[a*?\\[\\]{},!^\\\\/é-]{0,12}", text in "[a/é]{0,8}") {
            for kind in [PatternKind::Name, PatternKind::Path] {
                if let Ok(pattern) = Pattern::new(kind, &pattern) {
                    pattern.is_match(&text);
                }
            }
        }

        #[test]
        fn stars_alone_match_what_globset_says(pattern in "[aé/]{0,3}(\\*[ab./é]{0,3}){1,4}", text in "[ab./é\n]{0,12}") {
            let glob = GlobBuilder::new(&double_stars(PatternKind::Name, &pattern).unwrap()).build().unwrap();
            proptest::prop_assert_eq!(stars_match(&pattern, &text), glob.compile_matcher().is_match(&text));
        }

        #[test]
        fn two_stars_match_at_least_what_one_does(pattern in "[ab*/]{0,10}", text in "[ab/]{0,8}") {
            let wider = pattern.replace('*', "**");
            if matches(PatternKind::Path, &pattern, &text) {
                proptest::prop_assert!(matches(PatternKind::Path, &wider, &text));
            }
        }
    }
}

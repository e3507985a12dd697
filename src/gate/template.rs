//! Which URIs a resource template (RFC 6570) may stand for.

use regex::Regex;

/// A template, compiled to a linear-time expression over whole URIs.
pub(super) struct Template(Regex);

/// Beyond this a compiled template is refused, and its resources are served only where they are listed.
const MAX_COMPILED: usize = 1 << 16;

impl Template {
    /// `None` where the text is no template.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut pattern = String::from("^");
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            let (expression, after) = tail.split_once('}')?;
            pattern.push_str(&regex::escape(literal));
            pattern.push_str(expansion(expression)?);
            rest = after;
        }
        pattern.push_str(&regex::escape(rest));
        pattern.push('$');
        regex::RegexBuilder::new(&pattern)
            .size_limit(MAX_COMPILED)
            .build()
            .ok()
            .map(Self)
    }

    pub(super) fn is_match(&self, uri: &str) -> bool {
        self.0.is_match(uri)
    }
}

/// RFC 6570 section 3.2: what each kind of expression can expand to, told by its operator.
fn expansion(expression: &str) -> Option<&'static str> {
    let operator = expression.chars().next()?;
    Some(match operator {
        '+' => "[^#?]*",
        '#' => "(?:#.*)?",
        '.' => r"(?:\.[^/?#]*)?",
        '/' => "(?:/[^?#]*)?",
        ';' => "(?:;[^/?#]*)?",
        '?' => r"(?:\?[^#]*)?",
        '&' => "(?:&[^#]*)?",
        _ if expression.ends_with('*') => "[^?#]*",
        _ => "[^/?#]+",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(template: &str, uri: &str) -> bool {
        Template::new(template).is_some_and(|template| template.is_match(uri))
    }

    #[test]
    fn a_variable_is_one_segment() {
        assert!(matches("test://template/{id}/data", "test://template/123/data"));
        assert!(!matches("test://template/{id}/data", "test://template/1/2/data"));
        assert!(!matches("test://template/{id}/data", "test://template//data"));
        assert!(!matches("test://template/{id}", "xtest://template/1"));
    }

    #[test]
    fn reserved_expansion_crosses_segments() {
        assert!(matches("file:///{+path}", "file:///a/b/c.txt"));
        assert!(matches("s://x{?q,n}", "s://x?q=1&n=2") && matches("s://x{?q}", "s://x"));
    }

    #[test]
    fn an_open_brace_is_no_template() {
        assert!(Template::new("a{b").is_none() && Template::new("a{}").is_none());
    }
}

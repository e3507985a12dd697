//! Queries and forms: `application/x-www-form-urlencoded`, each name at most once.

use std::collections::BTreeMap;

use url::form_urlencoded;

use crate::auth::problem::Problem;

/// Names and values of a query or a form.
#[derive(Debug, Default)]
pub(super) struct Form(BTreeMap<String, String>);

/// A name is there twice: who checks one value may not be who uses the other (RFC 6749 section 3.1).
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Twice(pub(super) String);

/// More fields than any request of ours has.
const MAX_FIELDS: usize = 64;

impl Twice {
    pub(super) fn problem(&self) -> Problem {
        Problem::request(format!("`{}` is there twice", crate::text::safe(&self.0)))
    }
}

impl Form {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Twice> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(bytes).take(MAX_FIELDS) {
            // RFC 6749 section 3.1: a parameter without a value counts as left out.
            if value.is_empty() {
                continue;
            }
            if fields.contains_key(&*name) {
                return Err(Twice(name.into_owned()));
            }
            fields.insert(name.into_owned(), value.into_owned());
        }
        Ok(Self(fields))
    }

    /// Never empty.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// `url` with these parameters added to its query.
pub(super) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let (before, fragment) = match url.split_once('#') {
        Some((before, fragment)) => (before, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let joint = match before.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{before}{joint}{}{fragment}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_once() {
        let form = Form::read(b"a=1&b=%20x+y&c=").unwrap();
        assert_eq!(form.find("a"), Some("1"));
        assert_eq!(form.find("b"), Some(" x y"));
        assert_eq!(form.find("c"), None);
        assert_eq!(Form::read(b"a=1&a=2").unwrap_err(), Twice("a".to_owned()));
    }

    #[test]
    fn a_query_of_the_client_stays() {
        assert_eq!(with_query("https://a/b", &[("x", "1 &")]), "https://a/b?x=1+%26");
        assert_eq!(with_query("https://a/b?y=2", &[("x", "1")]), "https://a/b?y=2&x=1");
        assert_eq!(with_query("app://cb", &[("x", "1")]), "app://cb?x=1");
    }
}

//! What is taken out of texts that belong to no one call: lines of the log, reasons that `status` shows.
//!
//! They go where no filter of an endpoint is asked, so what any table of the files redacts in either direction is redacted there; without a
//! table, nothing is. Cheap to clone.

use std::borrow::Cow;
use std::sync::Arc;

use crate::pii::{Direction, PatternError, Redactor};
use crate::snapshot::Pii;

#[derive(Clone, Debug, Default)]
pub struct Cover(Arc<[Redactor]>);

impl Cover {
    pub fn of<'a>(tables: impl IntoIterator<Item = &'a Pii>) -> Result<Self, PatternError> {
        let redactors = tables
            .into_iter()
            .map(|table| Redactor::new(&both(table), Direction::Response));
        Ok(Self(redactors.collect::<Result<_, _>>()?))
    }

    /// What either takes out: while calls of an old generation still run.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&*other.0).cloned().collect())
    }

    /// One whole text: what is cut before may lose the half by which a value is known. The account of a URL, which a filter leaves since
    /// the URL would not work without it, is nothing that a record needs.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        const SCHEME: &str = "://";
        if self.0.is_empty() || !text.contains(SCHEME) {
            return self.part(text);
        }
        let parts: Vec<_> = text.split(SCHEME).map(|part| self.part(part)).collect();
        Cow::Owned(parts.join(SCHEME))
    }

    fn part<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, redactor| {
            let (redacted, counts) = redactor.redact_text(text.as_bytes());
            if counts.is_empty() {
                text
            } else {
                Cow::Owned(String::from_utf8_lossy(&redacted).into_owned())
            }
        })
    }
}

/// What is redacted in one direction is not to be read in the records of the other. Masked: a record gives nothing back.
pub fn both(table: &Pii) -> Pii {
    let mut types = table.responses.clone();
    types.extend(
        table
            .requests
            .iter()
            .filter(|kind| !table.responses.contains(kind))
            .cloned(),
    );
    Pii {
        requests: Vec::new(),
        responses: types,
        reversible: false,
        restore_to: Vec::new(),
        ..table.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(requests: &[&str], responses: &[&str]) -> Pii {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Pii {
            requests: names(requests),
            responses: names(responses),
            ..Pii::default()
        }
    }

    #[test]
    fn what_any_table_takes_out_in_any_direction_goes() {
        let (one, other) = (table(&["email"], &[]), table(&[], &["ssn"]));
        let text = "a@corp.com 123-45-6789 10.1.2.3";
        let covered = "[REDACTED_EMAIL] [REDACTED_SSN] 10.1.2.3";
        assert_eq!(Cover::of([&one, &other]).unwrap().text(text), covered);
        let (one, other) = (Cover::of([&one]).unwrap(), Cover::of([&other]).unwrap());
        assert_eq!(one.and(&other).text(text), covered);
    }

    #[test]
    fn the_account_of_a_url_goes() {
        let cover = Cover::of([&table(&["email"], &[])]).unwrap();
        let covered = cover.text("read mem://a@corp.com/b and mem://c%40corp.com");
        assert_eq!(covered, "read mem://[REDACTED_EMAIL]/b and mem://[REDACTED_EMAIL]");
    }

    #[test]
    fn without_a_table_a_text_stays_and_is_not_copied() {
        assert!(matches!(Cover::default().text("a@corp.com"), Cow::Borrowed(_)));
    }
}

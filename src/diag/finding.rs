//! One finding, and the collection of them.

use super::{Code, Place, Severity, Sources};

/// One thing that is wrong, or advice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    pub code: Code,
    /// Lower case, present tense, the thing in backticks, no period.
    pub title: String,
    /// Never empty: the first says what is wrong here, further ones show the other party.
    pub labels: Vec<Label>,
    /// One imperative, with TOML to paste.
    pub help: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    pub place: Place,
    /// May be empty.
    pub text: String,
}

impl Finding {
    pub fn new(code: Code, place: Place, title: impl Into<String>) -> Self {
        let label = Label {
            place,
            text: String::new(),
        };
        Self {
            code,
            title: title.into(),
            labels: vec![label],
            help: None,
        }
    }

    /// What is written under the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.labels[0].text = text.into();
        self
    }

    /// A further place: the other party.
    #[must_use]
    pub fn also(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: text.into(),
        });
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    pub fn place(&self) -> Place {
        self.labels[0].place
    }
}

/// All findings of one configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// By file as displayed, then by offset; equal ones once.
    pub fn sort(&mut self, sources: &Sources) {
        self.0.sort_by(|a, b| {
            let key = |finding: &Finding| {
                let place = finding.place();
                let start = place.span.map_or(0, |span| span.start);
                (sources.name(place.file).to_owned(), start, finding.code)
            };
            key(a).cmp(&key(b)).then_with(|| a.title.cmp(&b.title))
        });
        self.0.dedup();
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    pub fn count(&self, severity: Severity) -> usize {
        self.iter().filter(|finding| finding.severity() == severity).count()
    }

    /// Is there a finding of this code? `serve` asks for [`Code::NotServedYet`].
    pub fn has(&self, code: Code) -> bool {
        self.iter().any(|finding| finding.code == code)
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<T: IntoIterator<Item = Finding>>(findings: T) -> Self {
        Self(findings.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

//! How well the redactor does on a labelled set: the numbers of docs/redaction.md.
//!
//! In come the lines of a set (`tests/pii/set.jsonl` and its like), out comes what was found of each type, to the character. A value in a
//! zone that is neither right nor wrong (`neutral`, `stretch`) is not counted.

use std::fmt;

use mcpgw::pii::{Direction, Kind, Redactor};
use mcpgw::snapshot::Pii;
use serde_json::Value;

/// Of one type, or of all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    pub(crate) gold: usize,
    pub(crate) found: usize,
    /// Of the right type, and with accepted ends.
    pub(crate) exact: usize,
    /// Letters and digits of values, those of them that stay visible, and those outside that do not.
    pub(crate) letters: usize,
    pub(crate) leaked: usize,
    pub(crate) over: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    pub(crate) rows: [Row; 5],
    pub(crate) items: usize,
    pub(crate) perfect: usize,
    pub(crate) clean: usize,
    pub(crate) untouched: usize,
    pub(crate) other_letters: usize,
    /// Of the first items with an error: id, and what became of it.
    pub(crate) errors: Vec<String>,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Email, "EMAIL"),
    (Kind::Phone, "PHONE"),
    (Kind::Ssn, "SSN"),
    (Kind::CreditCard, "CREDIT_CARD"),
    (Kind::Ip, "IP"),
];

/// A labelled value; ends as code points.
struct Gold {
    kind: usize,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

/// A redactor of the five types.
pub(crate) fn redactor() -> Redactor {
    let table = Pii {
        responses: vec!["all".to_owned()],
        ..Pii::default()
    };
    Redactor::new(&table, Direction::Response).expect("there are no patterns")
}

/// Scores all lines of a set.
pub(crate) fn score(set: &str) -> Score {
    let redactor = redactor();
    let mut score = Score::default();
    for line in set.lines().filter(|line| !line.trim().is_empty()) {
        let item: Value = serde_json::from_str(line).expect("a line of the set is an object");
        score.add(&redactor, &item);
    }
    score
}

impl Score {
    fn add(&mut self, redactor: &Redactor, item: &Value) {
        let text = item["text"].as_str().expect("an item has a text");
        let letters: Vec<bool> = text.chars().map(char::is_alphanumeric).collect();
        let spans = spans(&item["spans"]);
        let mut free = vec![false; letters.len()];
        for zone in ["neutral", "stretch"]
            .into_iter()
            .flat_map(|zone| item[zone].as_array().into_iter().flatten())
        {
            free[number(&zone["start"])..number(&zone["end"])].fill(true);
        }
        let outermost =
            |span: &Gold| span.starts.iter().min().copied().unwrap_or(0)..span.ends.iter().max().copied().unwrap_or(0);
        let mut allowed = free.clone();
        for span in &spans {
            allowed[outermost(span)].fill(true);
        }
        let found: Vec<(usize, usize, usize)> = found(redactor, text)
            .into_iter()
            .filter(|&(start, end, _)| {
                let meets = spans.iter().any(|span| start < span.ends[0] && end > span.starts[0]);
                let in_zone = (start..end).any(|at| free[at]) && !(start..end).any(|at| letters[at] && !free[at]);
                meets || !in_zone
            })
            .collect();
        let mut covered = vec![false; letters.len()];
        for &(start, end, kind) in &found {
            covered[start..end].fill(true);
            self.rows[kind].found += 1;
            self.rows[kind].over += (start..end).filter(|at| letters[*at] && !allowed[*at]).count();
        }
        let mut exact = 0;
        for span in &spans {
            let row = &mut self.rows[span.kind];
            let range = span.starts[0]..span.ends[0];
            row.gold += 1;
            row.letters += range.clone().filter(|at| letters[*at]).count();
            row.leaked += range.filter(|at| letters[*at] && !covered[*at]).count();
            let hit = found
                .iter()
                .any(|(start, end, kind)| *kind == span.kind && span.starts.contains(start) && span.ends.contains(end));
            row.exact += usize::from(hit);
            exact += usize::from(hit);
        }
        let perfect = exact == spans.len() && exact == found.len();
        self.items += 1;
        self.perfect += usize::from(perfect);
        self.clean += usize::from(spans.is_empty());
        self.untouched += usize::from(spans.is_empty() && found.is_empty());
        self.other_letters += letters
            .iter()
            .zip(&allowed)
            .filter(|(letter, allowed)| **letter && !**allowed)
            .count();
        if !perfect && self.errors.len() < 20 {
            let (redacted, _) = redactor.redact_text(text.as_bytes());
            self.errors
                .push(format!("{}: {}", item["id"], String::from_utf8_lossy(&redacted)));
        }
    }

    pub(crate) fn f1(&self, kind: usize) -> f64 {
        let row = self.rows[kind];
        share(2 * row.exact, row.gold + row.found)
    }

    /// Letters and digits of values that stay visible.
    pub(crate) fn leaked(&self) -> f64 {
        1.0 - share(self.sum(|row| row.letters - row.leaked), self.sum(|row| row.letters))
    }

    /// The same, of one type.
    pub(crate) fn leaked_of(&self, kind: usize) -> f64 {
        let row = self.rows[kind];
        1.0 - share(row.letters - row.leaked, row.letters)
    }

    /// Letters and digits of the other text that do not.
    pub(crate) fn over_redacted(&self) -> f64 {
        1.0 - share(
            self.other_letters - self.sum(|row| row.over).min(self.other_letters),
            self.other_letters,
        )
    }

    pub(crate) fn untouched(&self) -> f64 {
        share(self.untouched, self.clean)
    }

    pub(crate) fn perfect(&self) -> f64 {
        share(self.perfect, self.items)
    }

    fn sum(&self, of: impl Fn(&Row) -> usize) -> usize {
        self.rows.iter().map(of).sum()
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<12} {:>6} {:>6} {:>6} {:>7} {:>7} {:>6} {:>5}",
            "type", "values", "found", "exact", "F1", "leaked", "%", "over"
        )?;
        for (index, (_, name)) in KINDS.iter().enumerate() {
            let row = self.rows[index];
            writeln!(
                f,
                "{name:<12} {:>6} {:>6} {:>6} {:>7.4} {:>7} {:>6.2} {:>5}",
                row.gold,
                row.found,
                row.exact,
                self.f1(index),
                row.leaked,
                100.0 * self.leaked_of(index),
                row.over
            )?;
        }
        write!(
            f,
            "{} items: {:.1} % perfect, {:.1} % of {} clean ones untouched; leaked {:.2} %, over-redacted {:.2} %",
            self.items,
            100.0 * self.perfect(),
            100.0 * self.untouched(),
            self.clean,
            100.0 * self.leaked(),
            100.0 * self.over_redacted()
        )?;
        self.errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// What the redactor finds: start and end as code points, and the type's place in [`KINDS`].
fn found(redactor: &Redactor, text: &str) -> Vec<(usize, usize, usize)> {
    let points = |byte: usize| text[..byte].chars().count();
    let found = redactor.find(text.as_bytes()).into_iter();
    found
        .filter_map(|(span, kind)| {
            let kind = KINDS.iter().position(|(one, _)| *one == kind)?;
            Some((points(span.start), points(span.end), kind))
        })
        .collect()
}

fn spans(list: &Value) -> Vec<Gold> {
    let others =
        |span: &Value, key: &str| -> Vec<usize> { span[key].as_array().into_iter().flatten().map(number).collect() };
    let span = |span: &Value| Gold {
        kind: KINDS
            .iter()
            .position(|(_, name)| span["type"] == *name)
            .expect("a type that there is"),
        starts: [vec![number(&span["start"])], others(span, "alt_start")].concat(),
        ends: [vec![number(&span["end"])], others(span, "alt_end")].concat(),
    };
    list.as_array().into_iter().flatten().map(span).collect()
}

fn number(value: &Value) -> usize {
    value
        .as_u64()
        .and_then(|value| usize::try_from(value).ok())
        .expect("an offset")
}

#[expect(clippy::cast_precision_loss, reason = "sets are small")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

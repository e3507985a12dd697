//! Redaction as a user meets it: how well it does on labelled texts, and `mcpgw redact`.

#[path = "../../pii/scoring.rs"]
mod scoring;

mod command;
mod corpus;
mod counts;
mod gate;
mod token;

/// The thresholds of docs/redaction.md; `tests/pii/generate.py` wrote the set.
#[test]
fn the_set_is_redacted_as_well_as_the_documentation_says() {
    let score = scoring::score(include_str!("../../pii/set.jsonl"));
    for kind in 0..score.rows.len() {
        assert!(score.f1(kind) >= 0.98, "{score}");
    }
    assert!(score.items >= 1000, "{score}");
    assert!(score.leaked() <= 0.003, "{score}");
    assert!(score.over_redacted() <= 0.002, "{score}");
    assert!(score.untouched() >= 0.98, "{score}");
    assert!(score.perfect() >= 0.93, "{score}");
}

/// Texts of four authors, written and labelled before they or the redactor had seen the other.
#[test]
fn texts_of_others_are_redacted_as_well() {
    let score = scoring::score(include_str!("../../pii/authors.jsonl"));
    assert!(score.items >= 2000, "{score}");
    for kind in 0..score.rows.len() {
        assert!(score.f1(kind) >= 0.99, "{score}");
        assert!(score.leaked_of(kind) <= 0.01, "{score}");
    }
    assert!(score.leaked() <= 0.001, "{score}");
    assert!(score.over_redacted() <= 0.001, "{score}");
    assert!(score.perfect() >= 0.99, "{score}");
}

/// Texts that were written before the redactor saw them; `tests/pii/forms.py` holds them.
#[test]
fn forms_that_stand_alone_are_redacted_as_well() {
    let score = scoring::score(include_str!("../../pii/forms.jsonl"));
    assert!(score.items >= 150, "{score}");
    for kind in 0..score.rows.len() {
        assert!(score.f1(kind) >= 0.98, "{score}");
        assert!(score.leaked_of(kind) <= 0.003, "{score}");
    }
    assert!(score.over_redacted() <= 0.002, "{score}");
    assert!(score.perfect() >= 0.98, "{score}");
}

//! Conditions of rules: operators, their values, and what they are about.

use super::Context;
use crate::config::grammar::{Given, Item, List, Literal};
use crate::config::table;
use crate::diag::{Code, Finding, Place};
use crate::name::{Pattern, PatternKind};
use crate::snapshot::{ArgumentPointer, Condition, Operator, Scalar, Segment};

/// What the condition looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum About {
    /// Any JSON value.
    Argument,
    /// An endpoint or a server.
    Name,
    /// `server/name`.
    Qualified,
    /// `server/uri`.
    QualifiedUri,
}

/// `None` after a finding.
pub(super) fn condition(
    table: &table::Condition,
    key: &str,
    about: About,
    context: &mut Context<'_>,
) -> Option<Condition> {
    let given = [
        table.equal.is_given(),
        table.not_equal.is_given(),
        table.glob.is_given(),
        table.not_glob.is_given(),
        table.within.is_given(),
        table.not_within.is_given(),
    ];
    if !given.contains(&true) {
        context.push(
            Finding::new(
                Code::MissingOperator,
                table.place,
                format!("the condition on `{key}` has no operator"),
            )
            .label("nothing to compare with")
            .help("write `equal`, `not-equal`, `glob`, `not-glob`, `in` or `not-in`: `{ equal = \"…\" }`"),
        );
        return None;
    }
    let before = context.findings.len();
    let mut operators = Vec::new();
    let kind = match about {
        About::Name | About::Qualified => PatternKind::Name,
        About::Argument | About::QualifiedUri => PatternKind::Path,
    };
    operators.extend(value(&table.equal, key, about, context).map(Operator::Equal));
    operators.extend(value(&table.not_equal, key, about, context).map(Operator::NotEqual));
    operators.extend(pattern(&table.glob, key, about, kind, context).map(Operator::Glob));
    operators.extend(pattern(&table.not_glob, key, about, kind, context).map(Operator::NotGlob));
    operators.extend(list(&table.within, "in", key, about, context).map(Operator::In));
    operators.extend(list(&table.not_within, "not-in", key, about, context).map(Operator::NotIn));
    (context.findings.len() == before && operators.len() == given.iter().filter(|given| **given).count())
        .then_some(Condition { operators })
}

fn value(given: &Given<Literal>, key: &str, about: About, context: &mut Context<'_>) -> Option<Scalar> {
    let (literal, place) = given.with_place()?;
    scalar(literal, place, key, about, context)
}

fn scalar(literal: &Literal, place: Place, key: &str, about: About, context: &mut Context<'_>) -> Option<Scalar> {
    match literal {
        Literal::String(text) => {
            qualified(text, place, key, about, context);
            Some(Scalar::String(text.clone()))
        }
        Literal::Boolean(value) if about == About::Argument => Some(Scalar::Boolean(*value)),
        Literal::Integer(value) if about == About::Argument => Some(Scalar::Integer(*value)),
        _ => {
            not_a_text(place, key, context);
            None
        }
    }
}

fn not_a_text(place: Place, key: &str, context: &mut Context<'_>) {
    context.push(
        Finding::new(
            Code::WrongType,
            place,
            format!("`{key}` is compared with something that is not a string"),
        )
        .label("never equal")
        .help("write it in quotes"),
    );
}

fn pattern(
    given: &Given<Literal>,
    key: &str,
    about: About,
    kind: PatternKind,
    context: &mut Context<'_>,
) -> Option<Pattern> {
    let (literal, place) = given.with_place()?;
    let Literal::String(text) = literal else {
        not_a_text(place, key, context);
        return None;
    };
    if !text.starts_with('*') {
        qualified(text, place, key, about, context);
    }
    match Pattern::new(kind, text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            context.push(
                Finding::new(
                    Code::InvalidPattern,
                    place,
                    format!("the glob on `{key}` cannot be read"),
                )
                .label(error.0)
                .help("write for example `glob = \"github/*\"`; `\\\\` before a special character takes it as it is"),
            );
            None
        }
    }
}

fn list(
    given: &Given<List<Literal>>,
    operator: &str,
    key: &str,
    about: About,
    context: &mut Context<'_>,
) -> Option<Vec<Scalar>> {
    let (literals, place) = given.with_place()?;
    if literals.0.is_empty() {
        context.push(
            Finding::new(Code::EmptyIn, place, format!("`{operator}` on `{key}` is empty"))
                .label("no value is in it")
                .help("write the values, or take the condition away"),
        );
        return None;
    }
    let read = |item: &Item<Literal>| scalar(&item.value, item.place, key, about, context);
    literals.0.iter().map(read).collect()
}

/// Tools, prompts and resources are named with their server.
fn qualified(text: &str, place: Place, key: &str, about: About, context: &mut Context<'_>) {
    if matches!(about, About::Qualified | About::QualifiedUri) && !text.contains('/') {
        let what = if about == About::Qualified { "name" } else { "uri" };
        context.push(
            Finding::new(
                Code::UnqualifiedName,
                place,
                format!("the `{key}` does not say of which server"),
            )
            .label(format!("not `server/{what}`"))
            .help(format!(
                "write `\"server/{what}\"`, or `glob = \"*/{what}\"` for every server"
            )),
        );
    }
}

/// RFC 6901; the grammar has checked the escapes.
pub(super) fn pointer(text: &str) -> ArgumentPointer {
    let segments = text.split('/').skip(1).map(|segment| match segment {
        "*" => Segment::Any,
        key => Segment::Key(key.replace("~1", "/").replace("~0", "~")),
    });
    ArgumentPointer {
        text: text.to_owned(),
        segments: segments.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_decoded_once() {
        let pointer = pointer("/a~1b/*/~01");
        let expected = [Segment::Key("a/b".into()), Segment::Any, Segment::Key("~1".into())];
        assert_eq!(pointer.segments, expected);
    }
}

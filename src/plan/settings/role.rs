//! `[role.NAME]`: members, and rules in one line each.

use super::value::quote;
use super::{Settings, Word};
use crate::snapshot::{Condition, Hint, Operator, Role, Rule, Scalar};

pub(in crate::plan) fn role(role: &Role) -> Settings {
    let Role { members, allow, deny } = role;
    let mut keys = Settings::default();
    keys.list(
        "members",
        members.iter().map(|term| Word::quoted(&term.to_string())).collect(),
    );
    keys.list(
        "allow",
        allow.iter().map(|rule| Word::plain(self::rule(rule))).collect(),
    );
    keys.list("deny", deny.iter().map(|rule| Word::plain(self::rule(rule))).collect());
    keys
}

/// `{ endpoint = { glob = "eng-*" }, hint = "read-only" }`.
fn rule(rule: &Rule) -> String {
    let Rule {
        endpoint,
        server,
        tool,
        prompt,
        resource,
        hint,
        arguments,
    } = rule;
    let named = [
        ("endpoint", endpoint),
        ("server", server),
        ("tool", tool),
        ("prompt", prompt),
        ("resource", resource),
    ];
    let mut parts: Vec<String> = named
        .into_iter()
        .filter_map(|(key, condition)| Some(format!("{key} = {}", self::condition(condition.as_ref()?))))
        .collect();
    parts.extend(hint.map(|hint| {
        let word = match hint {
            Hint::Destructive => "destructive",
            Hint::ReadOnly => "read-only",
        };
        format!("hint = \"{word}\"")
    }));
    parts.extend(
        arguments
            .iter()
            .map(|(pointer, condition)| format!("argument.{} = {}", quote(&pointer.text), self::condition(condition))),
    );
    format!("{{ {} }}", parts.join(", "))
}

fn condition(condition: &Condition) -> String {
    let operators: Vec<String> = condition.operators.iter().map(operator).collect();
    format!("{{ {} }}", operators.join(", "))
}

fn operator(operator: &Operator) -> String {
    match operator {
        Operator::Equal(value) => format!("equal = {}", scalar(value)),
        Operator::Glob(pattern) => format!("glob = {}", quote(pattern.as_str())),
        Operator::In(values) => format!("in = {}", scalars(values)),
        Operator::NotEqual(value) => format!("not-equal = {}", scalar(value)),
        Operator::NotGlob(pattern) => format!("not-glob = {}", quote(pattern.as_str())),
        Operator::NotIn(values) => format!("not-in = {}", scalars(values)),
    }
}

fn scalars(values: &[Scalar]) -> String {
    let values: Vec<String> = values.iter().map(scalar).collect();
    format!("[{}]", values.join(", "))
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::String(value) => quote(value),
    }
}

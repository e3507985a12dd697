//! Names to ask for where nobody lists them: those that rules and selections spell out, and made-up ones that a pattern
//! matches.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::meet::{alternatives, meet};
use crate::name::{Pattern, ServerName};
use crate::snapshot::access::ObjectKind;
use crate::snapshot::{Condition, Globs, Operator, Scalar, Selection, Snapshot};

/// Stands in the place of a star. No server has it, one may well have it tomorrow.
const FILLER: &str = "zz-new";

/// Every name of this server that a selection or a rule writes out.
pub(super) fn exact_names<'a>(
    side: &'a Snapshot,
    kind: ObjectKind,
    server: &'a ServerName,
) -> impl Iterator<Item = Arc<str>> + use<'a> {
    let selections = side.endpoints.values().flat_map(|endpoint| &endpoint.servers);
    let selected = selections
        .filter(move |selection| selection.server == *server)
        .flat_map(move |selection| &globs(selection, kind).with)
        .filter_map(Pattern::literal);
    let ruled = conditions(side, kind)
        .flat_map(|condition| &condition.operators)
        .flat_map(|operator| match operator {
            Operator::Equal(value) | Operator::NotEqual(value) => std::slice::from_ref(value),
            Operator::In(values) | Operator::NotIn(values) => values,
            Operator::Glob(_) | Operator::NotGlob(_) => &[],
        })
        .filter_map(|value| match value {
            Scalar::String(text) => text.split_once('/'),
            Scalar::Boolean(_) | Scalar::Integer(_) => None,
        })
        .filter_map(move |(of, name)| (of == server.as_str()).then_some(name));
    selected.chain(ruled).map(Arc::from)
}

/// The part after the server of each pattern that a rule has for things of this kind, without braces and classes.
pub(super) fn rule_patterns(sides: [&Snapshot; 2], kind: ObjectKind, server: &ServerName) -> BTreeSet<String> {
    let patterns = sides
        .into_iter()
        .flat_map(|side| conditions(side, kind))
        .flat_map(|condition| &condition.operators)
        .filter_map(|operator| match operator {
            Operator::Glob(pattern) | Operator::NotGlob(pattern) => Some(pattern.as_str()),
            Operator::Equal(_) | Operator::In(_) | Operator::NotEqual(_) | Operator::NotIn(_) => None,
        });
    let own = format!("{server}/");
    let of_server = patterns.flat_map(alternatives).filter(|text| {
        let prefix = literal_prefix(text);
        own.starts_with(prefix) || prefix.starts_with(&own)
    });
    of_server
        .map(|text| text.split_once('/').map_or(text.as_str(), |(_, name)| name).to_owned())
        .collect()
}

fn globs(selection: &Selection, kind: ObjectKind) -> &Globs {
    match kind {
        ObjectKind::Tool => &selection.tools,
        ObjectKind::Prompt => &selection.prompts,
        ObjectKind::Resource => &selection.resources,
    }
}

fn conditions(side: &Snapshot, kind: ObjectKind) -> impl Iterator<Item = &Condition> {
    side.roles
        .values()
        .flat_map(|role| role.allow.iter().chain(&role.deny))
        .filter_map(move |rule| match kind {
            ObjectKind::Tool => rule.tool.as_ref(),
            ObjectKind::Prompt => rule.prompt.as_ref(),
            ObjectKind::Resource => rule.resource.as_ref(),
        })
}

/// A made-up name, and the pattern that it tells of: the selection's, or what a rule leaves of it.
pub(super) struct Witness {
    pub(super) name: String,
    pub(super) pattern: String,
}

/// Names that the pattern matches, also in the ways in which rules would tell them apart: the pattern's own comes first.
pub(super) fn witnesses(pattern: &Pattern, rules: &BTreeSet<String>) -> Vec<Witness> {
    let own = pattern.as_str();
    let mut all = vec![Witness {
        name: sample(own),
        pattern: own.to_owned(),
    }];
    let parts = alternatives(own);
    for rule in rules.iter().filter(|rule| *rule != own) {
        all.push(Witness {
            name: sample(rule),
            pattern: rule.clone(),
        });
        for prefix in [literal_prefix(own), literal_prefix(rule)] {
            for suffix in [literal_suffix(own), literal_suffix(rule)] {
                all.push(Witness {
                    name: format!("{prefix}{FILLER}{suffix}"),
                    pattern: format!("{prefix}*{suffix}"),
                });
            }
        }
        // Exactly: wherever in the name the two meet.
        let met = parts.iter().filter_map(|part| meet(part, rule, FILLER));
        all.extend(met.map(|name| Witness {
            pattern: name.replace(FILLER, "*"),
            name,
        }));
    }
    let mut seen = BTreeSet::new();
    all.retain(|witness| pattern.is_match(&witness.name) && seen.insert(witness.name.clone()));
    all
}

fn is_glob(c: char) -> bool {
    matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\')
}

fn literal_prefix(text: &str) -> &str {
    &text[..text.find(is_glob).unwrap_or(text.len())]
}

fn literal_suffix(text: &str) -> &str {
    &text[text.rfind(is_glob).map_or(0, |at| at + 1)..]
}

/// One text that the glob matches: stars are [`FILLER`], of braces the first part, of a class a character of it.
fn sample(glob: &str) -> String {
    let mut out = String::new();
    let mut rest = glob.chars().peekable();
    // In braces only the part before the first comma counts.
    let mut skipping: Vec<bool> = Vec::new();
    while let Some(c) = rest.next() {
        let skip = skipping.contains(&true);
        match c {
            '{' => skipping.push(false),
            '}' => {
                skipping.pop();
            }
            ',' if !skipping.is_empty() => {
                if let Some(last) = skipping.last_mut() {
                    *last = true;
                }
            }
            _ => {
                let piece = match c {
                    '*' => {
                        while rest.next_if_eq(&'*').is_some() {}
                        FILLER.to_owned()
                    }
                    '?' => "z".to_owned(),
                    '[' => class(&mut rest),
                    '\\' => rest.next().map(String::from).unwrap_or_default(),
                    other => other.to_string(),
                };
                if !skip {
                    out.push_str(&piece);
                }
            }
        }
    }
    out
}

/// A character that the class admits; the iterator stands behind its `[`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let negated = rest.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut inside = String::new();
    for c in rest.by_ref() {
        // In the first place it stands for itself.
        if c == ']' && !inside.is_empty() {
            break;
        }
        inside.push(c);
    }
    if !negated {
        return inside.chars().next().map(String::from).unwrap_or_default();
    }
    let outside = ('a'..='z').chain('0'..='9').chain(['-', '_', '.', '~']);
    let mut outside = outside.filter(|c| !is_in_class(&inside, *c));
    outside.next().map(String::from).unwrap_or_default()
}

fn is_in_class(inside: &str, c: char) -> bool {
    let all: Vec<char> = inside.chars().collect();
    let ranges = all.windows(3).any(|w| w[1] == '-' && w[0] <= c && c <= w[2]);
    ranges || all.contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PatternKind;

    fn names(pattern: &str, rules: &[&str]) -> Vec<String> {
        let pattern = Pattern::new(PatternKind::Name, pattern).unwrap();
        let all = witnesses(&pattern, &rules.iter().map(|rule| (*rule).to_owned()).collect());
        all.into_iter().map(|witness| witness.name).collect()
    }

    #[test]
    fn every_shape_of_pattern_has_a_name_that_it_matches() {
        for pattern in [
            "*",
            "get_*",
            "*_issue",
            "a?c",
            "[abc]x*",
            "[!a-c]x",
            "{get,list}_*",
            "a\\*b*",
            "[]a]x",
            "*[0-9]",
        ] {
            assert!(!names(pattern, &[]).is_empty(), "{pattern}");
        }
    }

    #[test]
    fn a_rule_that_narrows_the_pattern_finds_its_name() {
        assert!(names("get_*", &["*_issue"]).contains(&"get_zz-new_issue".to_owned()));
        assert!(names("*", &["get_*"]).contains(&"get_zz-new".to_owned()));
        assert!(names("get_*", &["*delete*"]).contains(&"get_zz-newdeletezz-new".to_owned()));
        assert!(
            names("get_*", &["delete_*"])
                .iter()
                .all(|name| name.starts_with("get_"))
        );
    }
}

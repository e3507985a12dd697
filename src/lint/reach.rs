//! What a rule may be about, as far as the files know: whether it covers anything, meets another rule, or lies within it.
//!
//! Where a server is neither locked nor selected by exact names, it may list anything that the globs let through: then the
//! answer is what is possible. "Within" and "covers nothing" are only said where they are certain.

use std::cell::Cell;

use crate::lock::{Lock, LockedTool};
use crate::name::Pattern;
use crate::snapshot::{Condition, Effect, Globs, Hint, Operator, Role, Rule, RuleId, Scalar, Selection, Snapshot};

/// All rules of one effect, with their roles.
pub(super) fn rules(snapshot: &Snapshot, effect: Effect) -> impl Iterator<Item = (&Role, RuleId, &Rule)> {
    let roles = snapshot.roles.iter();
    roles.flat_map(move |(name, role)| role.rules(name, effect).map(move |(id, rule)| (role, id, rule)))
}

/// Names that one kind of advice looks at, at most: about a tenth of a second. A configuration beyond it gets less advice.
const MOST_STEPS: usize = 500_000;

/// What of a Snapshot rules can be about.
pub(super) struct Reach<'a> {
    snapshot: &'a Snapshot,
    steps: Cell<usize>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            steps: Cell::new(0),
        }
    }

    /// May there be a request that both cover? Arguments are left out of account. "Yes" where too much would have to be
    /// looked at to know.
    pub(super) fn meet(&self, one: &Rule, other: &Rule) -> bool {
        let both = [one, other];
        let on = |condition: fn(&Rule) -> &Option<Condition>, name: &str| {
            let mut conditions = both.iter().filter_map(|rule| condition(rule).as_ref());
            conditions.all(|condition| condition.holds(name))
        };
        self.snapshot
            .endpoints
            .iter()
            .filter(|(name, _)| on(|rule| &rule.endpoint, name.as_str()))
            .flat_map(|(_, endpoint)| &endpoint.servers)
            .filter(|selection| on(|rule| &rule.server, selection.server.as_str()))
            .any(|selection| {
                let lock = self.snapshot.locks.get(&selection.server).map(|lock| &**lock);
                self.step()
                    || self.tools(both, selection, lock)
                    || prompts(both, selection, lock)
                    || resources(both, selection)
            })
    }

    /// Is it too much?
    fn step(&self) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() > MOST_STEPS
    }

    fn tools(&self, rules: [&Rule; 2], selection: &Selection, lock: Option<&Lock>) -> bool {
        if !rules.iter().all(|rule| about(rule)[0]) {
            return false;
        }
        if lock.is_none() && selection.tool_glob().is_some() {
            return rules.iter().all(|rule| admits(rule, selection)) && {
                let conditions = rules.map(|rule| rule.tool.as_ref());
                possible(conditions, selection, &selection.tools)
            };
        }
        let conditions = rules.map(|rule| rule.tool.as_ref());
        selection.known_tools(lock).into_iter().any(|name| {
            let tool = lock.and_then(|lock| lock.tool(name));
            let hints = rules.iter().all(|rule| hint_holds(rule, tool));
            self.step() || hints && all_hold(conditions, &format!("{}/{name}", selection.server))
        })
    }
}

/// May the rule be about some tool of a server that is not locked and selected by a glob? Nothing there is read-only.
pub(super) fn admits(rule: &Rule, selection: &Selection) -> bool {
    about(rule)[0]
        && rule.hint != Some(Hint::ReadOnly)
        && possible([rule.tool.as_ref(), None], selection, &selection.tools)
}

/// Does `outer` cover everything that `inner` covers, arguments included?
pub(super) fn within(inner: &Rule, outer: &Rule) -> bool {
    let conditions: [fn(&Rule) -> &Option<Condition>; 5] = [
        |rule| &rule.endpoint,
        |rule| &rule.server,
        |rule| &rule.tool,
        |rule| &rule.prompt,
        |rule| &rule.resource,
    ];
    let narrower = conditions
        .iter()
        .all(|condition| match (condition(inner), condition(outer)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(inner), Some(outer)) => outer.operators.iter().all(|operator| implies(inner, operator)),
        });
    let kinds = about(inner)
        .iter()
        .zip(about(outer))
        .all(|(inner, outer)| !inner || outer);
    let hint = outer.hint.is_none() || outer.hint == inner.hint;
    let arguments = outer
        .arguments
        .iter()
        .all(|argument| inner.arguments.contains(argument));
    narrower && kinds && hint && arguments
}

/// Tools, prompts, resources: what the rule speaks of.
fn about(rule: &Rule) -> [bool; 3] {
    let narrowed = [rule.tool.is_some(), rule.prompt.is_some(), rule.resource.is_some()];
    if narrowed.contains(&true) {
        return narrowed;
    }
    [
        true,
        rule.hint.is_none(),
        rule.hint.is_none() && rule.arguments.is_empty(),
    ]
}

/// Does every name that satisfies the condition satisfy the operator too? `false` where that is not certain.
fn implies(condition: &Condition, operator: &Operator) -> bool {
    condition.operators.iter().any(|own| match (own, operator) {
        (own, operator) if own == operator => true,
        (Operator::Equal(Scalar::String(text)), _) => operator.holds(text),
        (Operator::In(values), _) => values
            .iter()
            .all(|value| matches!(value, Scalar::String(text) if operator.holds(text))),
        (_, Operator::Glob(wide)) if is_everything(wide) => true,
        (Operator::Glob(own), Operator::Glob(wide)) => begins_with(own, wide),
        _ => false,
    })
}

fn is_everything(pattern: &Pattern) -> bool {
    matches!(pattern.as_str(), "*" | "**") && pattern.is_match("a/b")
}

/// `github/delete_*` begins with `github/*`.
fn begins_with(own: &Pattern, wide: &Pattern) -> bool {
    let fixed = |text: &str| text.find(['*', '?', '[', '{', '\\', ']', '}']).unwrap_or(text.len());
    let start = wide.as_str().trim_end_matches('*');
    // Where `*` stops at `/`, nothing of the kind is certain.
    let crosses = wide.is_match(&format!("{start}a/b"));
    fixed(start) == start.len()
        && start.len() < wide.as_str().len()
        && crosses
        && own.as_str()[..fixed(own.as_str())].starts_with(start)
}

fn hint_holds(rule: &Rule, tool: Option<&LockedTool>) -> bool {
    match rule.hint {
        None => true,
        Some(Hint::ReadOnly) => tool.is_some_and(LockedTool::is_read_only),
        Some(Hint::Destructive) => tool.is_none_or(LockedTool::is_destructive),
    }
}

fn prompts(rules: [&Rule; 2], selection: &Selection, lock: Option<&Lock>) -> bool {
    let conditions = rules.map(|rule| rule.prompt.as_ref());
    if !rules.iter().all(|rule| about(rule)[1]) {
        return false;
    }
    let Some(lock) = lock else {
        return possible(conditions, selection, &selection.prompts);
    };
    let mut names = lock.prompts().filter(|(name, _)| selection.prompts.is_match(name));
    names.any(|(name, _)| all_hold(conditions, &format!("{}/{name}", selection.server)))
}

/// A lock records templates, not resources.
fn resources(rules: [&Rule; 2], selection: &Selection) -> bool {
    rules.iter().all(|rule| about(rule)[2])
        && possible(
            rules.map(|rule| rule.resource.as_ref()),
            selection,
            &selection.resources,
        )
}

/// May the server list something that the globs select and all conditions hold of?
fn possible(conditions: [Option<&Condition>; 2], selection: &Selection, globs: &Globs) -> bool {
    let is_it = |full: &str| {
        let name = full
            .strip_prefix(selection.server.as_str())
            .and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| globs.is_match(name)) && all_hold(conditions, full)
    };
    let literals: Option<Vec<&str>> = globs.with.iter().map(Pattern::literal).collect();
    if let Some(names) = literals {
        return names.iter().any(|name| is_it(&format!("{}/{name}", selection.server)));
    }
    let finite = conditions.into_iter().flatten().find_map(values);
    finite.is_none_or(|values| values.into_iter().any(is_it))
}

/// The names that alone can satisfy the condition, where it says so.
fn values(condition: &Condition) -> Option<Vec<&str>> {
    condition.operators.iter().find_map(|operator| match operator {
        Operator::Equal(value) => Some(text(value).into_iter().collect()),
        Operator::In(values) => Some(values.iter().filter_map(text).collect()),
        Operator::Glob(pattern) => pattern.literal().map(|text| vec![text]),
        Operator::NotEqual(_) | Operator::NotGlob(_) | Operator::NotIn(_) => None,
    })
}

fn text(value: &Scalar) -> Option<&str> {
    match value {
        Scalar::String(text) => Some(text),
        Scalar::Boolean(_) | Scalar::Integer(_) => None,
    }
}

/// Can the rule be about tools that nobody has written down?
pub(super) fn is_open(rule: &Rule) -> bool {
    about(rule)[0] && rule.hint != Some(Hint::ReadOnly) && rule.tool.as_ref().and_then(values).is_none()
}

fn all_hold(conditions: [Option<&Condition>; 2], name: &str) -> bool {
    conditions.into_iter().flatten().all(|condition| condition.holds(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PatternKind;

    fn condition(operator: Operator) -> Condition {
        Condition {
            operators: vec![operator],
        }
    }

    fn glob(text: &str) -> Operator {
        Operator::Glob(Pattern::new(PatternKind::Name, text).unwrap())
    }

    fn equal(text: &str) -> Operator {
        Operator::Equal(Scalar::String(text.to_owned()))
    }

    fn on(endpoint: Operator, tool: Option<Operator>) -> Rule {
        Rule {
            endpoint: Some(condition(endpoint)),
            tool: tool.map(condition),
            ..Rule::default()
        }
    }

    #[test]
    fn what_is_within_is_certain() {
        let any = || glob("*");
        for (inner, outer, expected) in [
            (on(equal("a"), Some(equal("x/y"))), on(any(), None), true),
            (on(any(), None), on(any(), Some(glob("x/*"))), false),
            (on(any(), Some(glob("x/del_*"))), on(any(), Some(glob("x/*"))), true),
            (on(any(), Some(glob("x/*"))), on(any(), Some(glob("x/del_*"))), false),
            (on(any(), Some(glob("*_x"))), on(any(), Some(glob("*"))), true),
            (on(any(), Some(glob("x/d?"))), on(any(), Some(glob("x/d[a]*"))), false),
            (on(glob("a-*"), None), on(equal("a-b"), None), false),
            (on(equal("a-b"), None), on(glob("a-*"), None), true),
        ] {
            assert_eq!(within(&inner, &outer), expected, "{inner:?} in {outer:?}");
        }
    }

    #[test]
    fn a_path_glob_that_stops_at_slashes_holds_nothing_for_certain() {
        let path = |text: &str| Operator::Glob(Pattern::new(PatternKind::Path, text).unwrap());
        let rule = |operator| Rule {
            resource: Some(condition(operator)),
            ..Rule::default()
        };
        assert!(!within(&rule(path("x/a/**")), &rule(path("x/*"))));
        assert!(within(&rule(path("x/a/**")), &rule(path("x/**"))));
    }

    #[test]
    fn hints_and_arguments_narrow() {
        let plain = on(glob("*"), None);
        let hinted = Rule {
            hint: Some(Hint::ReadOnly),
            ..plain.clone()
        };
        assert!(within(&hinted, &plain) && !within(&plain, &hinted));
        // A rule with a hint is about tools only.
        assert_eq!(about(&hinted), [true, false, false]);
    }
}

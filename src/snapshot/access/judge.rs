//! One rule against one question: which of its conditions holds, and what happens in doubt.

use std::fmt;

use super::{Arguments, Object, ObjectKind};
use crate::lock::{Lock, LockedTool};
use crate::name::EndpointName;
use crate::snapshot::{Condition, Effect, Hint, Rule};

/// How a rule answers. The first condition that does not hold is named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// All conditions hold.
    Matches,
    /// All but those on arguments hold, and there are no arguments yet.
    DependsOnArguments,
    Endpoint,
    Server,
    /// It speaks of other things: of tools where a prompt is asked for, and so on.
    Kind,
    /// Its `tool`, `prompt` or `resource` does not match.
    Name,
    Hint,
    /// The condition at this place of `Rule::arguments` does not hold.
    Argument(usize),
}

/// Of a rule, where a tool is asked for.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matches => "covers it",
            Self::DependsOnArguments => "covers it, if its arguments do",
            Self::Endpoint => "is about other endpoints",
            Self::Server => "is about other servers",
            Self::Kind => "is not about tools",
            Self::Name => "is about other tools",
            Self::Hint => "its `hint` does not hold",
            Self::Argument(_) => "one of its arguments does not hold",
        })
    }
}

/// What is asked, with all that a condition may look at.
pub(super) struct Question<'a> {
    object: Object<'a>,
    /// `server/name`, which `tool`, `prompt` and `resource` match.
    full_name: String,
    read_only: bool,
    destructive: bool,
    arguments: Option<&'a Arguments>,
}

impl<'a> Question<'a> {
    /// `lock`: of the object's server, where it is pinned.
    pub(super) fn new(object: Object<'a>, lock: Option<&Lock>, arguments: Option<&'a Arguments>) -> Self {
        let tool = match object {
            Object::Tool { tool, .. } => lock.and_then(|lock| lock.tool(tool)),
            Object::Prompt { .. } | Object::Resource { .. } => None,
        };
        Self {
            object,
            full_name: object.to_string(),
            read_only: tool.is_some_and(LockedTool::is_read_only),
            destructive: tool.is_none_or(LockedTool::is_destructive),
            arguments,
        }
    }

    pub(super) fn has_arguments(&self) -> bool {
        self.arguments.is_some()
    }
}

/// `endpoint` is required in an `allow`; without it a `deny` is about all endpoints.
pub(super) fn covers_endpoint(rule: &Rule, effect: Effect, endpoint: &EndpointName) -> bool {
    match &rule.endpoint {
        Some(condition) => holds(condition, effect, endpoint.as_str()),
        None => effect == Effect::Deny,
    }
}

/// All conditions but that on the endpoint.
pub(super) fn judge(rule: &Rule, effect: Effect, question: &Question<'_>) -> Verdict {
    let server = question.object.server().as_str();
    if rule
        .server
        .as_ref()
        .is_some_and(|condition| !holds(condition, effect, server))
    {
        return Verdict::Server;
    }
    if !covers_kind(rule, effect, question.object.kind()) {
        return Verdict::Kind;
    }
    let name = match question.object.kind() {
        ObjectKind::Tool => &rule.tool,
        ObjectKind::Prompt => &rule.prompt,
        ObjectKind::Resource => &rule.resource,
    };
    if name
        .as_ref()
        .is_some_and(|condition| !holds(condition, effect, &question.full_name))
    {
        return Verdict::Name;
    }
    let hint = match rule.hint {
        None => true,
        Some(Hint::ReadOnly) => question.read_only,
        Some(Hint::Destructive) => question.destructive,
    };
    if !hint {
        return Verdict::Hint;
    }
    judge_arguments(rule, effect, question)
}

fn judge_arguments(rule: &Rule, effect: Effect, question: &Question<'_>) -> Verdict {
    if rule.arguments.is_empty() {
        return Verdict::Matches;
    }
    let Some(arguments) = question.arguments else {
        return Verdict::DependsOnArguments;
    };
    let failing = rule
        .arguments
        .iter()
        .position(|(pointer, condition)| !arguments.satisfy(pointer, condition, effect));
    failing.map_or(Verdict::Matches, Verdict::Argument)
}

/// A rule with `tool` says nothing of prompts and resources, and so on; with none of these it is about everything.
///
/// A rule with two of them could never match as "all conditions must hold" goes. An `allow` indeed does not; a `deny` is
/// taken to be about both. Only tools have hints, and resources have no arguments, so that rules with these are about
/// the others.
fn covers_kind(rule: &Rule, effect: Effect, kind: ObjectKind) -> bool {
    if rule.hint.is_some() && kind != ObjectKind::Tool || !rule.arguments.is_empty() && kind == ObjectKind::Resource {
        return false;
    }
    let narrowed = [
        (ObjectKind::Tool, rule.tool.is_some()),
        (ObjectKind::Prompt, rule.prompt.is_some()),
        (ObjectKind::Resource, rule.resource.is_some()),
    ];
    let to_it = narrowed.contains(&(kind, true));
    let to_others = narrowed.iter().any(|(of, there)| *there && *of != kind);
    match effect {
        Effect::Allow => !to_others,
        Effect::Deny => to_it || !to_others,
    }
}

/// A condition on a name. One without operators, which `compile` refuses, holds in a `deny` only.
fn holds(condition: &Condition, effect: Effect, text: &str) -> bool {
    if condition.operators.is_empty() {
        return effect == Effect::Deny;
    }
    condition.holds(text)
}

//! Arguments of a call as rules see them: judged as the server will get them, and in doubt no.
//!
//! In comes the JSON of `params.arguments`, out comes whether the values at a pointer satisfy a condition. In a `deny` one
//! value is enough, and doubt satisfies it; an `allow` needs all values, at least one, and none in doubt.

use std::fmt;

use crate::mcp::{Json, JsonError};
use crate::name::Pattern;
use crate::snapshot::{ArgumentPointer, Condition, Effect, Operator, Scalar, Segment};

/// The default has none: a call without `arguments`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Arguments(Option<Json>);

/// Why arguments cannot be judged. Never says what they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ArgumentsError {
    /// Not JSON, a key that stands twice (which one the server would read is unknown), too deep, too many values.
    Json(JsonError),
    NotAnObject,
}

impl Arguments {
    pub fn parse(raw: &[u8]) -> Result<Self, ArgumentsError> {
        match Json::parse(raw).map_err(ArgumentsError::Json)? {
            object @ Json::Object(_) => Ok(Self(Some(object))),
            _ => Err(ArgumentsError::NotAnObject),
        }
    }

    pub(super) fn satisfy(&self, pointer: &ArgumentPointer, condition: &Condition, effect: Effect) -> bool {
        let mut found = vec![self.0.as_ref()];
        for segment in &pointer.segments {
            found = found.into_iter().flat_map(|value| step(value, segment)).collect();
        }
        let mut satisfied = found.iter().map(|value| value_satisfies(*value, condition, effect));
        match effect {
            Effect::Allow => !found.is_empty() && satisfied.all(|yes| yes),
            Effect::Deny => satisfied.any(|yes| yes),
        }
    }
}

impl fmt::Display for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "they cannot be judged: {error}"),
            Self::NotAnObject => f.write_str("they are not a JSON object"),
        }
    }
}

impl std::error::Error for ArgumentsError {}

/// Where one segment leads. `None` is an absent value: that is never lost on the way, as it counts.
fn step<'a>(value: Option<&'a Json>, segment: &Segment) -> Vec<Option<&'a Json>> {
    match (value, segment) {
        (Some(Json::Object(members)), Segment::Any) if !members.is_empty() => members.values().map(Some).collect(),
        (Some(Json::Array(elements)), Segment::Any) if !elements.is_empty() => elements.iter().map(Some).collect(),
        (Some(object @ Json::Object(members)), Segment::Key(key)) => {
            // Some servers match keys without regard to case (Go's encoding/json does), and then the last one counts.
            let alike = members
                .iter()
                .filter(|(name, _)| ***name != **key && folds_alike(name, key));
            std::iter::once(object.get(key))
                .chain(alike.map(|(_, value)| Some(value)))
                .collect()
        }
        (Some(Json::Array(elements)), Segment::Key(key)) => vec![index(key).and_then(|index| elements.get(index))],
        _ => vec![None],
    }
}

fn folds_alike(a: &str, b: &str) -> bool {
    let fold = |text: &str| -> Vec<char> {
        text.chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .collect()
    };
    a.eq_ignore_ascii_case(b) || !(a.is_ascii() && b.is_ascii()) && fold(a) == fold(b)
}

/// RFC 6901, section 4: digits without leading zeros.
fn index(key: &str) -> Option<usize> {
    let plain = key.bytes().all(|byte| byte.is_ascii_digit()) && (key == "0" || !key.starts_with('0'));
    plain.then(|| key.parse().ok()).flatten()
}

/// All operators must hold of one value. A condition without any, which `compile` refuses, holds in a `deny` only.
fn value_satisfies(value: Option<&Json>, condition: &Condition, effect: Effect) -> bool {
    if condition.operators.is_empty() {
        return effect == Effect::Deny;
    }
    condition.operators.iter().all(|operator| match value {
        // Servers take `null` for an absent value, or for a value.
        None | Some(Json::Null) => effect == Effect::Deny && is_negative(operator),
        Some(Json::Object(_) | Json::Array(_)) => effect == Effect::Deny,
        // By JSON type a number matches no glob; but a server may print it first, so that this opens nothing.
        Some(Json::Number(_) | Json::Boolean(_)) if matches!(operator, Operator::Glob(_) | Operator::NotGlob(_)) => {
            effect == Effect::Deny && is_negative(operator)
        }
        Some(scalar) => scalar_satisfies(scalar, operator, effect),
    })
}

fn is_negative(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::NotEqual(_) | Operator::NotIn(_) | Operator::NotGlob(_)
    )
}

fn scalar_satisfies(value: &Json, operator: &Operator, effect: Effect) -> bool {
    let answer = match operator {
        Operator::Equal(wanted) | Operator::NotEqual(wanted) => equals(value, wanted),
        Operator::In(wanted) | Operator::NotIn(wanted) => any(wanted.iter().map(|wanted| equals(value, wanted))),
        Operator::Glob(pattern) | Operator::NotGlob(pattern) => matches_glob(value, pattern),
    };
    match answer {
        Answer::Doubt => effect == Effect::Deny,
        Answer::Yes => !is_negative(operator),
        Answer::No => is_negative(operator),
    }
}

#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Answer {
    No,
    Doubt,
    Yes,
}

fn any(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.max().unwrap_or(Answer::No)
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// By JSON type; case counts.
fn equals(value: &Json, wanted: &Scalar) -> Answer {
    match (value, wanted) {
        (Json::String(text), Scalar::String(wanted)) => (**text == **wanted).into(),
        (Json::Boolean(value), Scalar::Boolean(wanted)) => (value == wanted).into(),
        (Json::Number(text), Scalar::Integer(wanted)) => equals_integer(text, *wanted),
        _ => Answer::No,
    }
}

/// In doubt: a number that is not written as an integer and that some way of rounding makes the wanted one; an integer
/// that doubles (as in JavaScript) cannot tell from it; anything beyond 64 bits, which servers saturate or wrap.
fn equals_integer(text: &str, wanted: i64) -> Answer {
    if let Ok(integer) = text.parse::<i64>() {
        return match integer == wanted {
            true => Answer::Yes,
            false if is_same_double(integer, wanted) => Answer::Doubt,
            false => Answer::No,
        };
    }
    #[expect(clippy::cast_precision_loss, reason = "what precision loses is the doubt")]
    let is_near = |value: f64| (value - wanted as f64).abs() < 1.0;
    match text.parse::<f64>() {
        Ok(value) if value.abs() < 9.2e18 && !is_near(value) => Answer::No,
        _ => Answer::Doubt,
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "what precision loses is the doubt"
)]
fn is_same_double(a: i64, b: i64) -> bool {
    a as f64 == b as f64
}

/// In doubt: a path with a `..` segment, also encoded; one that matches only in one of two ways of writing it (`//`, `/./`,
/// `./`, `\`).
fn matches_glob(value: &Json, pattern: &Pattern) -> Answer {
    let Json::String(text) = value else {
        return Answer::No;
    };
    if has_parent_segment(text) {
        return Answer::Doubt;
    }
    let as_written = pattern.is_match(text);
    if pattern.is_match(&plain_path(text, pattern.as_str().starts_with("./"))) == as_written {
        as_written.into()
    } else {
        Answer::Doubt
    }
}

fn has_parent_segment(text: &str) -> bool {
    let is_parent = |segment: &str| segment == "..";
    let split = |text: &str| text.split(['/', '\\']).any(is_parent);
    split(text) || text.contains('%') && split(&decoded(text))
}

/// With `%2E`, `%2F` and `%5C` decoded, also where `%25` hides them.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut code = part;
        while let Some(rest) = code.strip_prefix("25") {
            code = rest;
        }
        let known = [("2e", '.'), ("2f", '/'), ("5c", '\\')];
        let found = known
            .iter()
            .find(|(hex, _)| code.get(..2).is_some_and(|code| code.eq_ignore_ascii_case(hex)));
        if let Some((_, meant)) = found {
            plain.push(*meant);
            plain.push_str(code.get(2..).unwrap_or_default());
        } else {
            plain.push('%');
            plain.push_str(part);
        }
    }
    plain
}

/// The same path with `/` only and without empty and `.` segments, which file systems ignore; relative ones begin with `./`
/// where the pattern does. What follows a scheme's `:` stays.
fn plain_path(text: &str, dotted: bool) -> String {
    let text = text.replace('\\', "/");
    let is_scheme = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let (scheme, path) = match text.split_once("://") {
        Some((scheme, path)) if is_scheme(scheme) => (Some(scheme), path),
        _ => (None, &*text),
    };
    let (root, rest) = match (scheme, path.strip_prefix('/')) {
        (_, Some(rest)) => ("/", rest),
        (None, None) if dotted => ("./", path),
        (_, None) => ("", path),
    };
    let named = rest.split('/').filter(|segment| !matches!(*segment, "" | "."));
    let mut plain = root.to_owned() + &named.collect::<Vec<_>>().join("/");
    if rest.ends_with('/') && !plain.ends_with('/') {
        plain.push('/');
    }
    match scheme {
        Some(scheme) => format!("{scheme}://{plain}"),
        None => plain,
    }
}

//! Words that all renderings share: what a block of access changes comes to, and the totals.

use std::collections::{BTreeMap, BTreeSet};

use super::{Base, Report};
use crate::name::Member;
use crate::plan::{AccessChange, AccessLine, Action, Cause, Changes, Direction, Outcome, Place, Plan, Target, Who};
use crate::snapshot::access::ObjectKind;
use crate::text::{count, safe};

/// How many principals the access section is about, by what becomes of them.
#[derive(Default)]
pub(super) struct Counts<'a> {
    pub(super) gain: BTreeSet<&'a Who>,
    pub(super) lose: BTreeSet<&'a Who>,
    pub(super) unknown: BTreeSet<&'a Who>,
}

impl<'a> Counts<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let mut counts = Self::default();
        for change in &plan.access.changes {
            let any = |is: &dyn Fn(&AccessLine) -> bool| change.lines.iter().any(is);
            if any(&|line| line.direction == Direction::Widens) {
                counts.gain.extend(&change.who);
            }
            if any(&|line| line.direction == Direction::Narrows) {
                counts.lose.extend(&change.who);
            }
            if any(&AccessLine::is_unknown) {
                counts.unknown.extend(&change.who);
            }
        }
        counts
    }

    /// `2 principals gain, 1 loses, 1 unknown`.
    pub(super) fn summary(&self) -> String {
        let mut parts = Vec::new();
        let mut add = |number: usize, one: &str, many: &str| {
            if number > 0 {
                let noun = match (parts.is_empty(), number) {
                    (false, _) => "",
                    (true, 1) => " principal",
                    (true, _) => " principals",
                };
                parts.push(format!("{number}{noun} {}", if number == 1 { one } else { many }));
            }
        };
        add(self.gain.len(), "gains", "gain");
        add(self.lose.len(), "loses", "lose");
        add(self.unknown.len(), "unknown", "unknown");
        if parts.is_empty() {
            return "no change".to_owned();
        }
        parts.join(", ")
    }
}

/// `ANYONE, without sign-in`, `group:support`.
pub(super) fn who(who: &Who) -> String {
    match who {
        Who::One(Member::Anonymous) => "ANYONE, without sign-in".to_owned(),
        Who::One(Member::Authenticated) => "EVERYBODY who signs in (authenticated)".to_owned(),
        Who::One(member) => safe(&member.to_string()).into_owned(),
        Who::Both(..) => format!("{} (somebody who is both)", safe(&who.to_string())),
    }
}

/// Everybody of a block, and the verb that goes with them.
pub(super) fn subject(change: &AccessChange) -> (Vec<String>, bool) {
    let names: Vec<String> = change.who.iter().map(who).collect();
    let many = names.len() > 1;
    (names, many)
}

/// `gains 2 tools and 1 prompt, loses 1 tool`.
pub(super) fn predicate(change: &AccessChange, many: bool) -> String {
    let s = if many { "" } else { "s" };
    let verb = |stem: &str| format!("{stem}{s}");
    let some = |is: &dyn Fn(&&AccessLine) -> bool| things(change.lines.iter().filter(is));
    let listed = |line: &&AccessLine| matches!(line.target, Target::Named(_) | Target::Matching(_));
    let parts = [
        (verb("gain"), some(&|line| listed(line) && line.is_gained())),
        (verb("lose"), some(&|line| listed(line) && line.is_lost())),
        (
            format!("{} wider conditions for", if many { "have" } else { "has" }),
            some(&|line| listed(line) && is_altered(line) && line.direction == Direction::Widens),
        ),
        (
            format!("{} narrower conditions for", if many { "have" } else { "has" }),
            some(&|line| listed(line) && is_altered(line) && line.direction == Direction::Narrows),
        ),
    ];
    let mut parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, things)| !things.is_empty())
        .map(|(verb, things)| format!("{verb} {things}"))
        .collect();
    let unlisted = |is: fn(&Target) -> bool, direction| {
        change
            .lines
            .iter()
            .any(|line| is(&line.target) && line.direction == direction)
    };
    let unknown = |target: &Target| matches!(target, Target::Unknown(_));
    let future = |target: &Target| matches!(target, Target::Future(_));
    for (direction, stem) in [(Direction::Widens, "gain"), (Direction::Narrows, "lose")] {
        if unlisted(unknown, direction) {
            parts.push(format!("{} what nobody could list", verb(stem)));
        }
        if unlisted(future, direction) {
            parts.push(format!("{} what will come", verb(stem)));
        }
    }
    parts.join(", ")
}

fn is_altered(line: &AccessLine) -> bool {
    !line.is_gained() && !line.is_lost()
}

/// `2 tools and 1 prompt`.
fn things<'a>(lines: impl Iterator<Item = &'a AccessLine>) -> String {
    let mut kinds: BTreeMap<ObjectKind, usize> = BTreeMap::new();
    for line in lines {
        *kinds.entry(line.kind).or_default() += 1;
    }
    let parts: Vec<String> = kinds
        .iter()
        .map(|(kind, number)| count(*number, &kind.to_string()))
        .collect();
    parts.join(" and ")
}

/// `+` gained, `-` lost, `~` other conditions, `!` what will come, `?` what nobody could list.
pub(super) fn mark(line: &AccessLine) -> char {
    match line.target {
        Target::Unknown(_) => '?',
        Target::Future(_) if line.direction == Direction::Widens => '!',
        _ if line.is_gained() => '+',
        _ if line.is_lost() => '-',
        _ => '~',
    }
}

/// `github/create_issue`, `prompt github/review`; a pattern stands where a name would.
pub(super) fn object(line: &AccessLine) -> String {
    let kind = match line.kind {
        ObjectKind::Tool => "",
        ObjectKind::Prompt => "prompt ",
        ObjectKind::Resource => "resource ",
    };
    format!("{kind}{}/{}", line.server, safe(line.target.as_str()))
}

/// How it is allowed from now on, and what happened: `conditional`, `newly selected`.
pub(super) fn notes(line: &AccessLine) -> Vec<String> {
    let mut notes = Vec::new();
    let things = match line.kind {
        ObjectKind::Tool => "tools",
        ObjectKind::Prompt => "prompts",
        ObjectKind::Resource => "resources",
    };
    match (&line.target, line.direction) {
        (Target::Unknown(_), _) => notes.push(format!("nobody could list the {things} of `{}`", line.server)),
        (Target::Future(_), Direction::Widens) => {
            notes.push(format!("will also admit {things} that `{}` adds later", line.server));
        }
        (Target::Future(_), Direction::Narrows) => {
            notes.push(format!("no longer admits {things} that `{}` adds later", line.server));
        }
        (Target::Named(_) | Target::Matching(_), _) => {}
    }
    match (line.current, line.proposed) {
        (Outcome::Conditional, Outcome::Conditional) => notes.push(match line.direction {
            Direction::Widens => "conditional, on wider or other conditions".to_owned(),
            Direction::Narrows => "conditional, on narrower conditions".to_owned(),
        }),
        (_, Outcome::Conditional) => notes.push("conditional: its arguments decide".to_owned()),
        _ => {}
    }
    notes.extend(line.cause.note.clone());
    if line.is_destructive && line.is_gained() {
        notes.push("MAY DESTROY".to_owned());
    }
    notes
}

/// `role.support.allow[0]`.
pub(super) fn rule(cause: &Cause) -> String {
    cause.rule.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// `roles/support.toml:14`, with `was` in the current files.
pub(super) fn place(place: Option<&Place>, was: bool) -> String {
    let Some(place) = place else { return String::new() };
    let text = format!("{}:{}", safe(&place.file), place.line);
    if was { format!("was {text}") } else { text }
}

/// `4 to add, 2 to change, 1 to remove`.
pub(super) fn changes(changes: &Changes) -> String {
    let counts = [
        (Action::Add, "to add"),
        (Action::Change, "to change"),
        (Action::Remove, "to remove"),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(action, words)| (changes.count(action), words))
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{number} {words}"))
        .collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    }
}

/// One sentence about what a reviewer must know.
pub(super) fn verdict(plan: &Plan) -> String {
    let counts = Counts::of(plan);
    let principals = |number: usize| count(number, "principal");
    let access = match (counts.gain.len(), counts.lose.len()) {
        (0, 0) => "Access stays as it is".to_owned(),
        (0, lose) => format!("Access narrows for {}", principals(lose)),
        (gain, 0) => format!("Access WIDENS for {}", principals(gain)),
        (gain, lose) => format!("Access WIDENS for {} and narrows for {lose}", principals(gain)),
    };
    let unknown = if counts.unknown.is_empty() {
        ""
    } else {
        " (some of it unknown)"
    };
    let exposure = match plan.exposure.items.len() {
        0 => "exposure does not widen".to_owned(),
        1 => "exposure WIDENS in 1 way".to_owned(),
        number => format!("exposure WIDENS in {number} ways"),
    };
    format!("{access}{unknown}, {exposure}.")
}

/// Where nothing differs.
pub(super) fn nothing(report: &Report<'_>) -> String {
    let digest = |base: &Base| base.digest.as_deref().map(short).unwrap_or_default();
    let (old, new) = (digest(&report.current), digest(&report.proposed));
    let proposed = safe(&report.proposed.name);
    if old != new && !old.is_empty() {
        return format!("No changes. Only the text of the files differs, not what they say (digest {old} -> {new}).");
    }
    match report.current.kind {
        "live" => format!("No changes. The gateway already matches {proposed} (digest {new})."),
        _ => format!(
            "No changes. {} already matches {proposed} (digest {new}).",
            safe(&report.current.name)
        ),
    }
}

pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

//! What a failing assertion tells: what was expected, what came out, and which line decided it.

use super::case::{Case, Wanted};
use super::{Outcome, World};
use crate::diag::{Code, Finding, Place};
use crate::snapshot::access::{Arguments, Considered, Decision, Object, Reason, Verdict, trace};
use crate::snapshot::{Effect, RuleId, Subject};
use crate::text;

/// The failures of one test.
pub(super) struct Failures<'a> {
    case: &'a Case,
    world: World<'a>,
    found: Vec<Finding>,
}

impl<'a> Failures<'a> {
    pub(super) fn new(case: &'a Case, world: World<'a>) -> Self {
        Self {
            case,
            world,
            found: Vec::new(),
        }
    }

    pub(super) fn outcome(self) -> Outcome {
        if self.found.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(self.found)
        }
    }

    /// Of `allow`.
    pub(super) fn not_allowed(
        &mut self,
        wanted: &Wanted,
        tool: Object<'_>,
        decision: &Decision,
        arguments: Option<&Arguments>,
    ) {
        let finding = match decision {
            Decision::Denied { reason } => {
                let finding = self
                    .finding(wanted.place, tool, "may not call")
                    .label("expected: allowed");
                self.because(finding, tool, reason, arguments)
            }
            Decision::Conditional { .. } | Decision::Allowed { .. } => self.depends(wanted, tool, decision, "allowed"),
        };
        self.found.push(finding);
    }

    /// Of `deny`.
    pub(super) fn not_denied(&mut self, wanted: &Wanted, tool: Object<'_>, decision: &Decision) {
        let finding = match decision {
            Decision::Allowed { rule } => {
                let finding = self.finding(wanted.place, tool, "may call").label("expected: denied");
                self.rule(finding, rule, "allows it")
            }
            Decision::Conditional { .. } | Decision::Denied { .. } => self.depends(wanted, tool, decision, "denied"),
        };
        self.found.push(finding);
    }

    /// A callable tool that `only` does not name.
    pub(super) fn not_only(&mut self, only: Place, tool: Object<'_>, decision: &Decision) {
        let verb = match decision {
            Decision::Conditional { .. } => "may, by the arguments, call",
            Decision::Allowed { .. } | Decision::Denied { .. } => "may call",
        };
        let finding = self.finding(only, tool, verb).label("expected: only these");
        let finding = match decision {
            Decision::Allowed { rule } => self.rule(finding, rule, "allows it"),
            Decision::Conditional { allow, .. } => match allow.first() {
                Some(rule) => self.rule(finding, rule, "may allow it"),
                None => finding,
            },
            Decision::Denied { .. } => finding,
        };
        let name = text::safe(&tool.to_string()).into_owned();
        self.found.push(finding.help(format!(
            "add `\"{name}\"` to `only`, or take it away from the caller's roles"
        )));
    }

    /// Of `only`: a pattern of which no tool is callable. `tool` is the first that it matches.
    pub(super) fn not_callable(&mut self, wanted: &Wanted, tool: Object<'_>, decision: &Decision) {
        let finding = self
            .finding(wanted.place, tool, "may not call")
            .label("expected: some tool of it is callable");
        let finding = match decision {
            Decision::Denied { reason } => self.because(finding, tool, reason, None),
            Decision::Allowed { .. } | Decision::Conditional { .. } => finding,
        };
        self.found.push(finding);
    }

    /// A pattern that is about nothing the endpoint selects: what it asserts would be true of any misspelling.
    pub(super) fn unmatched(&mut self, wanted: &Wanted) {
        let pattern = text::safe(wanted.pattern.as_str());
        let title = format!("`{pattern}` matches no selected tool of `{}`", self.case.endpoint);
        let finding = Finding::new(Code::FailedTest, wanted.place, title).label("tests nothing");
        let (subject, what) = self.selection(wanted);
        let finding = match self.world.origins.place(&subject) {
            Some(place) => finding.also(place, what),
            None => finding,
        };
        let is_deny = self.case.deny.iter().any(|other| other.place == wanted.place);
        self.found.push(finding.help(if is_deny {
            "correct the name; if there may be no such tool, add `unmatched-ok = true` to the test"
        } else {
            "correct the name, or select the tool on the endpoint"
        }));
    }

    /// Where the endpoint says what it selects of the pattern's server.
    fn selection(&self, wanted: &Wanted) -> (Subject, String) {
        let endpoint = &self.case.endpoint;
        let server = wanted.pattern.as_str().split('/').next().unwrap_or_default();
        let selections = self
            .world
            .snapshot
            .endpoints
            .get(endpoint)
            .into_iter()
            .flat_map(|table| &table.servers);
        match selections
            .map(|selection| &selection.server)
            .find(|name| name.as_str() == server)
        {
            Some(name) => {
                let by = if self.world.snapshot.locks.contains_key(name) {
                    format!("what is selected, out of `locked/{name}.json`")
                } else {
                    "what is selected; without a lock only exact names are known".to_owned()
                };
                (Subject::Selection(endpoint.clone(), name.clone()), by)
            }
            None => (Subject::Endpoint(endpoint.clone()), "the endpoint".to_owned()),
        }
    }

    /// Without arguments such a call is neither allowed nor denied.
    fn depends(&self, wanted: &Wanted, tool: Object<'_>, decision: &Decision, expected: &str) -> Finding {
        let mut finding = self
            .finding(wanted.place, tool, "may, by the arguments, call")
            .label(format!("expected: {expected}, whatever the arguments"));
        if let Decision::Conditional { allow, deny } = decision {
            for rule in deny.iter().take(2) {
                finding = self.rule(finding, rule, "may deny it");
            }
            for rule in allow.iter().take(1) {
                finding = self.rule(finding, rule, "may allow it");
            }
        }
        finding.help("say with which arguments: add `arguments = { … }` to a test of its own")
    }

    /// Names what denied it, and its place.
    fn because(&self, finding: Finding, tool: Object<'_>, reason: &Reason, arguments: Option<&Arguments>) -> Finding {
        let place = |subject: Subject| self.world.origins.place(&subject);
        let server = || Subject::Server(tool.server().clone());
        let with = |finding: Finding, place: Option<Place>, words: String| match place {
            Some(place) => finding.also(place, words),
            None => finding.help(words),
        };
        match reason {
            Reason::Rule(rule) => self.rule(finding, rule, "denies it"),
            Reason::Arguments(Some(rule)) => self.rule(finding, rule, "denies it with these arguments"),
            Reason::NoRule | Reason::Arguments(None) => self.no_rule(finding, tool, reason, arguments),
            Reason::NotSelected => {
                let subject = Subject::Selection(self.case.endpoint.clone(), tool.server().clone());
                with(finding, place(subject), reason.to_string())
            }
            Reason::NoCredential | Reason::NotLocked => with(finding, place(server()), reason.to_string()),
            Reason::Held(_) | Reason::UnclearArguments(_) | Reason::UnsafeUri => finding.help(reason.to_string()),
        }
    }

    /// No rule is no place; the one that came nearest is.
    fn no_rule(&self, finding: Finding, tool: Object<'_>, reason: &Reason, arguments: Option<&Arguments>) -> Finding {
        let caller = &self.case.caller;
        let considered = trace(self.world.snapshot, caller, &self.case.endpoint, tool, arguments);
        let allow = considered.iter().filter(|one| one.rule.effect == Effect::Allow);
        let Some(nearest) = allow.max_by_key(|one| nearness(one)) else {
            let groups: Vec<&str> = caller.groups.iter().map(|group| &**group).collect();
            let who = text::safe(&caller.principal.to_string()).into_owned();
            return finding.help(if groups.is_empty() {
                format!("no role with an `allow` has `{who}` among its members")
            } else {
                format!(
                    "no role with an `allow` has `{who}` or a group of {} among its members",
                    text::list(&groups)
                )
            });
        };
        let finding = match self.world.origins.place(&Subject::Rule(nearest.rule.clone())) {
            Some(place) => finding.also(place, format!("{}: {}", nearest.rule, nearest.verdict)),
            None => finding,
        };
        finding.help(format!(
            "{reason}; allow it in a role of the caller, or take it out of the test"
        ))
    }

    fn rule(&self, finding: Finding, rule: &RuleId, does: &str) -> Finding {
        match self.world.origins.place(&Subject::Rule(rule.clone())) {
            Some(place) => finding.also(place, format!("{rule} {does}")),
            None => finding,
        }
    }

    fn finding(&self, place: Place, tool: Object<'_>, verb: &str) -> Finding {
        let title = format!(
            "`{}` {verb} `{}` on `{}`",
            text::safe(&self.case.caller.principal.to_string()),
            text::safe(&tool.to_string()),
            self.case.endpoint
        );
        Finding::new(Code::FailedTest, place, title)
    }
}

/// How far the question got through the rule's conditions.
fn nearness(one: &Considered) -> u8 {
    match one.verdict {
        Verdict::Endpoint => 0,
        Verdict::Server => 1,
        Verdict::Kind => 2,
        Verdict::Name => 3,
        Verdict::Hint => 4,
        Verdict::Argument(_) => 5,
        Verdict::DependsOnArguments | Verdict::Matches => 6,
    }
}

//! `mcpgw explain WHO ENDPOINT SERVER/TOOL`: allowed, denied or conditional, by which rule, at which line.
//!
//! It asks the function that the gateway asks for every call.

use serde_json::{Map, Value, json};

use super::arguments::{Explain, TextFormat};
use super::configuration::{self, Configuration};
use super::exit::{Exit, Failure, Outcome};
use super::output::{Output, Style};
use super::running::Running;
use super::subject::{self, Tool};
use super::table::indented;
use crate::compile::Origin;
use crate::name::{Caller, EndpointName, Target};
use crate::snapshot::access::{
    Arguments, Considered, Decision, Holds, LiveHolds, Object, Reason, Rights, Verdict, trace,
};
use crate::snapshot::{Effect, RuleId, Subject};
use crate::text::{list, safe};

/// One question, and all that answers it.
struct Answer<'a> {
    configuration: &'a Configuration,
    caller: &'a Caller,
    endpoint: &'a EndpointName,
    tool: &'a Tool,
    decision: Decision,
    considered: Vec<Considered>,
}

pub(super) fn run(arguments: &Explain, output: &Output) -> Outcome {
    let json = arguments.arguments.as_deref().map(parse).transpose()?;
    let (configuration, holds) = if arguments.live {
        live(arguments, output)?
    } else {
        (configuration::load(&arguments.config.all(), output)?, Holds::default())
    };
    let snapshot = &configuration.snapshot;
    let caller = subject::caller(snapshot, &arguments.who, &arguments.groups)?;
    let endpoint = subject::endpoint(snapshot, &arguments.endpoint)?;
    let tool = subject::tool(snapshot, &arguments.tool)?;
    let object = Object::Tool {
        server: &tool.server,
        tool: &tool.name,
    };
    let answer = Answer {
        configuration: &configuration,
        caller: &caller,
        endpoint: &endpoint,
        tool: &tool,
        decision: match holds.on_caller(snapshot, &caller) {
            Some(target) => Decision::Denied {
                reason: Reason::Held(target),
            },
            None => {
                Rights::of(snapshot, &caller)
                    .under(&LiveHolds::new(holds))
                    .decide(&endpoint, object, json.as_ref())
            }
        },
        considered: trace(snapshot, &caller, &endpoint, object, json.as_ref()),
    };
    match arguments.format {
        TextFormat::Human => output.data(answer.human(output.stdout_style()))?,
        TextFormat::Json => output.json(&answer.json())?,
    }
    Ok(match answer.decision {
        Decision::Allowed { .. } | Decision::Conditional { .. } => Exit::Fine,
        Decision::Denied { .. } => Exit::PolicyNo,
    })
}

/// What the running gateway serves, and what is taken away from it.
fn live(arguments: &Explain, output: &Output) -> Result<(Configuration, Holds), Failure> {
    let running = Running::find(&arguments.gateway, &arguments.config.all(), output)?;
    let configuration = configuration::of_bundle(&running.bundle).ok_or_else(|| {
        Failure::new("the gateway has a configuration that this version of mcpgw does not take")
            .hint("is it of another version? `mcpgw status` says which")
    })?;
    let holds = running.holds()?;
    let targets = holds.iter().filter_map(|hold| Target::parse(&hold.what));
    Ok((configuration, Holds::new(targets)))
}

fn parse(text: &str) -> Result<Arguments, Failure> {
    if !matches!(serde_json::from_str(text), Ok(Value::Object(_))) {
        return Err(Failure::usage("`--arguments` is not a JSON object")
            .hint("write e.g. `--arguments '{\"owner\": \"acme\"}'`"));
    }
    Arguments::parse(text.as_bytes()).map_err(|error| Failure::usage(format_args!("`--arguments`: {error}")))
}

impl Answer<'_> {
    fn human(&self, style: Style) -> String {
        let (word, may) = match &self.decision {
            Decision::Allowed { .. } => (style.good("allowed"), "may call"),
            Decision::Denied { .. } => (style.error("denied"), "may not call"),
            Decision::Conditional { .. } => (style.warning("conditional"), "may, by the arguments, call"),
        };
        let who = safe(&self.caller.principal.to_string()).into_owned();
        let tool = safe(&format!("{}/{}", self.tool.server, self.tool.name)).into_owned();
        let mut out = format!("{word}: {who} {may} `{tool}` on endpoint `{}`\n", self.endpoint);
        let (text, place) = self.because();
        out.push_str(&format_because(&text, place, style));
        if matches!(self.decision, Decision::Allowed { .. }) {
            return out;
        }
        if self.considered.is_empty() {
            let groups: Vec<&str> = self.caller.groups.iter().map(|group| &**group).collect();
            let groups = if groups.is_empty() {
                String::new()
            } else {
                format!(" or the groups {}", list(&groups))
            };
            return format!("{out}\nno role has {who}{groups} among its members\n");
        }
        out.push_str("\nconsidered:\n");
        let rows = self.considered.iter().map(|one| {
            [
                one.rule.to_string(),
                self.verdict(one),
                self.origin(&one.rule)
                    .map(|place| safe(&place.to_string()).into_owned())
                    .unwrap_or_default(),
            ]
        });
        out.push_str(&indented(&rows.collect::<Vec<_>>()));
        out
    }

    fn json(&self) -> Value {
        let (decision, rules): (_, Vec<&RuleId>) = match &self.decision {
            Decision::Allowed { rule } => ("allowed", vec![rule]),
            Decision::Denied { reason } => ("denied", rule_of(reason).into_iter().collect()),
            Decision::Conditional { allow, deny } => ("conditional", deny.iter().chain(allow).collect()),
        };
        let (reason, place) = self.because();
        let considered = self.considered.iter().map(|one| {
            let mut row = self.rule_json(&one.rule);
            row.insert("verdict".to_owned(), json!(self.verdict(one)));
            Value::Object(row)
        });
        json!({
            "format-version": 1,
            "who": self.caller.principal.to_string(),
            "groups": self.caller.groups,
            "endpoint": self.endpoint.as_str(),
            "server": self.tool.server.as_str(),
            "tool": self.tool.name,
            "decision": decision,
            "reason": reason,
            "place": place.map(place_json),
            "rules": rules.into_iter().map(|rule| Value::Object(self.rule_json(rule))).collect::<Vec<_>>(),
            "considered": considered.collect::<Vec<_>>(),
        })
    }

    /// Why, in words, and the line that says so.
    fn because(&self) -> (String, Option<&Origin>) {
        let place = |subject: Subject| self.configuration.origins.get(&subject);
        match &self.decision {
            Decision::Allowed { rule } => (format!("`{rule}` allows it"), self.origin(rule)),
            Decision::Conditional { allow, deny } => {
                let first = deny.first().or(allow.first());
                (conditions(allow, deny), first.and_then(|rule| self.origin(rule)))
            }
            Decision::Denied { reason } => match reason {
                Reason::Rule(rule) => (format!("`{rule}` denies it"), self.origin(rule)),
                Reason::Arguments(Some(rule)) => {
                    (format!("`{rule}` denies it with these arguments"), self.origin(rule))
                }
                Reason::Arguments(None) => ("no `allow` covers it with these arguments".to_owned(), None),
                Reason::UnclearArguments(error) => (
                    format!("rules ask for the arguments, which cannot be judged: {error}"),
                    None,
                ),
                Reason::Held(target) => (format!("`{target}` is held"), None),
                Reason::NoRule => ("no rule allows it".to_owned(), None),
                Reason::NotSelected => self.not_selected(),
                Reason::NotLocked => (
                    format!(
                        "the lock of server `{0}` (`locked/{0}.json`) does not have it",
                        self.tool.server
                    ),
                    place(Subject::Server(self.tool.server.clone())),
                ),
                Reason::NoCredential => (
                    format!(
                        "server `{}` wants personal credentials, and {} has none",
                        self.tool.server,
                        safe(&self.caller.principal.to_string())
                    ),
                    place(Subject::Server(self.tool.server.clone())),
                ),
                Reason::UnsafeUri => ("its URI has dot segments or encoded separators".to_owned(), None),
            },
        }
    }

    fn not_selected(&self) -> (String, Option<&Origin>) {
        let origins = &self.configuration.origins;
        let selection = Subject::Selection(self.endpoint.clone(), self.tool.server.clone());
        match origins.get(&selection) {
            Some(place) => (
                format!(
                    "`tools` of server `{}` on endpoint `{}` does not select it",
                    self.tool.server, self.endpoint
                ),
                Some(place),
            ),
            None => (
                format!(
                    "endpoint `{}` does not offer server `{}`",
                    self.endpoint, self.tool.server
                ),
                origins.get(&Subject::Endpoint(self.endpoint.clone())),
            ),
        }
    }

    fn verdict(&self, one: &Considered) -> String {
        if let Verdict::Argument(index) = one.verdict
            && let Some(pointer) = self.pointer(&one.rule, index)
        {
            return format!("its argument `{}` does not hold", safe(pointer));
        }
        one.verdict.to_string()
    }

    fn pointer(&self, rule: &RuleId, index: usize) -> Option<&str> {
        let table = self.configuration.snapshot.roles.get(&rule.role)?;
        let rules = match rule.effect {
            Effect::Allow => &table.allow,
            Effect::Deny => &table.deny,
        };
        rules
            .get(rule.index)?
            .arguments
            .get(index)
            .map(|(pointer, _)| pointer.text.as_str())
    }

    fn origin(&self, rule: &RuleId) -> Option<&Origin> {
        self.configuration.origins.rule(rule)
    }

    fn rule_json(&self, rule: &RuleId) -> Map<String, Value> {
        let mut row = Map::new();
        row.insert("rule".to_owned(), json!(rule.to_string()));
        row.insert("place".to_owned(), json!(self.origin(rule).map(place_json)));
        row
    }
}

fn rule_of(reason: &Reason) -> Option<&RuleId> {
    match reason {
        Reason::Rule(rule) | Reason::Arguments(Some(rule)) => Some(rule),
        Reason::Arguments(None)
        | Reason::Held(_)
        | Reason::NoCredential
        | Reason::NoRule
        | Reason::NotLocked
        | Reason::NotSelected
        | Reason::UnclearArguments(_)
        | Reason::UnsafeUri => None,
    }
}

fn conditions(allow: &[RuleId], deny: &[RuleId]) -> String {
    let names = |rules: &[RuleId]| list(&rules.iter().map(ToString::to_string).collect::<Vec<_>>());
    match (allow.is_empty(), deny.is_empty()) {
        (false, false) => format!(
            "{} may allow it, {} may deny it; give `--arguments`",
            names(allow),
            names(deny)
        ),
        (false, true) => format!("{} may allow it; give `--arguments`", names(allow)),
        (true, _) => format!("{} may deny it; give `--arguments`", names(deny)),
    }
}

fn format_because(text: &str, place: Option<&Origin>, style: Style) -> String {
    match place {
        Some(place) => format!("  {text}\n  {} {}\n", style.dim("-->"), safe(&place.to_string())),
        None => format!("  {text}\n"),
    }
}

pub(super) fn place_json(place: &Origin) -> Value {
    json!({ "file": place.file, "line": place.line, "column": place.column })
}

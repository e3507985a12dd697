//! `mcpgw who SERVER/TOOL [ENDPOINT]`: everybody whom the files let reach a tool, and by which rule.

use serde_json::{Value, json};

use super::arguments::{TextFormat, Who};
use super::configuration;
use super::exit::{Exit, Outcome};
use super::explain::place_json;
use super::output::Output;
use super::subject;
use super::table::columns;
use crate::snapshot::RuleId;
use crate::snapshot::access::{Decision, Object, Reach, who};
use crate::text::safe;

pub(super) fn run(arguments: &Who, output: &Output) -> Outcome {
    let configuration = configuration::load(&arguments.config.all(), output)?;
    let snapshot = &configuration.snapshot;
    let tool = subject::tool(snapshot, &arguments.tool)?;
    let endpoint = arguments
        .endpoint
        .as_deref()
        .map(|name| subject::endpoint(snapshot, name))
        .transpose()?;
    let object = Object::Tool {
        server: &tool.server,
        tool: &tool.name,
    };
    let reached = who(snapshot, object, endpoint.as_ref());
    let place = |rule: &RuleId| configuration.origins.rule(rule);
    match arguments.format {
        TextFormat::Human if reached.is_empty() => {
            output.tell(&format!("nobody reaches `{}`", safe(&arguments.tool)));
        }
        TextFormat::Human => {
            let rows: Vec<[String; 5]> = reached
                .iter()
                .map(|reach| {
                    let (decision, rule) = decided(reach);
                    let place = rule.and_then(place).map(ToString::to_string).unwrap_or_default();
                    [
                        reach.endpoint.to_string(),
                        safe(&reach.who.to_string()).into_owned(),
                        decision.to_owned(),
                        rule.map(ToString::to_string).unwrap_or_default(),
                        safe(&place).into_owned(),
                    ]
                })
                .collect();
            output.data(columns(
                ["ENDPOINT", "WHO", "DECISION", "RULE", "PLACE"],
                &rows,
                output.stdout_style(),
            ))?;
        }
        TextFormat::Json => {
            let rows: Vec<Value> = reached
                .iter()
                .map(|reach| {
                    let (decision, rule) = decided(reach);
                    json!({
                        "endpoint": reach.endpoint.as_str(),
                        "who": reach.who.to_string(),
                        "decision": decision,
                        "rule": rule.map(ToString::to_string),
                        "place": rule.and_then(place).map(place_json),
                    })
                })
                .collect();
            output.json(&json!({
                "format-version": 1,
                "server": tool.server.as_str(),
                "tool": tool.name,
                "reached-by": rows,
            }))?;
        }
    }
    Ok(Exit::Fine)
}

/// The decision and the first rule of it.
fn decided(reach: &Reach) -> (&'static str, Option<&RuleId>) {
    match &reach.decision {
        Decision::Allowed { rule } => ("allowed", Some(rule)),
        Decision::Conditional { allow, deny } => ("conditional", deny.first().or(allow.first())),
        Decision::Denied { .. } => ("denied", None),
    }
}

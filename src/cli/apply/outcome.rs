//! How a change of the running gateway ended, for people, scripts and their exit codes.

use serde_json::{Map, Value, json};

use super::progress::line;
use crate::cli::arguments::TextFormat;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::output::Output;
use crate::control::{Answer, Answered, Changed};
use crate::text::safe;

/// Tells it. `plan` is what was shown, for programs.
pub(in crate::cli) fn told(changed: &Changed, plan: Option<Value>, format: TextFormat, output: &Output) -> Outcome {
    if format == TextFormat::Json {
        output.json(&document(changed, plan))?;
    }
    match changed {
        Changed::Swapped {
            generation,
            digest,
            servers,
            behind,
        } => {
            for server in servers {
                output.warn(&line(server));
            }
            for replica in behind {
                output.warn(&format!(
                    "replica {} does not serve it yet: `mcpgw status` shows when it does",
                    safe(replica)
                ));
            }
            say(
                format,
                output,
                &format!("Applied: generation {generation}, digest {}.\n", short(digest)),
            )?;
            Ok(Exit::Fine)
        }
        Changed::Unchanged { generation } => {
            say(
                format,
                output,
                &format!("Nothing to apply: generation {generation} is that already.\n"),
            )?;
            Ok(Exit::Fine)
        }
        Changed::Refused { findings, problems } => {
            for finding in findings {
                let (place, title) = (safe(&finding.place), safe(&finding.title));
                output.error(&format!("{place}: {title} [{}]", safe(&finding.code)), None);
            }
            for problem in problems {
                output.error(&safe(problem), None);
            }
            let failure = Failure::new("nothing has changed: the gateway refuses these files");
            Err(failure.hint("mend what is told above, then apply again"))
        }
        Changed::Stale { reason } => Err(stale(reason)),
        Changed::Unknown { reason } => Err(Failure::with(
            Exit::Unknown,
            format_args!("the outcome is unknown: {}", safe(reason)),
        )
        .hint("`mcpgw status` and `mcpgw history` say what is served, once the store answers again")),
    }
}

/// What was planned for is not there any more.
pub(super) fn stale(reason: &str) -> Failure {
    Failure::with(Exit::Stale, format_args!("nothing has changed: {}", safe(reason))).hint("plan again, and look at it")
}

fn say(format: TextFormat, output: &Output, text: &str) -> Result<(), Failure> {
    match format {
        TextFormat::Human => output.data(text),
        TextFormat::Json => Ok(()),
    }
}

fn document(changed: &Changed, plan: Option<Value>) -> Value {
    let mut document = Map::new();
    document.insert("format-version".to_owned(), 1.into());
    let outcome = match changed {
        Changed::Swapped {
            generation,
            digest,
            servers,
            behind,
        } => {
            let servers: Vec<Value> = servers.iter().map(server).collect();
            json!({ "outcome": "swapped", "generation": generation, "digest": digest, "servers": servers, "behind": behind })
        }
        Changed::Unchanged { generation } => json!({ "outcome": "unchanged", "generation": generation }),
        Changed::Refused { findings, problems } => {
            let finding = |told: &crate::control::Told| json!({ "code": told.code, "place": told.place, "title": told.title, "help": told.help });
            let findings: Vec<Value> = findings.iter().map(finding).collect();
            json!({ "outcome": "refused", "findings": findings, "problems": problems })
        }
        Changed::Stale { reason } => json!({ "outcome": "stale", "reason": reason }),
        Changed::Unknown { reason } => json!({ "outcome": "unknown", "reason": reason }),
    };
    if let Value::Object(members) = outcome {
        document.extend(members);
    }
    if let Some(plan) = plan {
        document.insert("plan".to_owned(), plan);
    }
    document.into()
}

fn server(answered: &Answered) -> Value {
    let answer = match answered.answer {
        Answer::Answers => "answers",
        Answer::Failed => "failed",
        Answer::LetThrough => "let-through",
        Answer::NotAuthorizedYet => "not-authorized-yet",
    };
    json!({ "server": answered.server, "answer": answer, "reason": answered.reason })
}

pub(in crate::cli) fn short(digest: &str) -> String {
    digest.chars().filter(char::is_ascii_hexdigit).take(12).collect()
}

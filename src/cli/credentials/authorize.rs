//! `mcpgw credentials authorize SERVER`: the gateway says where, a person signs in there with any browser, and the gateway gets the
//! answer. Nothing of the credential comes here.

use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::cli::arguments::{Asking, TextFormat};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::gateway;
use crate::cli::output::Output;
use crate::cli::running::understood;
use crate::control::Gateway;
use crate::text::safe;

/// The gateway waits ten minutes for the browser; a little more, so that it is the one to say so.
const LIMIT: Duration = Duration::from_secs(620);
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Begun {
    server: String,
    url: String,
    ticket: String,
}

#[derive(Deserialize)]
struct Told {
    outcome: String,
    reason: Option<String>,
}

/// JSON: the gateway's own document, with the address as `url`, and no waiting.
pub(super) fn run(server: &str, no_wait: bool, asking: &Asking, output: &Output) -> Outcome {
    let gateway = gateway::find(&asking.gateway, &asking.config.all(), output)?;
    let answer = gateway.authorize(server).map_err(|error| gateway::told(&error))?;
    if asking.format == TextFormat::Json {
        output.json(&answer)?;
        return Ok(Exit::Fine);
    }
    let begun: Begun = understood(answer)?;
    output.data(format!(
        "Open this address in a browser, and sign in with the account that `{}` is to be used with:\n\n  {}\n\n",
        safe(&begun.server),
        safe(&begun.url)
    ))?;
    if no_wait {
        return Ok(Exit::Fine);
    }
    wait(&gateway, &begun, output)
}

fn wait(gateway: &Gateway, begun: &Begun, output: &Output) -> Outcome {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let answer = gateway
            .authorization(&begun.ticket)
            .map_err(|error| gateway::told(&error))?;
        let told: Told = understood(answer)?;
        match told.outcome.as_str() {
            "waiting" => std::thread::sleep(PAUSE),
            "authorized" => {
                output.data(format!("`{}` is authorized.\n", safe(&begun.server)))?;
                return Ok(Exit::Fine);
            }
            "failed" => {
                let why = told.reason.unwrap_or_default();
                return Err(Failure::new(format_args!(
                    "`{}` is not authorized: {}",
                    safe(&begun.server),
                    safe(&why)
                ))
                .hint("what there was before is still used; run the command again"));
            }
            _ => break,
        }
    }
    Err(
        Failure::new(format_args!("nobody came back from {} in time", safe(&begun.url)))
            .hint("run the command again: each address counts for ten minutes"),
    )
}

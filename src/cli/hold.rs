//! `mcpgw hold WHAT`, `mcpgw release WHAT`: taken away at once, whatever the files say, until it is released.

use serde::Deserialize;
use serde_json::json;

use super::arguments::{Hold, Release, TextFormat};
use super::exit::{Exit, Failure, Outcome};
use super::gateway;
use super::output::Output;
use super::running::understood;
use crate::name::Target;
use crate::text::{count, safe};

/// `POST /v1/hold`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Held {
    what: String,
    grants_ended: usize,
    known: bool,
    toml: String,
}

/// `POST /v1/release`.
#[derive(Deserialize)]
struct Released {
    what: String,
    released: bool,
}

pub(super) fn hold(arguments: &Hold, output: &Output) -> Outcome {
    let what = checked(&arguments.what)?;
    let asking = &arguments.asking;
    let gateway = gateway::find(&asking.gateway, &asking.config.all(), output)?;
    let answer = gateway.hold(&json!({ "what": what, "reason": arguments.reason }));
    let answer = answer.map_err(|error| gateway::told(&error))?;
    let held: Held = understood(answer.clone())?;
    if !held.known {
        output.warn(&format!(
            "nothing of the name `{}` is known here: names are compared as they are written, a tool by its server's own name for it",
            safe(&held.what)
        ));
    }
    if asking.format == TextFormat::Json {
        output.json(&answer)?;
        return Ok(Exit::Fine);
    }
    let ended = match held.grants_ended {
        0 => String::new(),
        number => format!(", {} ended", count(number, "grant")),
    };
    let style = output.stdout_style();
    let mut out = format!("{} {}{ended}\n", style.warning("held:"), safe(&held.what));
    out.push_str("It stays so over restarts and applies, until `mcpgw release`. In the files it would be:\n");
    out.extend(held.toml.lines().flat_map(|line| ["  ", line, "\n"]));
    output.data(out)?;
    Ok(Exit::Fine)
}

pub(super) fn release(arguments: &Release, output: &Output) -> Outcome {
    let what = checked(&arguments.what)?;
    let asking = &arguments.asking;
    let gateway = gateway::find(&asking.gateway, &asking.config.all(), output)?;
    let answer = gateway.release(&json!({ "what": what }));
    let answer = answer.map_err(|error| gateway::told(&error))?;
    let ended: Released = understood(answer.clone())?;
    if !ended.released {
        return Err(
            Failure::new(format_args!("`{}` is not held", safe(&ended.what))).hint("`mcpgw status` shows what is")
        );
    }
    if asking.format == TextFormat::Json {
        output.json(&answer)?;
        return Ok(Exit::Fine);
    }
    let style = output.stdout_style();
    output.data(format!("{} {}\n", style.good("released:"), safe(&ended.what)))?;
    Ok(Exit::Fine)
}

fn checked(what: &str) -> Result<String, Failure> {
    let target = Target::parse(what).ok_or_else(|| {
        Failure::usage(format_args!("`{}` is nothing that can be held", safe(what))).hint(
            "write `user:NAME`, `service:NAME`, `anonymous`, `group:NAME`, `endpoint:NAME`, `server:NAME` or `tool:SERVER/TOOL`",
        )
    })?;
    Ok(target.to_string())
}

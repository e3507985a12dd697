//! `mcpgw credentials list` and `mcpgw credentials forget SERVER`: whose accounts the gateway keeps, and ending that.

use serde::Deserialize;

use crate::cli::arguments::{Asking, TextFormat};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::gateway;
use crate::cli::output::Output;
use crate::cli::running::understood;
use crate::cli::table::columns;
use crate::text::{count, safe};

/// `GET /v1/credentials`.
#[derive(Deserialize)]
struct Listed {
    credentials: Vec<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    server: String,
    owner: String,
    standing: String,
    issuer: Option<String>,
    since: String,
    served: bool,
}

/// `POST /v1/credentials/forget`.
#[derive(Deserialize)]
struct Forgotten {
    forgotten: Vec<String>,
}

pub(super) fn list(asking: &Asking, output: &Output) -> Outcome {
    let gateway = gateway::find(&asking.gateway, &asking.config.all(), output)?;
    let answer = gateway.credentials().map_err(|error| gateway::told(&error))?;
    if asking.format == TextFormat::Json {
        output.json(&answer)?;
        return Ok(Exit::Fine);
    }
    let listed: Listed = understood(answer)?;
    if listed.credentials.is_empty() {
        output.data("Nobody's credentials are kept.\n")?;
        return Ok(Exit::Fine);
    }
    let rows: Vec<[String; 5]> = listed.credentials.iter().map(row).collect();
    let heads = ["SERVER", "OWNER", "STANDS", "FROM", "SINCE"];
    output.data(columns(heads, &rows, output.stdout_style()))?;
    Ok(Exit::Fine)
}

fn row(kept: &Kept) -> [String; 5] {
    let server = safe(&kept.server);
    [
        if kept.served {
            server.into_owned()
        } else {
            format!("{server} (gone)")
        },
        safe(&kept.owner).into_owned(),
        safe(&kept.standing).into_owned(),
        kept.issuer
            .as_deref()
            .map_or_else(|| "pasted".to_owned(), |issuer| safe(issuer).into_owned()),
        safe(kept.since.get(..16).unwrap_or(&kept.since)).replace('T', " "),
    ]
}

pub(super) fn forget(server: &str, user: Option<&str>, asking: &Asking, output: &Output) -> Outcome {
    let gateway = gateway::find(&asking.gateway, &asking.config.all(), output)?;
    let answer = gateway.forget_credentials(server, user);
    let answer = answer.map_err(|error| gateway::told(&error))?;
    if asking.format == TextFormat::Json {
        output.json(&answer)?;
        return Ok(Exit::Fine);
    }
    let forgotten: Forgotten = understood(answer)?;
    let number = forgotten.forgotten.len();
    if number == 0 {
        output.data("There was no such credential.\n")?;
        return Ok(Exit::Fine);
    }
    output.data(format!(
        "Forgot {}. Who is concerned may connect again; at the server itself nothing was revoked.\n",
        count(number, "credential")
    ))?;
    Ok(Exit::Fine)
}

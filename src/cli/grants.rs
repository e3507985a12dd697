//! `mcpgw grants`: who let which client in; and ending that.
//!
//! Asks the gateway. What is ended may be given again at the next consent: `hold` is the stronger one.

use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Asking, Grants, GrantsAction, TextFormat};
use super::exit::{Exit, Outcome};
use super::gateway;
use super::output::Output;
use super::running::understood;
use super::table::columns;
use crate::text::{count, safe};

pub(super) fn run(arguments: &Grants, output: &Output) -> Outcome {
    match &arguments.action {
        GrantsAction::List { asking } => list(asking, output),
        GrantsAction::Revoke {
            user,
            endpoint,
            id,
            all,
            asking,
        } => {
            let which = json!({ "user": user, "endpoint": endpoint, "id": id, "all": all });
            revoke(&which, asking, output)
        }
    }
}

/// `GET /v1/grants`.
#[derive(Deserialize)]
struct Listed {
    grants: Vec<Grant>,
}

#[derive(Deserialize)]
struct Grant {
    id: String,
    user: String,
    client: Client,
    endpoint: String,
    since: String,
    until: Option<String>,
}

#[derive(Deserialize)]
struct Client {
    name: String,
    host: String,
}

/// `POST /v1/grants/revoke`.
#[derive(Deserialize)]
struct Revoked {
    revoked: Vec<String>,
}

fn list(asking: &Asking, output: &Output) -> Outcome {
    let gateway = gateway::find(&asking.gateway, &asking.config.all(), output)?;
    let answer = gateway.grants().map_err(|error| gateway::told(&error))?;
    if asking.format == TextFormat::Json {
        output.json(&answer)?;
        return Ok(Exit::Fine);
    }
    let listed: Listed = understood(answer)?;
    if listed.grants.is_empty() {
        output.data("Nobody has let a client in.\n")?;
        return Ok(Exit::Fine);
    }
    let rows: Vec<[String; 6]> = listed.grants.iter().map(row).collect();
    let heads = ["ID", "USER", "CLIENT", "ENDPOINT", "SINCE", "UNTIL"];
    output.data(columns(heads, &rows, output.stdout_style()))?;
    Ok(Exit::Fine)
}

fn row(grant: &Grant) -> [String; 6] {
    let minute = |time: &str| time.get(..16).unwrap_or(time).replace('T', " ");
    [
        safe(&grant.id).into_owned(),
        safe(&grant.user).into_owned(),
        format!("{} ({})", safe(&grant.client.name), safe(&grant.client.host)),
        safe(&grant.endpoint).into_owned(),
        minute(&grant.since),
        grant.until.as_deref().map_or("endpoint is gone".to_owned(), minute),
    ]
}

fn revoke(which: &Value, asking: &Asking, output: &Output) -> Outcome {
    let gateway = gateway::find(&asking.gateway, &asking.config.all(), output)?;
    let answer = gateway.revoke_grants(which).map_err(|error| gateway::told(&error))?;
    if asking.format == TextFormat::Json {
        output.json(&answer)?;
        return Ok(Exit::Fine);
    }
    let revoked: Revoked = understood(answer)?;
    let number = revoked.revoked.len();
    if number == 0 {
        output.data("There was no such grant.\n")?;
        return Ok(Exit::Fine);
    }
    output.data(format!(
        "Revoked {}. Who is concerned may sign in and consent again.\n",
        count(number, "grant")
    ))?;
    Ok(Exit::Fine)
}

//! `/`: what a person may use here, how to add it to a client, how their accounts stand, and which clients they let in.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;

use crate::auth::audit;
use crate::auth::browser::Browser;
use crate::auth::grant::Grant;
use crate::auth::pages;
use crate::auth::problem::Problem;
use crate::auth::reply::{self, Reply};
use crate::auth::request::{Request, World};
use crate::auth::server::{Auth, form};
use crate::auth::sign_in;
use crate::snapshot::access::Rights;

pub(super) async fn show(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let snapshot = world.snapshot();
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let Some(person) = auth.person(world, &browser).await? else {
        return Ok(sign_in::to("/"));
    };
    let caller = person.caller(snapshot);
    let rights = caller.as_ref().map(|caller| world.rights(caller));
    let endpoints: Vec<_> = rights
        .iter()
        .flat_map(Rights::endpoints)
        .filter_map(|name| Some((name, snapshot.endpoints.get(name)?)))
        .collect();
    let grants: Vec<Grant> = own(auth, &person.user).await?;
    let now = Timestamp::now();
    let grants: Vec<(&Grant, Timestamp)> = grants
        .iter()
        .filter_map(|grant| Some((grant, grant.end(snapshot).filter(|end| *end > now)?)))
        .collect();
    let mut known = BTreeMap::new();
    for (endpoint, _) in &endpoints {
        let Some(caller) = &caller else { break };
        let accounts = world.accounts(endpoint, caller).await.map_err(Problem::unavailable)?;
        for (server, account) in accounts {
            known.entry(server).or_insert((*endpoint, account));
        }
    }
    let accounts: Vec<_> = known.values().map(|(endpoint, account)| (*endpoint, account)).collect();
    let html = pages::home::page(&pages::home::Home {
        person: &person,
        base: &request.base,
        endpoints: &endpoints,
        grants: &grants,
        accounts: &accounts,
        csrf: &browser.csrf(),
    });
    Ok(reply::page(StatusCode::OK, html, None))
}

/// The form of a client on my page: only one's own grants can be ended here.
pub(super) async fn revoke(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let form = form(request)?;
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let person = auth.person(world, &browser).await?;
    let (Some(person), true) = (person, browser.wrote(form.find("csrf"))) else {
        return Err(Problem::forbidden("this page is too old: open it again"));
    };
    let id = form.find("grant").unwrap_or_default();
    let grant = auth.grants.find(id).await?.filter(|grant| grant.user == person.user);
    if let Some(grant) = grant
        && auth.grants.remove(&grant.id).await?
    {
        audit::after(
            world,
            audit::grant("grant-revoked", &grant, &format!("user:{}", person.user)),
        )
        .await;
    }
    Ok(reply::see_other("/"))
}

async fn own(auth: &Auth, user: &str) -> Result<Vec<Grant>, Problem> {
    let mut grants = auth.grants.list().await?;
    grants.retain(|grant| *grant.user == *user);
    grants.reverse();
    Ok(grants)
}

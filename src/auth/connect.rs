//! `/connect/ENDPOINT`: the accounts that a person needs there, and the ways to connect each. `/connect/callback`: back from
//! another authorization server.
//!
//! Whose account it is is who is signed in at this browser, never what a form says. What is done is done by [`Accounting`],
//! which keeps the credentials; nothing of them comes here.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;

use crate::auth::browser::Browser;
use crate::auth::form::with_query;
use crate::auth::pages;
use crate::auth::problem::Problem;
use crate::auth::reply::{self, Reply};
use crate::auth::request::{AccountState, Accounts, Request, World};
use crate::auth::server::{Auth, form, query};
use crate::auth::sign_in;
use crate::name::{Caller, EndpointName, ServerName};

/// Keeps people's credentials for servers. Errors are texts for people.
pub trait Accounting: Send + Sync {
    /// Of every server of the endpoint for which the caller needs an account of its own.
    fn accounts<'a>(
        &'a self,
        endpoint: &'a EndpointName,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Accounts, String>>;

    /// Keeps a pasted token.
    fn paste<'a>(
        &'a self,
        server: &'a ServerName,
        user: &'a Arc<str>,
        token: &'a str,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Begins the way through the server's authorization server; the URL to send the browser to.
    fn begin<'a>(
        &'a self,
        server: &'a ServerName,
        user: &'a Arc<str>,
        way: Way<'a>,
    ) -> BoxFuture<'a, Result<String, String>>;

    /// Ends it.
    fn finish<'a>(&'a self, answer: Answer<'a>) -> BoxFuture<'a, Result<Finished, String>>;

    /// The document at `/client-metadata.json`.
    fn client_metadata(&self, base: &str) -> serde_json::Value;
}

/// From where and back to where a person is sent.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    pub base: &'a str,
    /// The browser session that must come back.
    pub browser: &'a str,
    pub back: &'a str,
}

/// What was connected.
#[derive(Clone, Debug)]
pub struct Finished {
    pub server: ServerName,
    /// Where the person goes on; `None`: nowhere, it was done for everybody by an administrator.
    pub back: Option<String>,
}

/// What the browser brought back.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub state: Option<&'a str>,
    pub code: Option<&'a str>,
    pub iss: Option<&'a str>,
    pub error: Option<&'a str>,
    /// Of who is signed in there; empty: nobody is.
    pub browser: &'a str,
}

/// The page, and what its forms do.
pub(super) async fn serve(auth: &Auth, world: &dyn World, name: &str, request: &Request) -> Result<Reply, Problem> {
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let snapshot = world.snapshot();
    let Some(person) = auth.person(world, &browser).await? else {
        return Ok(sign_in::to(request.here()));
    };
    let caller = person.caller(snapshot).ok_or_else(Problem::not_found)?;
    let endpoint = EndpointName::new(name)
        .ok()
        .filter(|endpoint| world.rights(&caller).may_enter(endpoint))
        .ok_or_else(Problem::not_found)?;
    let table = snapshot.endpoints.get(&endpoint).ok_or_else(Problem::not_found)?;
    let accounts = world.accounts(&endpoint, &caller).await.map_err(Problem::unavailable)?;
    let is_post = request.parts.method == http::Method::POST;
    let fields = if is_post { form(request)? } else { query(request)? };
    // Only back to where the way of an app began: an open redirect otherwise.
    let on = fields.find("on").filter(|on| on.starts_with("/authorize?"));
    let own = format!("/connect/{endpoint}");
    let own = on.map_or_else(|| own.clone(), |on| with_query(&own, &[("on", on)]));
    let mut problem = None;
    if is_post {
        if !browser.wrote(fields.find("csrf")) {
            return Err(Problem::forbidden("this page is too old: load it again"));
        }
        auth.throttles.consents.take(Arc::clone(&person.user))?;
        let server = fields.find("server").and_then(|name| ServerName::new(name).ok());
        let account = server
            .and_then(|server| accounts.get(&server))
            .ok_or_else(Problem::not_found)?;
        if account.by_redirect {
            let way = Way {
                base: &request.base,
                browser: &browser.key(),
                back: &own,
            };
            match world.begin(&account.server, &person.user, way).await {
                Ok(url) => {
                    let html = pages::connect::onward(&person, &account.server, &url, &own, &browser.csrf());
                    return Ok(reply::page(StatusCode::OK, html, None));
                }
                Err(why) => problem = Some(why),
            }
        } else {
            match world
                .paste(&account.server, &person.user, fields.find("token").unwrap_or_default())
                .await
            {
                Ok(()) => return Ok(reply::see_other(&own)),
                Err(why) => problem = Some(why),
            }
        }
    }
    let status = if problem.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let html = pages::connect::page(&pages::connect::Connect {
        person: &person,
        title: &table.title,
        accounts: &accounts,
        action: &own,
        on,
        problem: problem.as_deref(),
        csrf: &browser.csrf(),
    });
    Ok(reply::page(status, html, None))
}

/// Back from another authorization server, with an answer that counts once and in the browser of who began it. An administrator began
/// at a terminal: who has that address may end it.
pub(super) async fn callback(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let person = auth.person(world, &browser).await?;
    let key = person.map(|_| browser.key()).unwrap_or_default();
    let fields = query(request)?;
    let answer = Answer {
        state: fields.find("state"),
        code: fields.find("code"),
        iss: fields.find("iss"),
        error: fields.find("error"),
        browser: &key,
    };
    let finished = world.finish(answer).await.map_err(Problem::request)?;
    Ok(match finished.back {
        Some(back) => reply::see_other(&back),
        None => reply::page(StatusCode::OK, pages::connect::authorized(&finished.server), None),
    })
}

pub(super) fn client_metadata(world: &dyn World, base: &str) -> Reply {
    reply::json(StatusCode::OK, &world.client_metadata(base))
}

/// Where a person has to go before they can let an app in; `None`: all that is needed is connected.
pub(super) async fn first(
    world: &dyn World,
    endpoint: &EndpointName,
    caller: &Caller,
    request: &Request,
) -> Result<Option<Reply>, Problem> {
    let accounts = world.accounts(endpoint, caller).await.map_err(Problem::unavailable)?;
    if accounts
        .values()
        .all(|account| account.state == AccountState::Connected)
    {
        return Ok(None);
    }
    Ok(Some(reply::see_other(&with_query(
        &format!("/connect/{endpoint}"),
        &[("on", request.here())],
    ))))
}

//! `/authorize`: a client asks for a person's consent (OAuth 2.1 section 4.1.1).
//!
//! Until the client and its redirect URI are known, whatever is wrong is told to the person on a page; from then on it is told
//! to the client, with `iss` (RFC 9207). Nothing is stored before somebody is signed in.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::browser::{Browser, Person};
use crate::auth::client::Client;
use crate::auth::client::redirect::Redirect;
use crate::auth::form::{Form, with_query};
use crate::auth::metadata::{self, OFFLINE, SCOPE};
use crate::auth::pages;
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::reply::{self, Reply};
use crate::auth::request::{Request, World};
use crate::auth::server::{Auth, query};
use crate::auth::{connect, consent, secret, sign_in};
use crate::name::{Caller, EndpointName};
use crate::oauth;
use crate::store::{Expect, Kind};

/// How long a person has to decide.
const PENDING: Duration = Duration::from_secs(10 * 60);

/// Bytes of a `state`, which goes back as it came.
const MAX_STATE: usize = 4096;

/// What a client asks for, checked: the value of a Flow record while its person decides.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Asked {
    pub(super) client: Client,
    /// As the client wrote it.
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    /// S256.
    pub(super) challenge: String,
    pub(super) endpoint: String,
    pub(super) scope: String,
    /// Key of the browser that it was shown in.
    pub(super) browser: String,
    /// Who was signed in there.
    pub(super) user: String,
}

pub(super) async fn begin(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let form = query(request)?;
    let client = client(auth, request, &form).await?;
    let asked_for = form.find("redirect_uri");
    let Some(redirect) = client.redirect(asked_for) else {
        return Err(Problem::request(
            "the app wants its answer sent to an address that it has not registered, so nothing is sent there",
        )
        .with_detail(format!("redirect_uri {asked_for:?} of client {}", client.id)));
    };
    let state = form.find("state");
    let wrong = |problem: &Problem| Ok(refuse(&request.base, &redirect, state, problem));
    let (endpoint, challenge) = match check(world, request, &form) {
        Ok(checked) => checked,
        Err(problem) => return wrong(&problem),
    };
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let Some(person) = auth.person(world, &browser).await? else {
        if form.find("prompt") == Some("none") {
            return wrong(&Problem::new(
                http::StatusCode::BAD_REQUEST,
                "login_required",
                "nobody is signed in",
            ));
        }
        return Ok(sign_in::to(request.here()));
    };
    let asked = Asked {
        redirect_uri: redirect.uri().to_owned(),
        state: state.map(str::to_owned),
        challenge,
        endpoint: endpoint.to_string(),
        scope: scope(form.find("scope")),
        browser: browser.key(),
        user: person.user.to_string(),
        client,
    };
    ask(auth, world, request, &browser, &person, &asked, &redirect).await
}

/// Shows the consent page, and remembers for what.
async fn ask(
    auth: &Auth,
    world: &dyn World,
    request: &Request,
    browser: &Browser,
    person: &Person,
    asked: &Asked,
    redirect: &Redirect,
) -> Result<Reply, Problem> {
    let snapshot = world.snapshot();
    let caller = person.caller(snapshot);
    let entered = EndpointName::new(&asked.endpoint).ok().filter(|endpoint| {
        let may_enter = |caller: &Caller| world.rights(caller).may_enter(endpoint);
        caller.as_ref().is_some_and(may_enter)
    });
    let table = entered.as_ref().and_then(|endpoint| snapshot.endpoints.get(endpoint));
    let (Some(caller), Some(endpoint), Some(table)) = (&caller, &entered, table) else {
        let problem = Problem::forbidden("the person may not use this endpoint");
        problem.log();
        let back = refusal(&request.base, redirect, asked.state.as_deref(), &problem);
        let html = pages::consent::no_access(person, &asked.client.label(redirect), &back, &browser.csrf());
        return Ok(reply::page(http::StatusCode::FORBIDDEN, html, None));
    };
    if let Some(reply) = connect::first(world, endpoint, caller, request).await? {
        return Ok(reply);
    }
    auth.throttles.consents.take(std::sync::Arc::clone(&person.user))?;
    let flow = oauth::random()?;
    let value = record::written(asked)?;
    auth.records
        .put(
            Kind::Flow,
            &flow,
            Expect::Absent,
            &value,
            Some(Timestamp::now() + PENDING),
        )
        .await?;
    let tools = world.tools(endpoint, caller);
    let html = pages::consent::page(&pages::consent::Consent {
        person,
        client: &asked.client.label(redirect),
        redirect,
        endpoint: table,
        tools: &tools,
        durations: &consent::durations(table),
        flow: &flow,
        csrf: &browser.csrf(),
    });
    Ok(reply::page(http::StatusCode::OK, html, Some(redirect.form_action())))
}

async fn client(auth: &Auth, request: &Request, form: &Form) -> Result<Client, Problem> {
    let id = form
        .find("client_id")
        .ok_or_else(|| Problem::request("the app did not say who it is: the address has no `client_id`"))?;
    auth.client(id, request).await?.ok_or_else(|| {
        Problem::new(
            http::StatusCode::BAD_REQUEST,
            "invalid_client",
            "this gateway does not know the app (any more): remove the gateway from the app and add it again",
        )
    })
}

/// What is wrong from here on is the client's to hear.
fn check(world: &dyn World, request: &Request, form: &Form) -> Result<(EndpointName, String), Problem> {
    let status = http::StatusCode::BAD_REQUEST;
    if form.find("response_type") != Some("code") {
        return Err(Problem::new(
            status,
            "unsupported_response_type",
            "`response_type` must be `code`",
        ));
    }
    if form.find("response_mode").is_some_and(|mode| mode != "query") {
        return Err(Problem::request("`response_mode` must be `query`"));
    }
    for (name, code) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
    ] {
        if form.find(name).is_some() {
            return Err(Problem::new(status, code, format!("`{name}` is not supported")));
        }
    }
    if form.find("code_challenge_method") != Some("S256") {
        return Err(Problem::request("PKCE with `code_challenge_method=S256` is required"));
    }
    let challenge = form
        .find("code_challenge")
        .filter(|challenge| secret::is_challenge(challenge))
        .ok_or_else(|| Problem::request("`code_challenge` must be the base64url of a SHA-256"))?;
    if form.find("state").is_some_and(|state| state.len() > MAX_STATE) {
        return Err(Problem::request(format!("`state` is longer than {MAX_STATE} bytes")));
    }
    let endpoint = metadata::endpoint(world.snapshot(), &request.base, form.find("resource")).ok_or_else(|| {
        Problem::new(
            status,
            "invalid_target",
            "`resource` must be the URL of an endpoint of this gateway",
        )
    })?;
    Ok((endpoint, challenge.to_owned()))
}

/// Of what was asked for, what there is.
fn scope(asked: Option<&str>) -> String {
    let offline = asked.is_some_and(|asked| asked.split(' ').any(|scope| scope == OFFLINE));
    if offline {
        format!("{SCOPE} {OFFLINE}")
    } else {
        SCOPE.to_owned()
    }
}

/// An error for the client, by way of the browser.
pub(super) fn refuse(base: &str, redirect: &Redirect, state: Option<&str>, problem: &Problem) -> Reply {
    problem.log();
    reply::see_other(&refusal(base, redirect, state, problem))
}

fn refusal(base: &str, redirect: &Redirect, state: Option<&str>, problem: &Problem) -> String {
    let mut parameters = vec![
        ("error", problem.code()),
        ("error_description", problem.public()),
        ("iss", base),
    ];
    parameters.extend(state.map(|state| ("state", state)));
    with_query(redirect.uri(), &parameters)
}

//! `/consent`: the person has decided.
//!
//! What they decided about is the Flow record that was made when the page was shown: it counts once, in that browser, for that
//! person. An allowed client gets a code; denied or not, the answer carries `state` and `iss`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::authorize::{self, Asked};
use crate::auth::browser::{Browser, Person};
use crate::auth::client::redirect::Redirect;
use crate::auth::client::{REGISTERED, registration};
use crate::auth::form::with_query;
use crate::auth::grant::GrantClient;
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::reply::{self, Reply};
use crate::auth::request::{Request, World};
use crate::auth::secret::Hash;
use crate::auth::server::{Auth, form};
use crate::oauth;
use crate::snapshot::Endpoint;
use crate::store::{Expect, Kind};

/// OAuth 2.1 section 4.1.2: short; clients exchange it at once.
const CODE: Duration = Duration::from_secs(60);

/// What a code stands for: the value of a Code record.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Code {
    Fresh(Box<Promise>),
    /// It was exchanged; who comes with it again ends this grant.
    Spent {
        grant: String,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Promise {
    pub(super) person: Person,
    pub(super) client: GrantClient,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) endpoint: String,
    pub(super) scope: String,
    /// Seconds, as the person chose.
    pub(super) lives: u64,
    pub(super) until: Timestamp,
}

/// Access durations that a person may choose from, shortest first, and which is chosen beforehand.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Durations {
    pub(super) choices: Vec<Duration>,
    pub(super) default: Duration,
}

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// Common ones up to the endpoint's maximum, its default and its maximum.
pub(super) fn durations(endpoint: &Endpoint) -> Durations {
    let max = endpoint.access_max;
    let default = endpoint.access_default.min(max);
    let mut choices: Vec<Duration> = [HOUR, 8 * HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY]
        .into_iter()
        .map(Duration::from_secs)
        .filter(|choice| *choice <= max)
        .chain([default, max])
        .collect();
    choices.sort_unstable();
    choices.dedup();
    Durations { choices, default }
}

pub(super) async fn decide(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let form = form(request)?;
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    if !browser.wrote(form.find("csrf")) {
        return Err(stale());
    }
    let person = auth.person(world, &browser).await?.ok_or_else(stale)?;
    let flow = form.find("flow").ok_or_else(stale)?;
    let record = auth.records.take(Kind::Flow, flow).await?.ok_or_else(stale)?;
    let asked: Asked = serde_json::from_slice(&record.value).map_err(|_| stale())?;
    let is_over = record.expires.is_some_and(|end| end <= Timestamp::now());
    if is_over || asked.browser != browser.key() || asked.user != *person.user {
        return Err(stale());
    }
    let redirect = Redirect::read(&asked.redirect_uri).map_err(Problem::request)?;
    if form.find("decision") != Some("allow") {
        let denied = Problem::forbidden("the person did not allow it");
        return Ok(authorize::refuse(
            &request.base,
            &redirect,
            asked.state.as_deref(),
            &denied,
        ));
    }
    let lives = lives(world, &asked, form.find("duration"))?;
    let code = promise(auth, person, &asked, &redirect, lives).await?;
    let mut parameters = vec![("code", code.as_str()), ("iss", request.base.as_str())];
    parameters.extend(asked.state.as_deref().map(|state| ("state", state)));
    Ok(reply::see_other(&with_query(redirect.uri(), &parameters)))
}

/// One of those that were offered, as the endpoint is configured now.
fn lives(world: &dyn World, asked: &Asked, chosen: Option<&str>) -> Result<Duration, Problem> {
    let table = world
        .snapshot()
        .endpoints
        .get(asked.endpoint.as_str())
        .ok_or_else(stale)?;
    let chosen = chosen.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    chosen
        .filter(|chosen| durations(table).choices.contains(chosen))
        .ok_or_else(|| Problem::request("choose one of the durations that are offered"))
}

async fn promise(
    auth: &Auth,
    person: Person,
    asked: &Asked,
    redirect: &Redirect,
    lives: Duration,
) -> Result<String, Problem> {
    let now = Timestamp::now();
    // A registered client that was let in once may come again without registering anew.
    if asked.client.id.starts_with(REGISTERED) {
        auth.keep_client(&asked.client, Expect::Any, now + registration::USED)
            .await?;
    }
    let code = format!("mcpgw_code_{}", oauth::random()?);
    let promise = Promise {
        client: asked.client.label(redirect),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        endpoint: asked.endpoint.clone(),
        scope: asked.scope.clone(),
        lives: lives.as_secs(),
        until: now + CODE,
        person,
    };
    let value = record::written(&Code::Fresh(Box::new(promise)))?;
    auth.records
        .put(
            Kind::Code,
            &Hash::of(&code).key(),
            Expect::Absent,
            &value,
            Some(now + CODE),
        )
        .await?;
    Ok(code)
}

/// The form is not one that this browser was shown for this person, or it is too old, or was sent before.
fn stale() -> Problem {
    Problem::forbidden("this page is too old, or was answered already: go back to the app and connect again")
}

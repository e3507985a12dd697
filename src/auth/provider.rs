//! `/sign-in/provider` and `/sign-in/callback`: to the identity provider and back.
//!
//! What is remembered on the way is one Flow record under the hash of `state`, bound to the browser, taken once, gone after ten
//! minutes. Who comes back without it, or with that of another browser, is signed in nowhere.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::account::{self, Account};
use crate::auth::audit;
use crate::auth::browser::{Browser, Person, Source};
use crate::auth::oidc::{NotSignedIn, Pending, Returned};
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::reply::{self, Reply};
use crate::auth::request::{Request, World};
use crate::auth::secret::Hash;
use crate::auth::server::{Auth, query};
use crate::auth::sign_in::{self, local_path};
use crate::auth::throttle::neighbourhood;
use crate::store::{Expect, Kind};

const FLOW: Duration = Duration::from_secs(10 * 60);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Flow {
    /// [`Browser::key`].
    browser: String,
    /// A path of ours.
    to: String,
    sign_in: Pending,
}

pub(super) async fn begin(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let provider = world.provider().ok_or_else(Problem::not_found)?;
    auth.throttles.sign_ins.take(neighbourhood(request.address))?;
    let form = query(request)?;
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let begun = provider.begin(&request.base).await.map_err(problem)?;
    let flow = Flow {
        browser: browser.key(),
        to: local_path(form.find("to")).to_owned(),
        sign_in: begun.pending,
    };
    let value = record::written(&flow)?;
    let (key, until) = (Hash::of(&begun.state).key(), Timestamp::now() + FLOW);
    auth.records
        .put(Kind::Flow, &key, Expect::Absent, &value, Some(until))
        .await?;
    Ok(reply::with_cookie(
        reply::see_other(&begun.url),
        browser.cookie(&request.base),
    ))
}

pub(super) async fn finish(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let provider = world.provider().ok_or_else(Problem::not_found)?;
    let form = query(request)?;
    let over = || Problem::forbidden("This sign-in is over, or was begun in another browser. Please begin again.");
    let state = form.find("state").ok_or_else(over)?;
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let flow = auth.records.take(Kind::Flow, &Hash::of(state).key()).await?;
    let flow: Flow = flow
        .and_then(|record| serde_json::from_slice(&record.value).ok())
        .ok_or_else(over)?;
    if flow.browser != browser.key() {
        return Err(over().with_detail("the browser that came back is not the one that was sent"));
    }
    let returned = Returned {
        code: form.find("code"),
        error: form.find("error"),
        iss: form.find("iss"),
    };
    let finished = provider.finish(world.snapshot(), &flow.sign_in, returned).await;
    let issuer = &provider.table().issuer;
    let signed_in = match finished {
        Ok(signed_in) => signed_in,
        Err(refused) => {
            audit::after(world, audit::sign_in("", issuer, request.address, "failed")).await;
            return Err(problem(refused));
        }
    };
    auth.throttles.sign_ins.give_back(&neighbourhood(request.address));
    let now = Timestamp::now();
    let account = Account::of(issuer, &signed_in, now);
    let until = Account::until(provider.table(), now);
    account::keep(&*auth.records, &signed_in.user, &account, Expect::Any, until).await?;
    let person = Person {
        user: signed_in.user,
        groups: signed_in.groups,
        source: Source::Provider(issuer.clone()),
        since: now,
    };
    sign_in::complete(auth, world, request, &person, &flow.to).await
}

fn problem(not: NotSignedIn) -> Problem {
    match not {
        NotSignedIn::Refused { public, detail } => Problem::forbidden(public).with_detail(detail),
        NotSignedIn::Unavailable(detail) => Problem::unavailable(format!("the identity provider: {detail}")),
    }
}

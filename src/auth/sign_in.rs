//! `/sign-in` and `/sign-out`: local accounts by password; the identity provider by a link.
//!
//! A password is looked at only after the account and the address have been let through their throttles. The answer to a wrong
//! one, and how long it takes, is that to a name that does not exist. A sign-in makes a new cookie.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use crate::auth::audit;
use crate::auth::browser::{Browser, Person, Source, local_accounts_count};
use crate::auth::form::with_query;
use crate::auth::pages;
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::reply::{self, Reply};
use crate::auth::request::{Request, World};
use crate::auth::server::{Auth, form, query};
use crate::auth::throttle::neighbourhood;
use crate::name::UserName;
use crate::snapshot::Snapshot;
use crate::store::{Expect, Kind};
use crate::text::safe;

/// How long a person stays signed in at a browser.
pub(super) const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// Bytes of a path to return to: an authorization request fits.
const MAX_PATH: usize = 8 << 10;

/// On to the sign-in page, and back to this path afterwards.
pub(super) fn to(path: &str) -> Reply {
    reply::see_other(&with_query("/sign-in", &[("to", path)]))
}

/// A path of ours: never another site, whatever was asked for.
pub(super) fn local_path(to: Option<&str>) -> &str {
    to.filter(|path| {
        let visible = path.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
        path.len() <= MAX_PATH && path.starts_with('/') && !path.starts_with("//") && visible
    })
    .unwrap_or("/")
}

pub(super) async fn show(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let form = query(request)?;
    let to = local_path(form.find("to"));
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    if auth.person(world, &browser).await?.is_some() {
        return Ok(reply::see_other(to));
    }
    Ok(page(world.snapshot(), request, &browser, to, StatusCode::OK, None))
}

pub(super) async fn try_password(auth: &Auth, world: &dyn World, request: &Request) -> Result<Reply, Problem> {
    let snapshot = world.snapshot();
    let form = form(request)?;
    let to = local_path(form.find("to"));
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    let again = |status, error: &str| Ok(page(snapshot, request, &browser, to, status, Some(error)));
    if !browser.wrote(form.find("csrf")) {
        return again(
            StatusCode::FORBIDDEN,
            "This page was open for too long. Please sign in again.",
        );
    }
    if !accepts_passwords(snapshot) {
        return Err(Problem::not_found());
    }
    let name = form.find("user").unwrap_or_default().trim().to_ascii_lowercase();
    // What is no name is nobody's: it is tried all the same, under one key for all.
    let key = UserName::new(&name).map_or_else(|_| String::new(), |name| name.to_string());
    let neighbours = neighbourhood(request.address);
    let taken = auth
        .throttles
        .sign_ins
        .take(neighbours)
        .and_then(|()| auth.throttles.accounts.take(key.clone()));
    if let Err(wait) = taken {
        audit::after(world, audit::sign_in(&key, "local", request.address, "throttled")).await;
        let text = format!(
            "Too many attempts. Please try again in {}.",
            pages::words::seconds(wait.seconds())
        );
        let page = page(
            snapshot,
            request,
            &browser,
            to,
            StatusCode::TOO_MANY_REQUESTS,
            Some(&text),
        );
        return Ok(reply::retry_after(page, wait.seconds()));
    }
    let password = form.find("password").unwrap_or_default();
    if !auth.passwords.verify(snapshot, &key, password).await? {
        audit::after(world, audit::sign_in(&key, "local", request.address, "failed")).await;
        return again(StatusCode::FORBIDDEN, "This name and password do not fit together.");
    }
    auth.throttles.sign_ins.give_back(&neighbours);
    auth.throttles.accounts.give_back(&key);
    let person = Person {
        user: key.as_str().into(),
        groups: std::collections::BTreeSet::new(),
        source: Source::Local,
        since: Timestamp::now(),
    };
    complete(auth, world, request, &person, to).await
}

/// The person is who they are: from now on this browser is theirs.
pub(super) async fn complete(
    auth: &Auth,
    world: &dyn World,
    request: &Request,
    person: &Person,
    to: &str,
) -> Result<Reply, Problem> {
    if !auth.admits(world, person) {
        let held = audit::sign_in(&person.user, person.source.word(), request.address, "held");
        audit::after(world, held).await;
        return Err(
            Problem::forbidden("this account may not sign in now").with_detail(format!(
                "`user:{}` is held, or may not sign in any more",
                safe(&person.user)
            )),
        );
    }
    let old = Browser::of(&request.parts.headers, &request.base)?;
    auth.records.remove(Kind::Session, &old.key(), Expect::Any).await?;
    let browser = Browser::fresh()?;
    let signed_in = audit::sign_in(&person.user, person.source.word(), request.address, "ok");
    audit::before(world, signed_in).await?;
    let value = record::written(person)?;
    auth.records
        .put(
            Kind::Session,
            &browser.key(),
            Expect::Absent,
            &value,
            Some(Timestamp::now() + SESSION),
        )
        .await?;
    Ok(reply::with_cookie(
        reply::see_other(local_path(Some(to))),
        browser.cookie(&request.base),
    ))
}

pub(super) async fn out(auth: &Auth, request: &Request) -> Result<Reply, Problem> {
    let form = form(request)?;
    let browser = Browser::of(&request.parts.headers, &request.base)?;
    if browser.wrote(form.find("csrf")) {
        auth.records.remove(Kind::Session, &browser.key(), Expect::Any).await?;
    }
    Ok(reply::see_other("/sign-in"))
}

/// Local accounts sign in where there are any, and no provider alone says who is who.
fn accepts_passwords(snapshot: &Snapshot) -> bool {
    !snapshot.users.is_empty() && local_accounts_count(snapshot)
}

fn page(
    snapshot: &Snapshot,
    request: &Request,
    browser: &Browser,
    to: &str,
    status: StatusCode,
    error: Option<&str>,
) -> Reply {
    let html = pages::sign_in::page(&pages::sign_in::SignIn {
        csrf: &browser.csrf(),
        to,
        by_password: accepts_passwords(snapshot),
        by_provider: snapshot.login.as_ref().is_some_and(|login| login.oidc.is_some()),
        error,
    });
    reply::with_cookie(reply::page(status, html, None), browser.cookie(&request.base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site_after_signing_in() {
        assert_eq!(local_path(Some("/authorize?a=b")), "/authorize?a=b");
        for bad in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "",
            "/a b",
            "/a\nb",
        ] {
            assert_eq!(local_path(Some(bad)), "/", "{bad}");
        }
    }
}

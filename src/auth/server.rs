//! The server itself: what outlives generations, and which route goes where.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, ORIGIN};
use http::{HeaderValue, Method, Response, StatusCode};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::auth::browser::{Browser, Person, Source};
use crate::auth::client::document::Documents;
use crate::auth::client::registration;
use crate::auth::grant::{Access, Grant};
use crate::auth::grants::{Grants, Known};
use crate::auth::holds::Held;
use crate::auth::password::Passwords;
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::reply::Reply;
use crate::auth::request::{Request, World};
use crate::auth::route::Route;
use crate::auth::throttle::Throttle;
use crate::auth::{
    account, audit, authorize, connect, consent, home, metadata, pages, provider, revoke, secret, sign_in, token,
};
use crate::fetch::Fetch;
use crate::name::EndpointName;
use crate::snapshot::Snapshot;
use crate::store::{Kind, Mirror, Records, Touched};

/// Everything of the authorization server that outlives a generation.
#[derive(Debug)]
pub struct Auth {
    pub(super) records: Arc<dyn Records>,
    pub(super) documents: Documents,
    pub(super) grants: Grants,
    pub(super) held: Held,
    pub(super) passwords: Passwords,
    pub(super) throttles: Throttles,
}

/// Whose access may be another one than before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whose {
    Everybodys,
    /// That of these grants alone, by id.
    Grants(HashSet<String>),
}

/// What strangers may ask for, and how often.
#[derive(Debug)]
pub(super) struct Throttles {
    pub(super) registrations: Throttle<std::net::IpAddr>,
    pub(super) all_registrations: Throttle<()>,
    /// Documents of clients that are fetched.
    pub(super) documents: Throttle<std::net::IpAddr>,
    /// By the name that is tried, whether there is such an account or not.
    pub(super) accounts: Throttle<String>,
    pub(super) sign_ins: Throttle<std::net::IpAddr>,
    pub(super) tokens: Throttle<std::net::IpAddr>,
    /// Of one signed-in person.
    pub(super) consents: Throttle<Arc<str>>,
}

impl Default for Throttles {
    fn default() -> Self {
        Self {
            registrations: Throttle::new(20, Duration::from_secs(30)),
            all_registrations: Throttle::new(200, Duration::from_secs(1)),
            documents: Throttle::new(20, Duration::from_secs(5)),
            accounts: Throttle::new(10, Duration::from_secs(60)),
            sign_ins: Throttle::new(30, Duration::from_secs(10)),
            tokens: Throttle::new(120, Duration::from_millis(500)),
            consents: Throttle::new(60, Duration::from_secs(2)),
        }
    }
}

/// Why a token does not count; for the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// It is none of ours, has expired, was revoked, or is for another endpoint.
    Invalid(&'static str),
    /// The store has not been heard of: nothing can be said of the token.
    Unknown,
}

impl Auth {
    pub fn new(records: Arc<dyn Records>, mirror: Arc<Mirror>, fetch: Fetch) -> Arc<Self> {
        Arc::new(Self {
            documents: Documents::new(fetch),
            grants: Grants::new(Arc::clone(&records), Arc::clone(&mirror)),
            held: Held::new(mirror),
            records,
            passwords: Passwords::default(),
            throttles: Throttles::default(),
        })
    }

    /// Answers a request for `route`; never fails.
    pub async fn answer(&self, world: &dyn World, route: &Route, request: &Request) -> Reply {
        let method = &request.parts.method;
        if *method == Method::OPTIONS && route.is_for_programs() {
            return preflight();
        }
        if !route.allows(method) {
            return not_allowed(route);
        }
        let outcome = self.dispatch(world, route, request).await;
        outcome.unwrap_or_else(|problem| {
            if route.is_for_programs() {
                problem.into_json()
            } else {
                problem.into_page()
            }
        })
    }

    async fn dispatch(&self, world: &dyn World, route: &Route, request: &Request) -> Result<Reply, Problem> {
        let is_post = request.parts.method == Method::POST;
        if !route.is_for_programs() && is_post && !is_own(request) {
            return Err(Problem::forbidden("this form was sent from another site"));
        }
        match route {
            Route::Asset(file) => pages::asset(file).ok_or_else(Problem::not_found),
            Route::Authorize => authorize::begin(self, world, request).await,
            Route::Consent => consent::decide(self, world, request).await,
            Route::Home => home::show(self, world, request).await,
            Route::Register => registration::register(self, request).await,
            Route::ResourceMetadata(endpoint) => {
                metadata::resource(world.snapshot(), &request.base, endpoint.as_deref())
            }
            Route::Revoke => revoke::revoke(self, world, request).await,
            Route::RevokeGrant => home::revoke(self, world, request).await,
            Route::ServerMetadata => Ok(metadata::server(&request.base)),
            Route::SignIn if is_post => sign_in::try_password(self, world, request).await,
            Route::SignIn => sign_in::show(self, world, request).await,
            Route::SignInCallback => provider::finish(self, world, request).await,
            Route::SignInProvider => provider::begin(self, world, request).await,
            Route::SignOut => sign_in::out(self, request).await,
            Route::Token => token::exchange(self, world, request).await,
            Route::ClientMetadata => Ok(connect::client_metadata(world, &request.base)),
            Route::Connect(endpoint) => connect::serve(self, world, endpoint, request).await,
            Route::ConnectCallback => connect::callback(self, world, request).await,
        }
    }

    /// What an access token proves, from memory.
    pub async fn access(
        &self,
        snapshot: &Snapshot,
        token: &str,
        endpoint: Option<&EndpointName>,
    ) -> Result<Access, Refused> {
        let token = secret::read(secret::ACCESS, token).ok_or(Refused::Invalid("it is no token of this gateway"))?;
        if !self.grants.is_current() {
            return Err(Refused::Unknown);
        }
        let now = Timestamp::now();
        let mut known = self.grants.known(token.grant);
        if known
            .as_ref()
            .is_none_or(|known| !known.grant.has_access(&token.hash, now))
        {
            // Given out by another replica a moment ago, maybe: the news of it is on its way.
            known = self.grants.fetch(token.grant).await.map_err(|_| Refused::Unknown)?;
        }
        let known = known.ok_or(Refused::Invalid("its grant is revoked, or has ended"))?;
        if !known.grant.has_access(&token.hash, now) {
            return Err(Refused::Invalid("it has expired"));
        }
        if endpoint.is_none_or(|endpoint| endpoint.as_str() != known.grant.endpoint) {
            return Err(Refused::Invalid("it is for another endpoint"));
        }
        if known.grant.is_newest(&token.hash) {
            known.arrived.store(true, Ordering::Relaxed);
        }
        access_of(&known, snapshot, now).ok_or(Refused::Invalid("its grant has ended, or its person may not sign in"))
    }

    /// What a grant that was looked up before still gives; `None` once it is gone.
    pub fn still(&self, snapshot: &Snapshot, grant: &str) -> Option<Access> {
        let known = self.grants.known(grant).filter(|_| self.grants.is_current())?;
        access_of(&known, snapshot, Timestamp::now())
    }

    /// Cancelled when the grant is gone.
    pub fn gone(&self, grant: &str) -> Option<CancellationToken> {
        Some(self.grants.known(grant)?.gone.clone())
    }

    /// Ticks when grants have changed.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.grants.watch()
    }

    /// To be called when the store's mirror has changed: whose access may be another one since the last time. What runs under grants that are
    /// gone is cut off.
    pub fn follow(&self) -> Whose {
        match self.grants.follow() {
            Touched::All => Whose::Everybodys,
            Touched::Grants(ids) => Whose::Grants(ids),
        }
    }

    /// To be called now and then: grants end by the clock too, and nothing in the store changes then.
    pub fn forget_ended(&self) {
        self.grants.forget_gone();
    }

    /// How many grants there are.
    pub fn count(&self) -> usize {
        self.grants.count()
    }

    /// All grants that have not ended, by person.
    pub async fn list(&self) -> Result<Vec<Grant>, String> {
        self.grants.list().await.map_err(|problem| problem.public().to_owned())
    }

    /// Ends a grant for an administrator; `false` where there is none of this id.
    pub async fn end(&self, world: &dyn World, grant: &Grant, by: &str) -> Result<bool, String> {
        let ended = self.grants.remove(&grant.id).await;
        let ended = ended.map_err(|problem| {
            problem.log();
            problem.public().to_owned()
        })?;
        if ended {
            audit::after(world, audit::grant("grant-revoked", grant, by)).await;
        }
        Ok(ended)
    }

    /// Who is signed in at this browser, if the person still may.
    pub(super) async fn person(&self, world: &dyn World, browser: &Browser) -> Result<Option<Person>, Problem> {
        let Some(record) = self.records.find(Kind::Session, &browser.key()).await? else {
            return Ok(None);
        };
        let mut person: Person = record::read(&record, "a session")?;
        if let Source::Provider(issuer) = &person.source {
            // As the provider said last, not as it was at sign-in.
            match account::find(&*self.records, &person.user).await? {
                Some((account, _)) if account.issuer == *issuer => person.groups = account.groups,
                _ => return Ok(None),
            }
        }
        Ok(self.admits(world, &person).then_some(person))
    }
}

impl Auth {
    /// Is the person of somebody, and not held? Where nobody can say what is held, nobody is let in.
    pub(super) fn admits(&self, world: &dyn World, person: &Person) -> bool {
        let caller = person.caller(world.snapshot());
        caller.is_some_and(|caller| self.knows_holds() && !world.is_held(&caller))
    }
}

fn access_of(known: &Known, snapshot: &Snapshot, now: Timestamp) -> Option<Access> {
    let grant = &known.grant;
    let until = grant.end(snapshot).filter(|until| *until > now)?;
    Some(Access {
        caller: grant.caller(snapshot)?,
        endpoint: EndpointName::new(&grant.endpoint).ok()?,
        client: grant.client.name.as_str().into(),
        grant: grant.id.as_str().into(),
        until,
    })
}

/// Did one of our own pages send this form? Browsers say where a form comes from; what is no browser says nothing.
fn is_own(request: &Request) -> bool {
    let mut origins = request.parts.headers.get_all(ORIGIN).iter();
    let first = origins.next();
    origins.next().is_none() && first.is_none_or(|origin| origin.as_bytes() == request.base.as_bytes())
}

/// The gate adds who may read it.
fn preflight() -> Reply {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let headers = reply.headers_mut();
    headers.insert(
        http::header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        http::header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Authorization, Content-Type, Accept, MCP-Protocol-Version"),
    );
    headers.insert(http::header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    reply
}

fn not_allowed(route: &Route) -> Reply {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request",
        format!("this address answers {}", route.allow()),
    );
    let mut reply = if route.is_for_programs() {
        problem.into_json()
    } else {
        problem.into_page()
    };
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(route.allow()));
    reply
}

/// A form of a page or of a program: the only kind of body there is but for `/register`.
pub(super) fn form(request: &Request) -> Result<crate::auth::form::Form, Problem> {
    let is_form = request
        .parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(Problem::request(
            "send `Content-Type: application/x-www-form-urlencoded`",
        ));
    }
    crate::auth::form::Form::read(&request.body).map_err(|twice| twice.problem())
}

pub(super) fn query(request: &Request) -> Result<crate::auth::form::Form, Problem> {
    let query = request.parts.uri.query().unwrap_or_default();
    crate::auth::form::Form::read(query.as_bytes()).map_err(|twice| twice.problem())
}

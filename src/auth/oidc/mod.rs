//! Signing in at an identity provider (`[login.oidc]`): OpenID Connect Core 1.0, code flow with PKCE, state and nonce.
//!
//! [`Provider::begin`] says where to send the browser and what to remember; [`Provider::finish`] turns what it comes back with
//! into a [`SignedIn`], whose every claim the provider has signed or told over TLS; [`Provider::ask_again`] is for `recheck`. What is
//! remembered is the caller's to keep, bound to the browser and used once. All requests go through the guarded client.

mod exchange;
mod person;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub use exchange::Again;
pub use person::SignedIn;

use crate::auth::discovery::{self, Metadata};
use crate::auth::form::with_query;
use crate::auth::jwks::{KeySource, Place};
use crate::fetch::Fetch;
use crate::oauth;
use crate::snapshot::{Oidc, Snapshot};

/// What a provider says of itself is read anew after this.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// One `[login.oidc]`. Kept across generations that have the same.
pub struct Provider {
    table: Oidc,
    secret: Option<ClientSecret>,
    fetch: Fetch,
    keys: Arc<KeySource>,
    metadata: Mutex<Option<(Instant, Arc<Metadata>)>>,
    /// It did not answer when it was asked again; told once.
    silent: AtomicBool,
}

/// Printed, it says `(secret)`.
#[derive(Clone, Eq, PartialEq)]
pub struct ClientSecret(Arc<str>);

/// What to remember of a sign-in that has begun, until the browser comes back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pending {
    issuer: String,
    redirect_uri: String,
    nonce: String,
    verifier: String,
}

/// A sign-in that has begun.
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// It comes back with this; nobody else knows it.
    pub state: String,
    pub pending: Pending,
}

/// What the browser came back with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Returned<'a> {
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    /// RFC 9207.
    pub iss: Option<&'a str>,
}

/// Why nobody is signed in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotSignedIn {
    /// The provider, or what the configuration asks of people, says no: `public` is for the person, the other for the log.
    Refused { public: String, detail: String },
    /// The provider cannot be reached, or does not answer as it should.
    Unavailable(String),
}

impl Provider {
    /// `old`: goes on where it is of the same table and secret.
    pub fn new(table: &Oidc, secret: Option<ClientSecret>, fetch: &Fetch, old: Option<&Arc<Self>>) -> Arc<Self> {
        if let Some(old) = old.filter(|old| old.table == *table && old.secret == secret) {
            return Arc::clone(old);
        }
        Arc::new(Self {
            keys: KeySource::new(&table.issuer, Place::Discovered, fetch.clone()),
            table: table.clone(),
            secret,
            fetch: fetch.clone(),
            metadata: Mutex::default(),
            silent: AtomicBool::new(false),
        })
    }

    pub fn table(&self) -> &Oidc {
        &self.table
    }

    /// `base`: under which URL the browser sees us.
    pub async fn begin(&self, base: &str) -> Result<Begun, NotSignedIn> {
        let random = || oauth::random().map_err(|error| NotSignedIn::Unavailable(error.to_string()));
        let metadata = self.metadata().await?;
        let endpoint = metadata.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| lacks("authorization_endpoint"))?;
        if !oauth::is_safe_page(endpoint) {
            return Err(lacks("https `authorization_endpoint`"));
        }
        let (state, pending) = (
            random()?,
            Pending {
                issuer: self.table.issuer.clone(),
                redirect_uri: format!("{base}/sign-in/callback"),
                nonce: random()?,
                verifier: random()?,
            },
        );
        let challenge = oauth::challenge(&pending.verifier);
        let url = with_query(
            endpoint,
            &[
                ("response_type", "code"),
                ("client_id", &self.table.client_id),
                ("redirect_uri", &pending.redirect_uri),
                ("scope", &self.table.scopes.join(" ")),
                ("state", &state),
                ("nonce", &pending.nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        );
        Ok(Begun { url, state, pending })
    }

    /// `pending` must be of the very browser, and be forgotten before this is called.
    pub async fn finish(
        &self,
        snapshot: &Snapshot,
        pending: &Pending,
        returned: Returned<'_>,
    ) -> Result<SignedIn, NotSignedIn> {
        let metadata = self.metadata().await?;
        self.is_of_this_provider(&metadata, pending, returned.iss)?;
        if let Some(error) = returned.error {
            let error = crate::text::safe(error).into_owned();
            return Err(refused(
                "The identity provider did not sign you in.",
                format!("the provider answers with the error `{error}`"),
            ));
        }
        let code = returned.code.ok_or_else(|| {
            refused(
                "The identity provider did not sign you in.",
                "the answer of the provider has neither `code` nor `error`",
            )
        })?;
        let tokens = self.exchange_code(&metadata, code, pending).await?;
        self.signed_in(snapshot, &metadata, &tokens, Some(&pending.nonce), None)
            .await
    }

    /// It could not be asked again.
    pub(super) fn is_silent(&self, why: &str) {
        if !self.silent.swap(true, Ordering::Relaxed) {
            let why = &*crate::text::safe(why);
            tracing::warn!(
                why,
                "the identity provider cannot be asked again about who is signed in"
            );
        }
    }

    pub(super) fn is_heard(&self) {
        if self.silent.swap(false, Ordering::Relaxed) {
            tracing::info!("the identity provider answers again");
        }
    }

    /// RFC 9207: an answer of another provider must not be taken for one of this (mix-up).
    fn is_of_this_provider(
        &self,
        metadata: &Metadata,
        pending: &Pending,
        iss: Option<&str>,
    ) -> Result<(), NotSignedIn> {
        let told = match iss {
            Some(iss) => iss == self.table.issuer,
            None => !metadata.authorization_response_iss_parameter_supported,
        };
        if told && pending.issuer == self.table.issuer {
            return Ok(());
        }
        Err(refused(
            "The answer came from another identity provider. Please sign in again.",
            "`iss` of the answer is not the provider that was asked",
        ))
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, NotSignedIn> {
        let lock = || self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().clone();
        if let Some((since, metadata)) = &known
            && since.elapsed() < FRESH
        {
            return Ok(Arc::clone(metadata));
        }
        match discovery::discover(&self.fetch, &self.table.issuer).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *lock() = Some((Instant::now(), Arc::clone(&metadata)));
                Ok(metadata)
            }
            // Addresses hardly change: what was known is as good as it was.
            Err(problem) => match known {
                Some((_, metadata)) => Ok(metadata),
                None => Err(NotSignedIn::Unavailable(problem)),
            },
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("issuer", &self.table.issuer)
            .finish_non_exhaustive()
    }
}

impl ClientSecret {
    pub fn new(value: &str) -> Self {
        Self(value.into())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

fn refused(public: &str, detail: impl Into<String>) -> NotSignedIn {
    NotSignedIn::Refused {
        public: public.to_owned(),
        detail: detail.into(),
    }
}

fn lacks(what: &str) -> NotSignedIn {
    NotSignedIn::Unavailable(format!("the provider's metadata has no {what}"))
}

//! One exchange: judged, sent, read within bounds.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::form_urlencoded;

use crate::fetch::connect::{Resolver, with_resolver};
use crate::fetch::error::{FetchError, FetchErrorKind};
use crate::fetch::policy::{Admitted, Policy, Reach};

/// Fetches at a time, of the whole gateway.
const AT_ONCE: usize = 64;

/// Cheap to clone. No connection is kept: fetches are rare, and each one is resolved and judged anew.
#[derive(Clone)]
pub struct Fetch {
    roots: Arc<RootCertStore>,
    resolver: Arc<dyn Fn(Reach) -> Resolver + Send + Sync>,
    room: Arc<Semaphore>,
}

impl Fetch {
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        Self {
            roots,
            resolver: Arc::new(Resolver::new),
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    #[cfg(test)]
    pub(super) fn with_resolver(mut self, resolver: impl Fn(Reach) -> Resolver + Send + Sync + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// GET of a JSON document. Any answer but 200 is an error.
    pub async fn json<T: DeserializeOwned>(&self, url: &str, policy: &Policy) -> Result<T, FetchError> {
        let response = self.get(url, policy).await?;
        serde_json::from_slice(response.body())
            .map_err(|error| FetchError::new(FetchErrorKind::NotJson, url, format!("not the JSON expected: {error}")))
    }

    /// GET of a document; for who needs its headers too. Any answer but 200 is an error.
    pub async fn get(&self, url: &str, policy: &Policy) -> Result<Response<Bytes>, FetchError> {
        let mut request = Request::new(Bytes::new());
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        let response = self.within(url, policy, request).await?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status => Err(FetchError::new(
                FetchErrorKind::Status(status.as_u16()),
                url,
                format!("HTTP {status}"),
            )),
        }
    }

    /// POST of a form, such as to a token endpoint; the answer of any status is returned. `headers` may hold a credential
    /// for this very address: no redirect is followed.
    pub async fn form(
        &self,
        url: &str,
        fields: &[(&str, &str)],
        headers: HeaderMap,
        policy: &Policy,
    ) -> Result<Response<Bytes>, FetchError> {
        // The serializer is not `Sync`: it must be gone before anything is awaited.
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let content = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.post(url, form.into(), content, headers, policy).await
    }

    /// POST of a JSON body; see [`Fetch::form`].
    pub async fn post(
        &self,
        url: &str,
        body: Bytes,
        content: HeaderValue,
        headers: HeaderMap,
        policy: &Policy,
    ) -> Result<Response<Bytes>, FetchError> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        let own = request.headers_mut();
        own.insert(CONTENT_TYPE, content);
        own.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.within(url, policy, request).await
    }

    /// For crates that bring their own requests (`oauth2`, `openidconnect`): `|request| fetch.exchange(request, &policy)` is their
    /// HTTP client. The answer of any status is returned; no redirect is followed.
    pub async fn exchange(&self, request: Request<Vec<u8>>, policy: &Policy) -> Result<Response<Vec<u8>>, FetchError> {
        let url = request.uri().to_string();
        let policy = Policy {
            redirects: 0,
            ..policy.clone()
        };
        let response = self.within(&url, &policy, request.map(Bytes::from)).await?;
        Ok(response.map(|body| body.to_vec()))
    }

    async fn within(&self, url: &str, policy: &Policy, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let late = |_| FetchError::new(FetchErrorKind::Timeout, url, "no answer in time");
        timeout(policy.timeout, self.follow(url, policy, request))
            .await
            .map_err(late)?
    }

    async fn follow(&self, url: &str, policy: &Policy, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let busy = || FetchError::new(FetchErrorKind::Busy, url, "too many fetches at once");
        let _room = self.room.try_acquire().map_err(|_| busy())?;
        let mut left = if request.method() == Method::GET {
            policy.redirects
        } else {
            0
        };
        let mut admitted = policy.admit(url)?;
        loop {
            let response = self.once(&admitted, policy, request.clone()).await?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let from = admitted.url.as_str();
            let redirect = |why: &str| FetchError::new(FetchErrorKind::Redirect, from, why);
            left = left
                .checked_sub(1)
                .ok_or_else(|| redirect("it redirects, which is not followed"))?;
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| admitted.url.join(to).ok());
            let to = to.ok_or_else(|| redirect("it redirects to no address"))?;
            admitted = policy.admit(to.as_str())?;
        }
    }

    async fn once(
        &self,
        to: &Admitted,
        policy: &Policy,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, FetchError> {
        let url = to.url.as_str();
        let fail = |kind, detail: String| FetchError::new(kind, url, detail);
        *request.uri_mut() = to.uri.clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("mcpgw/", env!("CARGO_PKG_VERSION"))),
        );
        let roots = policy.roots.as_ref().unwrap_or(&self.roots);
        let connector = with_resolver(roots, (self.resolver)(policy.reach))
            .map_err(|error| fail(FetchErrorKind::Unreachable, error))?;
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .http1_max_buf_size(64 << 10)
            .build::<_, Full<Bytes>>(connector);
        let response = client.request(request.map(Full::new)).await.map_err(|error| {
            let (text, refused) = chain(&error);
            let kind = match (refused, error.is_connect()) {
                (true, _) => FetchErrorKind::Private,
                (false, true) => FetchErrorKind::Unreachable,
                (false, false) => FetchErrorKind::Broken,
            };
            fail(kind, text)
        })?;
        let (parts, body) = response.into_parts();
        // A few kilobytes can become gigabytes, and nothing here is worth a decoder.
        if parts
            .headers
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(fail(FetchErrorKind::Encoded, "the answer is compressed".into()));
        }
        let body = Limited::new(body, policy.limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                fail(
                    FetchErrorKind::TooLarge,
                    format!("the answer is over {} bytes", policy.limit),
                )
            } else {
                fail(FetchErrorKind::Broken, format!("the answer broke off: {error}"))
            }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetch")
    }
}

/// For how long an answer says that it may be kept: `max-age` of `Cache-Control`; 0 for `no-store` and `no-cache`.
pub fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut found = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(Duration::ZERO),
                "max-age" => found = value.trim().trim_matches('"').parse().ok().map(Duration::from_secs),
                _ => {}
            }
        }
    }
    found
}

/// An error with its causes, and whether the resolver refused where the name leads.
fn chain(error: &hyper_util::client::legacy::Error) -> (String, bool) {
    let refused = std::iter::successors(error.source(), |&cause| cause.source()).any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied && error.get_ref().is_some())
    });
    (crate::text::causes(error), refused)
}

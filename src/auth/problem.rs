//! Why a request is not done, once for programs (RFC 6749 section 5.2) and once as a page.
//!
//! Two audiences: `public` goes to whoever asked, `detail` to the log only.

use http::StatusCode;
use serde_json::json;

use crate::auth::pages;
use crate::auth::reply::{self, Reply};
use crate::auth::throttle::Wait;
use crate::store::StoreError;

#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// An `error` code of the RFC that the route follows.
    code: &'static str,
    public: String,
    detail: Option<String>,
    /// Seconds.
    wait: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, public: impl Into<String>) -> Self {
        Self {
            status,
            code,
            public: public.into(),
            detail: None,
            wait: None,
        }
    }

    /// 400 `invalid_request`.
    pub(super) fn request(public: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", public)
    }

    /// 400 `invalid_grant`: a code or token that does not count. Never says why, so that nothing is learnt by trying.
    pub(super) fn grant(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "the code or token is not valid (any more): authorize again",
        )
        .with_detail(detail)
    }

    pub(super) fn forbidden(public: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "access_denied", public)
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request",
            "there is nothing at this address",
        )
    }

    pub(super) fn too_many(wait: Wait) -> Self {
        let seconds = wait.seconds();
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "temporarily_unavailable",
            format!("too many attempts: try again in {}", pages::words::seconds(seconds)),
        );
        problem.wait = Some(seconds);
        problem
    }

    /// Nothing is allowed that could not be looked up or written down.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "the gateway cannot do this at the moment: try again in a minute",
        );
        problem.wait = Some(30);
        problem.with_detail(detail)
    }

    #[must_use]
    pub(super) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// For programs.
    pub(super) fn into_json(self) -> Reply {
        self.log();
        let body = json!({ "error": self.code, "error_description": self.public });
        self.finish(reply::json(self.status, &body))
    }

    /// For people.
    pub(super) fn into_page(self) -> Reply {
        self.log();
        let html = pages::error::page(self.status, &self.public);
        self.finish(reply::page(self.status, html, None))
    }

    pub(super) fn log(&self) {
        let (public, detail) = (crate::text::safe(&self.public), self.detail.as_deref());
        if self.status.is_server_error() {
            tracing::error!(code = self.code, %public, detail, "cannot authorize");
        } else {
            tracing::debug!(status = self.status.as_u16(), code = self.code, %public, detail, "not authorized");
        }
    }

    fn finish(&self, reply: Reply) -> Reply {
        match self.wait {
            Some(seconds) => reply::retry_after(reply, seconds),
            None => reply,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error.to_string())
    }
}

/// The system has no randomness to give.
impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<Wait> for Problem {
    fn from(wait: Wait) -> Self {
        Self::too_many(wait)
    }
}

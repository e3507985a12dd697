//! What goes wrong at the gate, and the one place that turns it into a status and a JSON-RPC error.
//!
//! Two audiences: `public` goes to the client, `detail` to the log only.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::gate::body::Body;
use crate::mcp::error::{code, response};

/// A JSON-RPC code of our own, outside of the range that JSON-RPC and MCP reserve: a limit was reached, `Retry-After` says for how long.
const RATE_LIMITED: i64 = 429;

/// A request that ends here.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) status: StatusCode,
    /// JSON-RPC error code.
    pub(super) code: i64,
    /// For the client.
    pub(super) public: String,
    /// For the log, where it says more.
    pub(super) detail: Option<String>,
    /// Raw JSON for `error.data`.
    pub(super) data: Option<Bytes>,
    pub(super) extra: Extra,
}

/// A header that belongs to some statuses.
#[derive(Debug)]
pub(super) enum Extra {
    None,
    Allow(&'static str),
    Challenge(Box<Challenge>),
    RetryAfter(u64),
}

/// `WWW-Authenticate` (RFC 6750 section 3).
#[derive(Debug)]
pub(super) struct Challenge {
    /// An `error` code of the RFC; `None` for the bare challenge.
    problem: Option<&'static str>,
    /// Where a client learns how to get a token (RFC 9728 section 5.1).
    metadata: Option<String>,
}

impl Error {
    pub(super) fn new(status: StatusCode, code: i64, public: impl Into<String>) -> Self {
        Self {
            status,
            code,
            public: public.into(),
            detail: None,
            data: None,
            extra: Extra::None,
        }
    }

    /// The request itself is malformed: 400.
    pub(super) fn bad_request(code: i64, public: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, public)
    }

    /// A well-formed request that asks for something that is not there: 200, as JSON-RPC errors travel unless a status is named.
    pub(super) fn invalid_params(public: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, code::INVALID_PARAMS, public)
    }

    pub(super) fn forbidden(public: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code::INVALID_REQUEST, public)
    }

    pub(super) fn not_found(public: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code::INVALID_REQUEST, public)
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let mut error = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            code::INVALID_REQUEST,
            format!("this resource answers {allow}"),
        );
        error.extra = Extra::Allow(allow);
        error
    }

    /// RFC 6750 section 3: a request without credentials gets the bare challenge, one with bad ones `invalid_token`.
    pub(super) fn unauthorized(problem: Option<&'static str>, public: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::UNAUTHORIZED, code::INVALID_REQUEST, public);
        error.extra = Extra::Challenge(Box::new(Challenge {
            problem,
            metadata: None,
        }));
        error
    }

    pub(super) fn too_many(public: impl Into<String>, retry_after: u64) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED, public);
        error.extra = Extra::RetryAfter(retry_after);
        error
    }

    /// Not the client's fault, and over soon: 503.
    pub(super) fn unavailable(public: impl Into<String>, retry_after: u64) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, code::INTERNAL, public);
        error.extra = Extra::RetryAfter(retry_after);
        error
    }

    pub(super) fn internal(public: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, code::INTERNAL, public)
    }

    /// Tells a client that has no good token where to learn how to get one.
    #[must_use]
    pub(super) fn with_metadata(mut self, url: impl FnOnce() -> String) -> Self {
        if let Extra::Challenge(challenge) = &mut self.extra {
            challenge.metadata = Some(url());
        }
        self
    }

    #[must_use]
    pub(super) fn with_data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = Some(data.into());
        self
    }

    #[must_use]
    pub(super) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The JSON-RPC error message; `id` is the raw id of the request where it was readable.
    pub(super) fn message(&self, id: Option<&[u8]>) -> Bytes {
        response(id, self.code, &self.public, self.data.as_deref())
    }

    pub(super) fn into_response(self, id: Option<&[u8]>) -> Response<Body> {
        tracing::debug!(status = self.status.as_u16(), code = self.code, public = %crate::text::safe(&self.public), detail = self.detail.as_deref(), "refused");
        let mut answer = Response::new(Body::from(self.message(id)));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self.extra {
            Extra::None => {}
            Extra::Allow(allow) => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Extra::Challenge(challenge) => {
                headers.insert(WWW_AUTHENTICATE, challenge.header());
            }
            Extra::RetryAfter(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
        }
        answer
    }
}

impl Challenge {
    fn header(&self) -> HeaderValue {
        let mut text = r#"Bearer realm="mcpgw""#.to_owned();
        if let Some(problem) = self.problem {
            let _infallible = write!(text, r#", error="{problem}""#);
        }
        if let Some(url) = &self.metadata {
            let _infallible = write!(text, r#", resource_metadata="{url}", scope="{}""#, crate::auth::SCOPE);
        }
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

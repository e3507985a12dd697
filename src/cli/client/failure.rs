//! Why the client got no result.

use std::fmt;

use serde_json::Value;

use crate::control::http::HttpError;
use crate::text::safe;

#[derive(Debug)]
pub(in crate::cli) enum ClientError {
    Http(HttpError),
    /// A status without a JSON-RPC error in it.
    Status {
        status: u16,
        body: String,
    },
    /// A JSON-RPC error; its text is safe to print.
    Rpc {
        status: u16,
        code: i64,
        message: String,
    },
    /// What came is not MCP, or not as it should be.
    Protocol(String),
}

impl ClientError {
    pub(super) fn rpc(status: u16, error: &Value) -> Self {
        Self::Rpc {
            status,
            code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
            message: safe(error.get("message").and_then(Value::as_str).unwrap_or_default()).into_owned(),
        }
    }

    /// Whether this answer to a request of 2026-07-28 is what servers of older revisions give. They use many codes, so
    /// it goes by status; what speaks of access, load or the network says nothing of the era.
    pub(super) fn may_be_an_older_server(&self) -> bool {
        match self {
            Self::Http(_) => false,
            Self::Status { status, .. } => matches!(status, 400 | 404 | 405 | 406 | 415),
            Self::Rpc { status, code, .. } => {
                !matches!(status, 401 | 403 | 429 | 500..) && !matches!(code, -32021..=-32020)
            }
            Self::Protocol(_) => true,
        }
    }

    /// `HeaderMismatch`.
    pub(super) fn wants_headers(&self) -> bool {
        matches!(self, Self::Rpc { code: -32020, .. })
    }

    pub(in crate::cli) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } | Self::Rpc { status, .. } => Some(*status),
            Self::Http(_) | Self::Protocol(_) => None,
        }
    }

    pub(in crate::cli) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Http(HttpError::Connect(_)))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Status { status, body } if body.is_empty() => write!(f, "it answered with status {status}"),
            Self::Status { status, body } => write!(f, "it answered with status {status}: {body}"),
            Self::Rpc { code, message, .. } => write!(f, "{message} (code {code})"),
            Self::Protocol(problem) => write!(f, "it does not speak MCP as it should: {problem}"),
        }
    }
}

impl From<HttpError> for ClientError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

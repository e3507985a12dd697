//! Why a body is not a message, and the answer it deserves.

use std::fmt;

use crate::mcp::error::code;
use crate::mcp::json::{JsonError, Span};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EnvelopeError {
    NotJson(JsonError),
    /// An array. Only 2025-03-26 has batches: see [`read_batch`](crate::mcp::envelope::read_batch).
    Batch,
    NotJsonRpc {
        /// The id to answer, where it could be read.
        id: Option<Span>,
        reason: Reason,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    BatchEmpty,
    BatchTooLong,
    Duplicate(&'static str),
    Id,
    Key,
    Kind,
    Lookalike(&'static str),
    Meta,
    Method,
    NotAnArray,
    NotAnObject,
    Params,
    Version,
}

impl EnvelopeError {
    pub fn id(&self) -> Option<Span> {
        match self {
            Self::NotJsonRpc { id, .. } => *id,
            Self::NotJson(_) | Self::Batch => None,
        }
    }

    /// The JSON-RPC error code of the answer.
    pub fn code(&self) -> i64 {
        match self {
            Self::NotJson(_) => code::PARSE,
            Self::Batch | Self::NotJsonRpc { .. } => code::INVALID_REQUEST,
        }
    }
}

impl Reason {
    pub(super) fn without_id(self) -> EnvelopeError {
        EnvelopeError::NotJsonRpc { id: None, reason: self }
    }
}

impl From<JsonError> for EnvelopeError {
    fn from(error: JsonError) -> Self {
        Self::NotJson(error)
    }
}

impl std::error::Error for EnvelopeError {}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(error) => write!(f, "the body is not JSON: {error}"),
            Self::Batch => f.write_str("the body is a JSON-RPC batch, which this protocol version does not have"),
            Self::NotJsonRpc { reason, .. } => write!(f, "the body is not a JSON-RPC message: {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BatchEmpty => f.write_str("an empty batch"),
            Self::BatchTooLong => f.write_str("too many messages in one batch"),
            Self::Duplicate(key) => write!(f, "`{key}` stands there twice"),
            Self::Id => f.write_str("`id` must be a string or an integer"),
            Self::Key => f.write_str("a key is not valid text"),
            Self::Kind => f.write_str("needs exactly one of `method`, `result` and `error`"),
            Self::Lookalike(key) => write!(f, "a key differs from `{key}` in case only"),
            Self::Meta => f.write_str("`_meta` must be an object"),
            Self::Method => f.write_str("`method` must be a string"),
            Self::NotAnArray => f.write_str("a batch must be an array"),
            Self::NotAnObject => f.write_str("a message must be an object"),
            Self::Params => f.write_str("`params` must be an object"),
            Self::Version => f.write_str("`jsonrpc` must be \"2.0\""),
        }
    }
}

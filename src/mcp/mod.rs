//! The protocol's words: versions, methods, the JSON-RPC envelope, headers, SSE. Bytes in, types out, no I/O.
//!
//! A body is scanned once; what must change is spliced into it; all else leaves as the bytes it came in.

pub mod edit;
pub mod envelope;
pub mod error;
pub mod header;
pub mod json;
pub mod method;
pub mod param_headers;
pub mod result;
pub mod sse;
mod version;

pub use edit::{Edits, Pieces};
pub use envelope::{EnvelopeError, Kind, Message, Meta, Params};
pub use json::{Json, JsonError, Member, Span};
pub use method::Method;
pub use param_headers::ParamHeaders;
pub use result::{ResultEditor, ResultRules, Seen};
pub use version::{Era, Version};

//! The protocol's words: versions, methods, the JSON-RPC envelope, headers, SSE. Bytes in, types out, no I/O.

mod json;
mod version;

pub use json::{Json, JsonError};
pub use version::{Era, Version};

//! The protocol's words: versions, methods, the JSON-RPC envelope, headers, SSE. Bytes in, types out, no I/O.

mod version;

pub use version::{Era, Version};

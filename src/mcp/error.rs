//! JSON-RPC answers of the gateway's own: error codes, and the bytes of an error or a result.

use bytes::Bytes;

use crate::mcp::json::write_string;

/// JSON-RPC 2.0 §5.1 and MCP's own. Codes from -32020 on belong to 2026-07-28; see the transport page there.
pub mod code {
    pub const PARSE: i64 = -32700;
    pub const INVALID_REQUEST: i64 = -32600;
    pub const METHOD_NOT_FOUND: i64 = -32601;
    pub const INVALID_PARAMS: i64 = -32602;
    pub const INTERNAL: i64 = -32603;
    /// Legacy only; 2026-07-28 says [`INVALID_PARAMS`].
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    pub const HEADER_MISMATCH: i64 = -32020;
    pub const MISSING_CAPABILITY: i64 = -32021;
    pub const UNSUPPORTED_VERSION: i64 = -32022;
    /// Legacy only: 2025-11-25, the call needs a URL elicitation first.
    pub const URL_ELICITATION_REQUIRED: i64 = -32042;
}

/// An error response. `id` and `data` are raw JSON. Where the request's id could not be read the member is left out:
/// MCP's schema has it optional and never null.
pub fn response(id: Option<&[u8]>, code: i64, message: &str, data: Option<&[u8]>) -> Bytes {
    let mut out = Vec::with_capacity(80 + message.len() + id.map_or(0, <[u8]>::len) + data.map_or(0, <[u8]>::len));
    out.extend_from_slice(br#"{"jsonrpc":"2.0","#);
    if let Some(id) = id {
        out.extend_from_slice(br#""id":"#);
        out.extend_from_slice(id);
        out.push(b',');
    }
    out.extend_from_slice(br#""error":{"code":"#);
    out.extend_from_slice(code.to_string().as_bytes());
    out.extend_from_slice(br#","message":"#);
    write_string(&mut out, message);
    if let Some(data) = data {
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(data);
    }
    out.extend_from_slice(b"}}");
    out.into()
}

/// A result response around a raw JSON object.
pub fn result(id: &[u8], raw_result: &[u8]) -> Bytes {
    [br#"{"jsonrpc":"2.0","id":"#, id, br#","result":"#, raw_result, b"}"]
        .concat()
        .into()
}

#[cfg(test)]
mod tests {
    use crate::mcp::error::{code, response, result};

    #[test]
    fn an_error_names_the_request_it_answers() {
        let bytes = response(
            Some(b"\"a\""),
            code::INVALID_PARAMS,
            "no \"such\" tool",
            Some(b"{\"uri\":\"x\"}"),
        );
        let expected =
            r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"no \"such\" tool","data":{"uri":"x"}}}"#;
        assert_eq!(bytes, expected);
    }

    #[test]
    fn an_error_without_a_readable_id_has_none() {
        let expected = r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"bad"}}"#;
        assert_eq!(response(None, code::PARSE, "bad", None), expected);
    }

    #[test]
    fn a_result_keeps_the_raw_bytes() {
        assert_eq!(
            result(b"1", b"{\"n\":1.0}"),
            r#"{"jsonrpc":"2.0","id":1,"result":{"n":1.0}}"#
        );
    }
}

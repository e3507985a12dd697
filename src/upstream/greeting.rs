//! What a server says of itself, in `server/discover` or `initialize`.

use bytes::Bytes;

use crate::mcp::{Kind, Span, Version, envelope, json};

/// The last revision before those that the gateway speaks; its handshake and messages are those of 2025-03-26.
const OLDEST: &str = "2024-11-05";

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Greeting {
    pub(super) version: Version,
    /// A raw JSON object.
    pub(super) capabilities: Bytes,
    pub(super) instructions: Option<String>,
}

/// A JSON-RPC response, split.
pub(super) enum Response {
    Result {
        message: Bytes,
        result: Span,
    },
    Error {
        code: i64,
        text: String,
        data: Option<Bytes>,
    },
}

impl Response {
    /// `None`: not a response.
    pub(super) fn read(message: &Bytes) -> Option<Self> {
        let Kind::Response { result, error, .. } = envelope::read(message).ok()?.kind else {
            return None;
        };
        if let Some(result) = result {
            return Some(Self::Result {
                message: message.clone(),
                result,
            });
        }
        let error = error?;
        let member = |name: &str| json::find(message, error, name).ok().flatten();
        Some(Self::Error {
            code: member("code")
                .and_then(|span| std::str::from_utf8(span.of(message)).ok()?.parse().ok())
                .unwrap_or(0),
            text: member("message")
                .and_then(|span| json::string(message, span))
                .unwrap_or_default()
                .into_owned(),
            data: member("data").map(|span| message.slice(span.start..span.end)),
        })
    }
}

/// Members of an object that lies at `span` of `message`.
pub(super) fn member(message: &[u8], span: Span, name: &str) -> Option<Span> {
    if message.get(span.start) != Some(&b'{') {
        return None;
    }
    json::find(message, span, name).ok().flatten()
}

impl Greeting {
    /// From the result of `initialize`. `Err` says what is wrong with it.
    pub(super) fn of_initialize(message: &Bytes, result: Span) -> Result<Self, String> {
        let version = member(message, result, "protocolVersion").and_then(|span| json::string(message, span));
        let version = version.ok_or("the answer to `initialize` has no `protocolVersion`")?;
        let version = match Version::parse(&version) {
            Some(version) => version,
            None if version == OLDEST => Version::V2025_03_26,
            None => {
                return Err(format!(
                    "the server wants to speak revision `{version}`, which the gateway does not"
                ));
            }
        };
        Ok(Self::of(message, result, version))
    }

    /// From the result of `server/discover`.
    pub(super) fn of_discover(message: &Bytes, result: Span) -> Self {
        Self::of(message, result, Version::NEWEST)
    }

    /// Of a modern server that was not asked.
    pub(super) fn unasked(version: Version) -> Self {
        Self {
            version,
            capabilities: Bytes::from_static(b"{}"),
            instructions: None,
        }
    }

    fn of(message: &Bytes, result: Span, version: Version) -> Self {
        let capabilities =
            member(message, result, "capabilities").filter(|span| message.get(span.start) == Some(&b'{'));
        let instructions = member(message, result, "instructions").and_then(|span| json::string(message, span));
        Self {
            version,
            capabilities: capabilities.map_or(Bytes::from_static(b"{}"), |span| message.slice(span.start..span.end)),
            instructions: instructions.map(std::borrow::Cow::into_owned),
        }
    }

    /// Is `capabilities.NAME` there?
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Is `capabilities.NAME.FLAG` true?
    pub(super) fn flag(&self, name: &str, flag: &str) -> bool {
        let span = self.find(name).and_then(|span| member(&self.capabilities, span, flag));
        span.is_some_and(|span| span.of(&self.capabilities) == b"true")
    }

    fn find(&self, name: &str) -> Option<Span> {
        let whole = Span {
            start: 0,
            end: self.capabilities.len(),
        };
        member(&self.capabilities, whole, name)
    }
}

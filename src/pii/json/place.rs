//! What stands where in a message: what is text, and what must reach the other side as it is.
//!
//! An address, a name or a token that the protocol needs is left alone, in the protocol's own places only: `uri` of a resource is
//! kept, `uri` among the arguments of a tool is text like everything else there. What no rule names is text.

/// Where in a message a value stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// The whole message, or one of a batch.
    Message,
    Params,
    Result,
    /// What is listed and asked for by its name: tools, prompts.
    Listed,
    /// What is listed and asked for by its address: resources, templates.
    Addressed,
    /// Messages of a prompt or of sampling: who speaks, and content.
    Spoken,
    /// A block of content, or an array of them.
    Content,
    /// The content of a resource.
    Resource,
    /// `_meta`.
    Meta,
    /// Requests of a server inside of a result, by name, and a client's results inside of its params.
    Requests,
    Responses,
    /// A reference to a prompt or resource, a task.
    Reference,
    /// Anything.
    Free,
}

/// What becomes of a string.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Treatment {
    Text,
    /// Passes as it is.
    Keep,
    /// The bytes of a picture or a sound, if the block says that it is one; text otherwise.
    Media,
    /// Base64: of a text it is opened, of anything else it passes.
    Blob,
}

impl Place {
    /// Where the value of `key` stands, if it is an object or array.
    pub(super) fn of(self, key: &[u8]) -> Self {
        match (self, key) {
            (Self::Free, _) => Self::Free,
            (_, b"_meta") => Self::Meta,
            (Self::Message, b"params") => Self::Params,
            (Self::Message, b"result") | (Self::Responses, _) => Self::Result,
            (Self::Params, b"inputResponses") => Self::Responses,
            (Self::Params, b"ref" | b"task") | (Self::Result, b"task" | b"tasks") => Self::Reference,
            (Self::Params | Self::Result, b"messages") => Self::Spoken,
            (Self::Params | Self::Result | Self::Spoken | Self::Content, b"content") => Self::Content,
            (Self::Result, b"contents") | (Self::Content, b"resource") => Self::Resource,
            (Self::Result, b"tools" | b"prompts") => Self::Listed,
            (Self::Result, b"resources" | b"resourceTemplates") => Self::Addressed,
            (Self::Result, b"inputRequests") => Self::Requests,
            (Self::Requests, _) => Self::Message,
            _ => Self::Free,
        }
    }

    /// What becomes of the string `key` names.
    pub(super) fn treatment(self, key: &[u8]) -> Treatment {
        let keep = match self {
            Self::Message => matches!(key, b"jsonrpc" | b"id" | b"method"),
            Self::Params => matches!(
                key,
                b"name"
                    | b"uri"
                    | b"url"
                    | b"cursor"
                    | b"progressToken"
                    | b"requestId"
                    | b"taskId"
                    | b"requestState"
                    | b"elicitationId"
            ),
            Self::Result => matches!(
                key,
                b"nextCursor" | b"taskId" | b"requestState" | b"resultType" | b"role" | b"action"
            ),
            Self::Listed => key == b"name",
            Self::Addressed => matches!(key, b"uri" | b"uriTemplate" | b"mimeType"),
            Self::Spoken => key == b"role",
            Self::Content => match key {
                b"data" => return Treatment::Media,
                _ => matches!(key, b"type" | b"uri" | b"mimeType" | b"id" | b"toolUseId"),
            },
            Self::Resource => match key {
                b"blob" => return Treatment::Blob,
                _ => matches!(key, b"uri" | b"mimeType"),
            },
            Self::Meta => key == b"progressToken",
            Self::Reference => matches!(key, b"type" | b"name" | b"uri" | b"taskId" | b"status"),
            Self::Requests | Self::Responses | Self::Free => false,
        };
        if keep { Treatment::Keep } else { Treatment::Text }
    }
}

/// Whether a media type is one of text.
pub(super) fn is_text(mime: &[u8]) -> bool {
    let mime = mime.split(|byte| *byte == b';').next().unwrap_or_default();
    let known = [
        &b"application/json"[..],
        b"application/xml",
        b"application/yaml",
        b"application/x-yaml",
        b"application/toml",
        b"application/sql",
        b"application/javascript",
        b"application/x-ndjson",
        b"application/x-sh",
        b"message/rfc822",
        b"image/svg+xml",
    ];
    mime.starts_with(b"text/")
        || mime.ends_with(b"+json")
        || mime.ends_with(b"+xml")
        || mime.ends_with(b"+yaml")
        || known.contains(&mime)
}

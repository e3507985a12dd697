//! Finds the `x-mcp-header` annotations in a tool's input schema and judges them.

use std::fmt;

use http::HeaderName;

use crate::mcp::header::PARAM_PREFIX;
use crate::mcp::json::{Span, elements, find, members, string};
use crate::mcp::param_headers::Param;

const ANNOTATION: &str = "x-mcp-header";

/// More than a request's headers could carry.
const MAX_PARAMS: usize = 64;

/// What is wrong with an annotation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Invalid {
    /// A key that is read stands there twice.
    Ambiguous,
    Name,
    Repeated,
    TooMany,
    Type,
    Unreachable,
}

/// A schema that is still to be looked at.
struct Place {
    schema: Span,
    /// From the root, while only `properties` led here; else no annotation may stand here.
    path: Option<Vec<Box<str>>>,
}

pub(super) fn read(tool: &[u8]) -> Result<Vec<Param>, Invalid> {
    let whole = Span {
        start: 0,
        end: tool.len(),
    };
    let mut params: Vec<Param> = Vec::new();
    // Most tools have none: one search of the text says so. The word with an escape in it is found by the walk.
    if memchr::memmem::find(tool, ANNOTATION.as_bytes()).is_none() && memchr::memmem::find(tool, b"\\u").is_none() {
        return Ok(params);
    }
    let root = find(tool, whole, "inputSchema").map_err(|_| Invalid::Ambiguous)?;
    let mut places: Vec<Place> = root
        .map(|schema| Place {
            schema,
            path: Some(Vec::new()),
        })
        .into_iter()
        .collect();
    while let Some(Place { schema, path }) = places.pop() {
        if let Some(name) = find(tool, schema, ANNOTATION).map_err(|_| Invalid::Ambiguous)? {
            let path = path
                .clone()
                .filter(|path| !path.is_empty())
                .ok_or(Invalid::Unreachable)?;
            let param = Param {
                header: header(tool, name)?,
                path: path.into(),
            };
            check_type(tool, schema)?;
            if params.iter().any(|other| other.header == param.header) {
                return Err(Invalid::Repeated);
            }
            if params.len() == MAX_PARAMS {
                return Err(Invalid::TooMany);
            }
            params.push(param);
        }
        for member in members(tool, schema) {
            let keyword = member.key_str(tool).unwrap_or_default();
            match &*keyword {
                // Data, not schemas: what stands in there is a value that looks like an annotation.
                "const" | "default" | "enum" | "example" | "examples" => {}
                "properties" => places.extend(members(tool, member.value).map(|property| {
                    Place {
                        schema: property.value,
                        path: path
                            .as_ref()
                            .zip(property.key_str(tool))
                            .map(|(path, key)| longer(path, &key)),
                    }
                })),
                "$defs" | "definitions" | "dependentSchemas" | "patternProperties" => {
                    places.extend(members(tool, member.value).map(|named| Place {
                        schema: named.value,
                        path: None,
                    }));
                }
                _ => {
                    places.push(Place {
                        schema: member.value,
                        path: None,
                    });
                    places.extend(elements(tool, member.value).map(|schema| Place { schema, path: None }));
                }
            }
        }
    }
    params.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(params)
}

fn longer(path: &[Box<str>], key: &str) -> Vec<Box<str>> {
    [path, &[key.into()]].concat()
}

/// RFC 9110 §5.6.2: a name is a token; `HeaderName` knows which characters that is.
fn header(tool: &[u8], name: Span) -> Result<HeaderName, Invalid> {
    let name = string(tool, name)
        .filter(|name| !name.is_empty())
        .ok_or(Invalid::Name)?;
    HeaderName::from_bytes(format!("{PARAM_PREFIX}{name}").as_bytes()).map_err(|_| Invalid::Name)
}

/// `number` is out: its text differs from writer to writer.
fn check_type(tool: &[u8], schema: Span) -> Result<(), Invalid> {
    let kind = find(tool, schema, "type")
        .map_err(|_| Invalid::Ambiguous)?
        .and_then(|kind| string(tool, kind));
    match kind.as_deref() {
        Some("string" | "integer" | "boolean") => Ok(()),
        _ => Err(Invalid::Type),
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ambiguous => "a key of the schema stands there twice",
            Self::Name => "`x-mcp-header` is not a valid header name",
            Self::Repeated => "two properties have the same `x-mcp-header`",
            Self::TooMany => "too many properties have `x-mcp-header`",
            Self::Type => "`x-mcp-header` on a property that is not a string, integer or boolean",
            Self::Unreachable => "`x-mcp-header` where `properties` alone do not lead",
        })
    }
}

impl std::error::Error for Invalid {}

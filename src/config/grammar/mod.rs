//! The grammar as data, and the walk that reads spanned tables by it.
//!
//! `table!` declares a table once: the struct, what its keys take, and the words that explain them. From that come the
//! typed tables ([`Reader`]), the JSON schemas ([`schema`]) and the reference page ([`reference()`]). A wrong value
//! becomes a finding and an empty [`Given`]; it hides nothing else.

mod given;
mod kind;
mod leaf;
mod macros;
mod reader;
mod reference;
mod schema;
mod text;

pub use given::{AsName, Choice, Given, Item, List, Map, MapEntry, Tables};
pub use kind::{Format, KeyDoc, Kind, Shape, TableDoc};
pub use leaf::{Any, Count, Lasting, Literal, Secret, Setting, Size};
pub use reader::{Reader, similar};
pub use reference::reference;
pub use schema::{configuration_schema, test_schema};
pub use text::{
    Address, ArgumentName, EnvName, HeaderName, Host, LogLevel, Name, NamePattern, Network, Origin, PasswordHash,
    PathPattern, PathText, PiiType, Selector, Text, Textual, TokenHash, Url,
};

pub(in crate::config) use given::read_choice;
pub(in crate::config) use macros::{choice, table};

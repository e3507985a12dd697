//! Files become spanned tables: which files are read, the shape of each table, many files as one configuration.
//!
//! Paths in, [`Loaded`] out, with all findings of all files. What tables mean together is `compile`'s. The grammar
//! ([`table`]) is data: the same declarations check the shape, make the JSON schemas and the reference.
//! The door to `toml`. Nothing here starts a program, opens a connection or reads a secret.

pub mod grammar;
pub mod table;

mod load;
mod merge;
mod node;
mod parse;
mod secret;
mod walk;

pub use load::{Loaded, LockFile, Options, load};
pub use node::{Entry, Node, RawTable, TableKind, Value};
pub use secret::is_secret_name;

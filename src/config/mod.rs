//! Files become spanned tables: which files are read, the shape of each table, many files as one configuration.
//!
//! Paths become a [`Bundle`] of bytes, a Bundle becomes [`Loaded`], with all findings of all files; what is in memory
//! already (a plan, a generation, a git tree) is read by the same code. What tables mean together is `compile`'s. The
//! grammar ([`table`]) is data: the same declarations check the shape, make the JSON schemas and the reference.
//! The door to `toml`. Nothing here starts a program, opens a connection or reads a secret.

pub mod grammar;
pub mod table;

mod bundle;
mod collect;
mod load;
mod locked;
mod merge;
mod node;
mod parse;
mod secret;
mod test_files;
mod twice;
mod walk;

pub use bundle::{Bundle, BundledFile, NoBundle, Root, RootKind};
pub use collect::{Collected, collect, collect_from};
pub use load::{Loaded, LockFile, Options, load, read};
pub use locked::{LockPlace, write_whole};
pub use node::{Entry, Node, RawTable, TableKind, Value};
pub use test_files::{Tests, load_tests};

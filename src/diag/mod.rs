//! Findings: what is wrong with a configuration, where, what decided it, and what to write instead.
//!
//! `config`, `compile` and `lint` make them, the command line prints them. A finding holds places, never copies of the
//! text; what is secret in a file is marked in [`Sources`], and no rendering shows it. The door to `miette`.

mod code;
mod finding;
mod render;
mod sources;

pub use code::{Code, Severity};
pub use finding::{Finding, Findings, Label};
pub use render::{Format, draw, render, to_json};
pub use sources::{FileId, Place, Position, Source, Sources, Span};

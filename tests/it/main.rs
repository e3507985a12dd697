//! The one test binary: every module is a subject.

mod artifacts;
mod cli;

//! The command line as a script sees it: the real binary, its exit codes, its two streams.

mod basics;
pub(crate) mod run;

//! The command line as a script sees it: the real binary, its exit codes, its two streams.

mod asking;
mod basics;
mod files;
mod planning;
mod quickstart;
pub(crate) mod run;
mod scripted;
mod serving;
mod testing;

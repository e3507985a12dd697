//! A server as a child process: one JSON-RPC message a line on its standard streams.

mod command;
mod deliveries;
mod end;
mod lines;
mod mux;
mod process;
mod streams;
mod token;

pub(super) use command::{Command, Crashes};
pub(super) use process::Process;

use std::borrow::Cow;

/// What a child wrote besides messages, for the log. UTF-16 becomes readable, so that what is looked for in the log is found.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = if text.contains('\0') {
        Cow::Owned(text.replace('\0', ""))
    } else {
        text
    };
    crate::text::safe(&text).into_owned()
}

//! Recorded definitions of a server's tools and prompts (`locked/SERVER.json`): what they are and what differs.

/// What was reviewed of one server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lock {}

//! Real parts for tests: the gateway's binary, a server that records what reaches it, an HTTP client.

mod gateway;
mod http;
mod liar;
mod provider;
mod proxy;
mod recorder;
mod redis;

pub(crate) use gateway::Gateway;
pub(crate) use http::{Answer, Client, listed_tools};
pub(crate) use liar::Liar;
pub(crate) use provider::Provider;
pub(crate) use proxy::Proxy;
pub(crate) use recorder::Recorder;
pub(crate) use redis::Redis;

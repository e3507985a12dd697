//! What comes in: a request whose body is read, and the world that it is answered in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;

use crate::audit::Log;
use crate::auth::connect::Accounting;
use crate::auth::oidc::Provider;
use crate::name::{Caller, EndpointName, ServerName};
use crate::snapshot::Snapshot;
use crate::snapshot::access::Rights;

/// Bytes of a body: forms and registrations are small.
pub const MAX_BODY: u64 = 64 << 10;

/// A request for one of our routes. `Host` and `Origin` are checked.
#[derive(Debug)]
pub struct Request {
    pub parts: Parts,
    /// Who sent it; behind a trusted proxy, who that says it was.
    pub address: IpAddr,
    /// At most [`MAX_BODY`].
    pub body: Bytes,
    /// Under which URL the sender sees us, without a slash at the end: `public-url`, or the loopback name that it used.
    pub base: String,
}

impl Request {
    /// Its path and query: where to come back to.
    pub(super) fn here(&self) -> &str {
        self.parts.uri.path_and_query().map_or("/", |whole| whole.as_str())
    }
}

/// The generation that answers a request.
pub trait World: Accounting {
    fn snapshot(&self) -> &Arc<Snapshot>;
    /// Of a caller who is let in.
    fn rights(&self, caller: &Caller) -> Rights;
    /// Is the caller let in nowhere?
    fn is_held(&self, caller: &Caller) -> bool;
    fn log(&self) -> &Arc<Log>;
    /// Of `[login.oidc]`.
    fn provider(&self) -> Option<&Arc<Provider>>;
    /// What the caller may use of an endpoint, for people to read; empty while its servers have not shown their tools.
    fn tools(&self, endpoint: &EndpointName, caller: &Caller) -> Vec<ToolLine>;
}

/// A tool in plain words. All of it is foreign text, made safe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolLine {
    pub server: ServerName,
    /// Its title, else its name.
    pub title: String,
    /// The first sentence of its description.
    pub summary: String,
    /// It says that it only reads.
    pub only_reads: bool,
}

/// Credentials of one person for one server, as the connect page shows them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    pub server: ServerName,
    pub state: AccountState,
    /// Connected by a redirect (OAuth), else by pasting a token.
    pub by_redirect: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountState {
    Connected,
    /// The server refuses what is stored.
    Expired,
    Missing,
}

/// Accounts by server.
pub type Accounts = BTreeMap<ServerName, Account>;

//! Tasks of 2026-07-28 (extension `io.modelcontextprotocol/tasks`): which server holds a task, and whose it is.
//!
//! A server answers a tool call with a task instead of a result; the client then asks for the task by its id. The id
//! goes to the server that gave it out, for the caller that it was given to, as long as that caller may use the tool.
//! The table lives in this process: after a restart a task is unknown here.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use ::http::StatusCode;

use crate::gate::Gate;
use crate::gate::auth::Account;
use crate::gate::error::Error;
use crate::gate::exchange::{Client, Exchange};
use crate::mcp::error::code;
use crate::mcp::json::{Span, check, find, string};
use crate::mcp::result::Seen;
use crate::mcp::{Method, Version};
use crate::name::{EndpointName, ServerName};
use crate::snapshot::access::{Object, Permit, Purpose};
use crate::upstream::Upstream;

pub(super) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Beyond this the oldest tasks are forgotten.
const MAX_TASKS: usize = 10_000;
/// Longer ids are not kept, in bytes.
const MAX_ID: usize = 512;

/// All tasks that callers were given.
#[derive(Default)]
pub(super) struct Tasks(Mutex<Table>);

#[derive(Default)]
struct Table {
    owners: HashMap<Key, Owner>,
    order: VecDeque<Key>,
}

#[derive(Clone, Eq, Hash, PartialEq)]
struct Key {
    account: Account,
    endpoint: EndpointName,
    id: String,
}

#[derive(Clone)]
struct Owner {
    server: ServerName,
    tool: Arc<str>,
}

/// Looks whether the answer of a call is a task, and remembers it.
pub(super) struct Watch {
    gate: Arc<Gate>,
    account: Account,
    endpoint: EndpointName,
    owner: Owner,
}

pub(super) fn is_task_method(method: &Method) -> bool {
    matches!(method.as_str(), "tasks/get" | "tasks/update" | "tasks/cancel")
}

/// Does the client of this request know tasks?
pub(super) fn declared(body: &[u8], capabilities: Span) -> bool {
    let extensions = find(body, capabilities, "extensions").ok().flatten();
    extensions.is_some_and(|extensions| matches!(find(body, extensions, EXTENSION), Ok(Some(_))))
}

/// The server of the task that the request names, if it is this caller's.
pub(super) fn permit(exchange: &Exchange<'_>) -> Result<(Permit, Arc<Upstream>, String), Error> {
    if !matches!(&exchange.client, Client::Modern(claim) if claim.tasks) {
        return Err(undeclared());
    }
    let request = &exchange.request;
    let id = exchange.params().and_then(|params| params.task_id);
    let id = id
        .and_then(|span| string(exchange.body, span))
        .map(std::borrow::Cow::into_owned);
    let id = id.ok_or_else(|| Error::invalid_params("`taskId` is not a string"))?;
    let key = Key {
        account: request.identity.account(request.peer),
        endpoint: request.endpoint.clone(),
        id,
    };
    let unknown = || Error::invalid_params("there is no such task");
    let owner = request.gate.tasks.owner(&key).ok_or_else(unknown)?;
    let object = Object::Tool {
        server: &owner.server,
        tool: &owner.tool,
    };
    let permit = request
        .identity
        .rights
        .permit(&request.endpoint, object, Purpose::Follow)
        .map_err(|_| unknown())?;
    let upstream = request.generation.upstreams.get(&owner.server);
    let upstream = upstream.and_then(|upstream| upstream.of(&request.identity.caller.principal));
    Ok((permit, upstream.ok_or_else(unknown)?, key.id))
}

/// MCP 2026-07-28: a method of an extension that the request does not declare is refused with what it lacks.
fn undeclared() -> Error {
    let data = format!(r#"{{"requiredCapabilities":{{"extensions":{{"{EXTENSION}":{{}}}}}}}}"#);
    Error::new(
        StatusCode::BAD_REQUEST,
        code::MISSING_CAPABILITY,
        "this method needs the tasks extension",
    )
    .with_data(data)
}

impl Watch {
    /// `None` where the answer cannot be a task.
    pub(super) fn of(exchange: &Exchange<'_>, permit: &Permit, server: Version) -> Option<Self> {
        let knows = matches!(&exchange.client, Client::Modern(claim) if claim.tasks);
        let possible = knows && *exchange.method == Method::ToolsCall && server == Version::V2026_07_28;
        possible.then(|| Self {
            gate: Arc::clone(&exchange.request.gate),
            account: exchange.request.identity.account(exchange.request.peer),
            endpoint: exchange.request.endpoint.clone(),
            owner: Owner {
                server: permit.server().clone(),
                tool: Arc::clone(permit.name()),
            },
        })
    }

    pub(super) fn look(&self, seen: &Seen, message: &[u8]) {
        if seen.result_type.as_deref() != Some("task") {
            return;
        }
        let id = check(message).ok().and_then(|whole| {
            let result = find(message, whole, "result").ok()??;
            string(message, find(message, result, "taskId").ok()??)
        });
        let Some(id) = id.filter(|id| id.len() <= MAX_ID) else {
            return;
        };
        let key = Key {
            account: self.account.clone(),
            endpoint: self.endpoint.clone(),
            id: id.into_owned(),
        };
        self.gate.tasks.keep(key, self.owner.clone());
    }
}

impl Tasks {
    fn owner(&self, key: &Key) -> Option<Owner> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .owners
            .get(key)
            .cloned()
    }

    /// The first server that gives out an id has it: another one cannot take over a task by naming its id.
    fn keep(&self, key: Key, owner: Owner) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.owners.entry(key.clone()) {
            Entry::Occupied(known) => {
                if known.get().server != owner.server {
                    tracing::warn!(server = %owner.server, "a server gives out the id of another server's task");
                }
                return;
            }
            Entry::Vacant(place) => {
                place.insert(owner);
            }
        }
        table.order.push_back(key);
        if table.order.len() > MAX_TASKS
            && let Some(oldest) = table.order.pop_front()
        {
            table.owners.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: &str, id: &str) -> Key {
        Key {
            account: Account::Principal(crate::name::Principal::User(user.into())),
            endpoint: EndpointName::new("e").unwrap(),
            id: id.into(),
        }
    }

    fn owner(server: &str) -> Owner {
        Owner {
            server: ServerName::new(server).unwrap(),
            tool: "t".into(),
        }
    }

    #[test]
    fn a_task_is_its_callers_and_its_first_servers() {
        let tasks = Tasks::default();
        tasks.keep(key("alice", "1"), owner("first"));
        tasks.keep(key("alice", "1"), owner("second"));
        assert_eq!(tasks.owner(&key("alice", "1")).unwrap().server.as_str(), "first");
        assert!(tasks.owner(&key("bob", "1")).is_none());
    }

    #[test]
    fn the_oldest_tasks_are_forgotten() {
        let tasks = Tasks::default();
        for id in 0..=MAX_TASKS {
            tasks.keep(key("alice", &id.to_string()), owner("s"));
        }
        assert!(tasks.owner(&key("alice", "0")).is_none());
        assert!(tasks.owner(&key("alice", "1")).is_some());
    }
}
